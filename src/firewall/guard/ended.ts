import { FAMILIES } from '../../packet/address.ts'
import type { Family } from '../../packet/address.ts'
import { ADDRESS_TYPE } from '../nft-text.ts'
import { TABLE } from './element.ts'

/** The maximum number of flows that are ended at a time, which is the size of the kernel's sets. */
export const ENDED_MAX = 65_536
/** Seconds for which a silent flow stays ended. Connection tracking remembers a silent connection as long (5 days). */
const ENDED_S = 432_000

/** A flow to a guarded port that began while the guard was not loaded, from a source without access. */
export interface Ended {
  readonly family: Family
  readonly protocol: 'tcp' | 'udp'
  /** The address of the other end, as text. */
  readonly peer: string
  readonly peerPort: number
  /** The destination address of the flow before any translation, as text. */
  readonly address: string
  readonly port: number
}

const KEY = { 4: keyOf('ip'), 6: keyOf('ip6') } as const
/** The same key for packets from the service to the peer. */
const ANSWER_KEY = { 4: answerKeyOf('ip'), 6: answerKeyOf('ip6') } as const

function keyOf(ip: 'ip' | 'ip6'): string {
  return `${ip} saddr . th sport . ${ip} daddr . meta l4proto . th dport`
}

function answerKeyOf(ip: 'ip' | 'ip6'): string {
  return `${ip} daddr . th dport . ${ip} saddr . meta l4proto . th sport`
}

/** Returns the sets of ended flows, for the guard's table. */
export function endedSets(ended: readonly Ended[]): readonly string[] {
  return FAMILIES.map((family) => {
    const keys = ended.filter((flow) => flow.family === family).map(elementOf)
    const filled = keys.length === 0 ? '' : ` elements = { ${keys.join(', ')} };`
    const type = `${ADDRESS_TYPE[family]} . inet_service . ${ADDRESS_TYPE[family]} . inet_proto . inet_service`
    return `set ended${family} { type ${type}; flags dynamic,timeout; timeout ${ENDED_S}s; size ${ENDED_MAX};${filled} }`
  })
}

/** Returns rules that leave a chain for packets of ended flows. A flow that keeps trying stays ended. */
export function returnEnded(): readonly string[] {
  return FAMILIES.map((family) => `${KEY[family]} @ended${family} update @ended${family} { ${KEY[family]} } return`)
}

/** Returns rules that send packets from services of other hosts in ended flows to a chain. */
export function answersEnded(chain: string): readonly string[] {
  return FAMILIES.map((family) => `${ANSWER_KEY[family]} @ended${family} goto ${chain}`)
}

/** Returns statements for packets of a source with access. Its flow continues after the opening has ended. */
export function forgetEnded(): readonly string[] {
  return FAMILIES.map((family) => `delete @ended${family} { ${KEY[family]} }`)
}

/** Returns the command that ends flows. Its table must have the sets. */
export function endCommand(ended: readonly Ended[]): string {
  return FAMILIES.map((family) => {
    const keys = ended.filter((flow) => flow.family === family).map(elementOf)
    return keys.length === 0 ? '' : `add element ${TABLE} ended${family} { ${keys.join(', ')} }\n`
  }).join('')
}

/** Returns the unique name of an ended flow. */
export function endedName({ protocol, peer, peerPort, address, port }: Ended): string {
  return `${protocol} ${peer} ${peerPort} ${address} ${port}`
}

function elementOf({ peer, peerPort, address, protocol, port }: Ended): string {
  return `${peer} . ${peerPort} . ${address} . ${protocol} . ${port}`
}
