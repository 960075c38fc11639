import { FAMILIES } from '../../packet/address.ts'
import type { Family } from '../../packet/address.ts'

/** The map that holds the closed port's last answer, by family. It is used with `match`. */
const ANSWERS = 'answers'
/** The value for no answer. */
const SILENCE = 0
/** The value for a TCP reset. */
const RESET = 1

/**
 * The ICMP errors that refuse a packet: the code of "destination unreachable" (RFC 792, RFC 1812, RFC 4443), and its
 * name in nft(8).
 */
const REFUSALS: Readonly<Record<Family, readonly (readonly [code: number, name: string])[]>> = {
  4: [
    [0, 'net-unreachable'],
    [1, 'host-unreachable'],
    [2, 'prot-unreachable'],
    [3, 'port-unreachable'],
    [9, 'net-prohibited'],
    [10, 'host-prohibited'],
    [13, 'admin-prohibited'],
  ],
  6: [
    [0, 'no-route'],
    [1, 'admin-prohibited'],
    [3, 'addr-unreachable'],
    [4, 'port-unreachable'],
    [5, 'policy-fail'],
    [6, 'reject-route'],
  ],
}
const ICMP = { 4: 'icmp', 6: 'icmpv6' } as const

/** The answers of the closed port. A reset is assumed until the first answer, as on a host without rules. */
export const ANSWERS_MAP = `map ${ANSWERS} { type nf_proto : mark; flags dynamic; size 16; elements = { ipv4 : ${RESET}, ipv6 : ${RESET} } }`

/**
 * Returns the rules for packets from sources that have not knocked. NAT sends the first packet of a connection to a
 * closed port. NAT cannot redirect a packet that begins no connection: such a packet gets the closed port's last
 * answer.
 */
export function mimicClosedPort(): readonly string[] {
  return [
    `meta l4proto tcp ct state new delete @${ANSWERS} { meta nfproto : ${SILENCE} }`,
    'ct state new accept',
    'meta l4proto != tcp drop',
    `meta mark set ${SILENCE}`,
    `meta mark set meta nfproto map @${ANSWERS}`,
    `meta mark ${RESET} reject with tcp reset`,
    ...FAMILIES.flatMap((family) =>
      REFUSALS[family].map(([code, name]) => `meta mark ${mark(family, code)} reject with ${ICMP[family]} ${name}`),
    ),
    'drop',
  ]
}

/** Returns the rules that record the closed port's answers to redirected packets, as they leave the host. */
export function learnAnswer(closedPort: number): readonly string[] {
  return [
    'ct status ! dnat accept',
    'ct original protocol != tcp accept',
    `tcp sport ${closedPort} tcp flags rst ${remember(RESET)}`,
    ...FAMILIES.flatMap((family) =>
      REFUSALS[family].map(
        ([code]) =>
          `${ICMP[family]} type destination-unreachable ${ICMP[family]} code ${code} ${remember(mark(family, code))}`,
      ),
    ),
  ]
}

function remember(answer: number): string {
  return `update @${ANSWERS} { meta nfproto : ${answer} }`
}

function mark(family: Family, code: number): number {
  return (family << 8) | code
}
