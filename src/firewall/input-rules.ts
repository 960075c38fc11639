import type { Service } from '../config/config.ts'
import { acceptRule, titled } from './nft-text.ts'

/** The ICMP types that hosts answer or need, in the syntax of nft(8): errors, and echo requests. */
const ICMP_NEEDED = 'destination-unreachable, time-exceeded, parameter-problem, echo-request'
/**
 * The ICMPv6 types that IPv6 requires (RFC 4890, 4.4): errors (1 to 4), echo, multicast listeners (130 to 132, 143),
 * routers and neighbours (133 to 136, 141, 142, 148, 149), multicast routers (151 to 153).
 */
const ICMPV6_NEEDED = '1-4, 128-136, 141-143, 148-149, 151-153'

/** The rules for what every host needs to work: ICMP, multicast membership, and an address by DHCP. */
export const NEEDED_RULES: readonly string[] = [
  `meta nfproto ipv4 icmp type { ${ICMP_NEEDED} } accept`,
  `meta nfproto ipv6 icmpv6 type { ${ICMPV6_NEEDED} } accept`,
  'ip protocol igmp accept',
  '# This host may get its address by DHCP.',
  'meta nfproto ipv4 udp sport 67 udp dport 68 accept',
  'ip6 saddr fe80::/10 udp sport 547 udp dport 546 accept',
]

/** The rules for packets of connections that began before the rules were loaded. */
export const EARLIER_CONNECTIONS: readonly string[] = [
  '# Connections from before these rules. A lone ACK opens nothing: closed ports and open ones reset it.',
  'ct state new tcp flags & (syn | rst | ack) == ack limit rate 100/second burst 100 packets accept',
]

/** The rules that refuse packets like a closed port. */
export const CLOSED_PORT_ANSWERS: readonly string[] = [
  '# answer as closed ports do',
  'meta l4proto tcp reject with tcp reset',
  'meta l4proto udp reject with icmpx type port-unreachable',
  'meta nfproto ipv4 reject with icmp type prot-unreachable',
]

/** Returns the rules for ports that are open to everybody. */
export function openToEverybody(services: readonly Service[]): readonly string[] {
  const rules = services.map((service) => acceptRule(service))
  return titled('# open to everybody', rules)
}
