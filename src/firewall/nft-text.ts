import type { Service } from '../config/config.ts'
import { portsText, protocolName } from '../config/service.ts'
import { formatNetwork } from '../packet/network.ts'
import type { Network } from '../packet/network.ts'

/** The words of nft(8) for each address family: the protocol, and the type of an address in a set. */
export const IP = { 4: 'ip', 6: 'ip6' } as const
export const ADDRESS_TYPE = { 4: 'ipv4_addr', 6: 'ipv6_addr' } as const
/** The key of a service in a set: its protocol and port. */
export const SERVICE_KEY = 'meta l4proto . th dport'

/** Returns a rule that accepts packets to a service of this host, from everybody or from a network. */
export function acceptRule(service: Service, from?: Network): string {
  const source = from === undefined ? '' : `${IP[from.address.family]} saddr ${formatNetwork(from)} `
  return `${source}${serviceMatch(service)} accept`
}

/** Returns the match of packets to a service of this host. */
export function serviceMatch(service: Service): string {
  return `${protocolName(service.protocol)} dport ${portsText(service)}`
}

/** Returns rules with a comment before them, if there are any. */
export function titled(title: string, rules: readonly string[]): readonly string[] {
  return rules.length === 0 ? [] : [title, ...rules]
}
