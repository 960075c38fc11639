import type { Door, Service } from '../../config/config.ts'
import { NOT_WIDENED } from '../../config/networks.ts'
import { protocolName } from '../../config/service.ts'
import { formatAddress } from '../../packet/address.ts'
import type { Address, Family } from '../../packet/address.ts'
import { ADDRESS_BITS, formatNetwork, networkOf } from '../../packet/network.ts'
import { mergeServices } from './merge.ts'
import type { GuardPlan } from './plan.ts'

/** The guard's table: `inet postern`. */
export const TABLE = 'inet postern'
/** What counts packets of strangers in it. */
export const HIDDEN_COUNTER = 'hidden'
/** What is in a set of the guard while something is open. */
export interface Element {
  readonly set: string
  readonly key: string
  /** What the key leads to, in a map. */
  readonly data?: string
}

/** Where connections to a door's ports are sent on to. */
export interface Forward {
  /** Another host; `undefined`: this machine, at the address that is connected to. */
  readonly address: Address | undefined
  readonly port: number
}

/** The map of connections that are sent on to other hosts. */
export function forwardMap(family: Family): string {
  return `forward${family}`
}

/** The map of connections that are sent on to other ports of this machine. */
export function redirectMap(family: Family): string {
  return `redirect${family}`
}

/** An element with its time, as nft(8) writes it. */
export function timedElement({ key, data }: Element, ms: number): string {
  return `${key} timeout ${timeText(ms)}${data === undefined ? '' : ` : ${data}`}`
}

/** The sets of a wide door: for services of this host, and of other hosts. */
export function wideSet(index: number, family: Family): string {
  return `wide${family}_${index}`
}

/** The set of a wide door for its single ports of this host: see {@link openElements}. */
export function widePortSet(index: number, family: Family): string {
  return `wide${family}_${index}_port`
}

/** @see wideSet */
export function hostSet(index: number, family: Family): string {
  return `host${family}_${index}`
}

/**
 * What is put into the guard's sets to open a door for an address. What is sent on is sent on for that address alone, and
 * nobody beside it is let in to the port in front. Nothing, where it cannot be sent on.
 */
export function elementsOf(plan: GuardPlan, door: Door, source: Address, forward?: Forward): readonly Element[] {
  if (forward === undefined) return openElements(plan, door, source)
  const { family } = source
  const { address, port } = forward
  if (address !== undefined && address.family !== family) return []
  const set = address === undefined ? redirectMap(family) : forwardMap(family)
  const data = address === undefined ? String(port) : `${formatAddress(address)} . ${port}`
  const sent = door.opens.map((service) => ({ set, key: `${formatAddress(source)} . ${keyText(service)}`, data }))
  return [...openElements(plan, { ...door, widen: NOT_WIDENED }, source), ...sent]
}

/**
 * Single ports and ranges are in sets of their own, and so are single addresses and networks: some of a door's ports may
 * be open beside the whole door, and the kernel takes no element into a set that lies within another one of it.
 */
function openElements(plan: GuardPlan, door: Door, source: Address): readonly Element[] {
  const { family } = source
  const index = plan.wide.get(door.name)
  const isAlone = door.widen[family] === ADDRESS_BITS[family]
  const exact = (service: Service): Element => ({
    set: `open${family}`,
    key: `${formatAddress(source)} . ${keyText(service)}`,
  })
  if (index === undefined) return door.opens.map(exact)
  const from = formatNetwork(networkOf(source, door.widen[family]))
  const ours = door.opens.filter(({ host }) => host === undefined)
  const ranges = mergeServices(ours.filter(({ first, last }) => first !== last))
  const ports = ours.filter(({ first, last }) => first === last)
  const theirs = mergeServices(door.opens.filter(({ host }) => host?.family === family))
  return [
    ...ports.map((service) =>
      isAlone ? exact(service) : { set: widePortSet(index, family), key: `${from} . ${keyText(service)}` },
    ),
    ...ranges.map((service) => ({ set: wideSet(index, family), key: `${from} . ${keyText(service)}` })),
    ...theirs.map((service) => ({
      set: hostSet(index, family),
      key: `${from} . ${formatAddress(service.host!)} . ${keyText(service)}`,
    })),
  ]
}

/** Protocol and ports of a service as sets have them. */
export function keyText(service: Service): string {
  return `${protocolName(service.protocol)} . ${portsText(service)}`
}

/** The ports of a service as nft(8) writes them. */
function portsText({ first, last }: Service): string {
  return first === last ? String(first) : `${first}-${last}`
}

/** A time as nft(8) writes it; what is no whole millisecond is rounded up. */
export function timeText(ms: number): string {
  const whole = Math.max(1, Math.ceil(ms))
  return `${Math.floor(whole / 1000)}s${whole % 1000}ms`
}

/** The command that puts elements in, each until its own time; one that is there already gets the new time. */
export function openCommand(elements: readonly Element[], ms: number): string {
  // An element that is added again keeps its old time, and one that is not there cannot be deleted; within one
  // transaction this does neither.
  return elements
    .map((element) => {
      const { set, key } = element
      const at = `element ${TABLE} ${set}`
      const timed = `{ ${timedElement(element, ms)} }`
      return `add ${at} ${timed}\ndelete ${at} { ${key} }\nadd ${at} ${timed}\n`
    })
    .join('')
}

/** What an element is given that is taken out in the same transaction. */
const CLOSING_MS = 1_000

/** The command that takes elements out, whether they are there or not. */
export function closeCommand(elements: readonly Element[]): string {
  return elements
    .map((element) => {
      const { set, key } = element
      const at = `element ${TABLE} ${set}`
      return `add ${at} { ${timedElement(element, CLOSING_MS)} }\ndelete ${at} { ${key} }\n`
    })
    .join('')
}
