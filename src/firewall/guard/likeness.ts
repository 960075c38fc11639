import type { Family } from '../../packet/address.ts'

/** With `match`: what the last packet that could be sent to the closed port came to there, by family. */
const ANSWERS = 'answers'
/** The answer that is none. */
const SILENCE = 0
/** A TCP reset. */
const RESET = 1

/** ICMP's ways to refuse: the code of "destination unreachable" (RFC 792, RFC 1812, RFC 4443) and nft(8)'s name for it. */
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
const FAMILIES: readonly Family[] = [4, 6]
const ICMP = { 4: 'icmp', 6: 'icmpv6' } as const

/** What is remembered of the closed port's answers. A host that was never asked is taken to have no rules. */
export const ANSWERS_MAP = `map ${ANSWERS} { type nf_proto : mark; flags dynamic; size 16; elements = { ipv4 : ${RESET}, ipv6 : ${RESET} } }`

/**
 * What becomes of a stranger's packet. The first one of a connection goes on, and NAT sends it to a closed port. One that
 * begins no connection cannot be sent elsewhere by NAT; it gets what the last one that could be sent on came to.
 */
export function alike(): readonly string[] {
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

/** Looks at what leaves the host, where a stranger's packet was sent to the closed port: that is the answer. */
export function heed(closedPort: number): readonly string[] {
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
