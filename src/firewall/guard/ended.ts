import type { Family } from '../../packet/address.ts'
import { TABLE } from './element.ts'

/** Most flows that are ended at a time: as many as one of the kernel's sets takes here. */
export const ENDED_MAX = 65_536
/** Seconds for which a silent flow stays ended: as long as connection tracking remembers a silent connection (5 days). */
const ENDED_S = 432_000

/** A flow to a guarded port that began while the guard was away, and that nobody had let in. */
export interface Ended {
  readonly family: Family
  readonly protocol: 'tcp' | 'udp'
  /** Of the other end, as text. */
  readonly peer: string
  readonly peerPort: number
  /** The address that the flow was sent to, before any translation, as text. */
  readonly address: string
  readonly port: number
}

const FAMILIES: readonly Family[] = [4, 6]
const ADDRESS = { 4: 'ipv4_addr', 6: 'ipv6_addr' } as const
const KEY = { 4: keyOf('ip'), 6: keyOf('ip6') } as const

function keyOf(ip: 'ip' | 'ip6'): string {
  return `${ip} saddr . th sport . ${ip} daddr . meta l4proto . th dport`
}

/** The sets of ended flows, for the guard's table. */
export function endedSets(ended: readonly Ended[]): readonly string[] {
  return FAMILIES.map((family) => {
    const keys = ended.filter((flow) => flow.family === family).map(elementOf)
    const filled = keys.length === 0 ? '' : ` elements = { ${keys.join(', ')} };`
    const type = `${ADDRESS[family]} . inet_service . ${ADDRESS[family]} . inet_proto . inet_service`
    return `set ended${family} { type ${type}; flags dynamic,timeout; timeout ${ENDED_S}s; size ${ENDED_MAX};${filled} }`
  })
}

/** Rules that leave a chain with the packets of ended flows. A flow that goes on trying stays ended. */
export function returnEnded(): readonly string[] {
  return FAMILIES.map((family) => `${KEY[family]} @ended${family} update @ended${family} { ${KEY[family]} } return`)
}

/** Statements for a packet of somebody who is let in: the flow goes on when the opening has ended. */
export function forgetEnded(): readonly string[] {
  return FAMILIES.map((family) => `delete @ended${family} { ${KEY[family]} }`)
}

/** The command that ends flows, in a table that has the sets. */
export function endCommand(ended: readonly Ended[]): string {
  return FAMILIES.map((family) => {
    const keys = ended.filter((flow) => flow.family === family).map(elementOf)
    return keys.length === 0 ? '' : `add element ${TABLE} ended${family} { ${keys.join(', ')} }\n`
  }).join('')
}

/** How an ended flow is called: no two are called alike. */
export function endedName({ protocol, peer, peerPort, address, port }: Ended): string {
  return `${protocol} ${peer} ${peerPort} ${address} ${port}`
}

function elementOf({ peer, peerPort, address, protocol, port }: Ended): string {
  return `${peer} . ${peerPort} . ${address} . ${protocol} . ${port}`
}
