import type { Door, Service } from '../../config/config.ts'
import { NOT_WIDENED } from '../../config/networks.ts'
import { portsText, protocolName } from '../../config/service.ts'
import { formatAddress } from '../../packet/address.ts'
import type { Address, Family } from '../../packet/address.ts'
import { ADDRESS_BITS, formatNetwork, networkOf } from '../../packet/network.ts'
import { mergeServices } from './merge.ts'
import type { GuardPlan } from './plan.ts'

export const TABLE = 'inet postern'
/** The counter of packets from sources that have not knocked. */
export const HIDDEN_COUNTER = 'hidden'
/** An element of a guard set while a door is open. */
export interface Element {
  readonly set: string
  readonly key: string
  /** The value of the key, in a map. */
  readonly data?: string
}

/** The target to which connections to a door's ports are forwarded. */
export interface Forward {
  /** The target host; `undefined` means this host, at the address of the connection. */
  readonly address: Address | undefined
  readonly port: number
}

/** The names of the sets and maps that only some plans have. */
export const SETS = {
  /** Connections that are forwarded to other hosts. */
  forward: (family: Family): string => `forward${family}`,
  /** Connections that are forwarded to other ports of this host. */
  redirect: (family: Family): string => `redirect${family}`,
  /** A wide door's port ranges of this host. */
  ranges: (door: number, family: Family): string => `wide${family}_${door}`,
  /** A wide door's single ports of this host. See {@link openElements}. */
  ports: (door: number, family: Family): string => `wide${family}_${door}_port`,
  /** A wide door's services of other hosts. */
  hosts: (door: number, family: Family): string => `host${family}_${door}`,
} as const

/** Returns an element with its timeout, in the syntax of nft(8). */
export function timedElement({ key, data }: Element, ms: number): string {
  return `${key} timeout ${timeText(ms)}${data === undefined ? '' : ` : ${data}`}`
}

/**
 * Returns the elements that open a door for an address. A forwarded port is forwarded for that address alone, and is
 * open to no wider network. The list is empty if forwarding is impossible.
 */
export function elementsOf(plan: GuardPlan, door: Door, source: Address, forward?: Forward): readonly Element[] {
  if (forward === undefined) return openElements(plan, door, source)
  const { family } = source
  const { address, port } = forward
  if (address !== undefined && address.family !== family) return []
  const set = address === undefined ? SETS.redirect(family) : SETS.forward(family)
  const data = address === undefined ? String(port) : `${formatAddress(address)} . ${port}`
  const sent = door.opens.map((service) => ({ set, key: `${formatAddress(source)} . ${keyText(service)}`, data }))
  return [...openElements(plan, { ...door, widen: NOT_WIDENED }, source), ...sent]
}

/**
 * Single ports and ranges are in separate sets, and so are single addresses and networks. Some ports of a door may be
 * open beside the whole door. The kernel does not accept an element that lies within another one of the same set.
 */
function openElements(plan: GuardPlan, door: Door, source: Address): readonly Element[] {
  const { family } = source
  const index = plan.wide.get(door.name)
  const isAlone = door.widen[family] === ADDRESS_BITS[family]
  const exact = (service: Service): Element => ({
    set: `open${family}`,
    key: [formatAddress(source), keyText(service)].join(' . '),
  })
  if (index === undefined) return door.opens.map(exact)
  const from = formatNetwork(networkOf(source, door.widen[family]))
  const ours = door.opens.filter(({ host }) => host === undefined)
  const ranges = mergeServices(ours.filter(({ first, last }) => first !== last))
  const ports = ours.filter(({ first, last }) => first === last)
  const theirs = mergeServices(door.opens.filter(({ host }) => host?.family === family))
  return [
    ...ports.map((service) =>
      isAlone ? exact(service) : { set: SETS.ports(index, family), key: `${from} . ${keyText(service)}` },
    ),
    ...ranges.map((service) => ({ set: SETS.ranges(index, family), key: `${from} . ${keyText(service)}` })),
    ...theirs.map((service) => ({ set: SETS.hosts(index, family), key: `${from} . ${hostKeyText(service)}` })),
  ]
}

/** Returns the protocol and the ports of a service, in the syntax of a set. */
export function keyText(service: Service): string {
  return `${protocolName(service.protocol)} . ${portsText(service)}`
}

/** Returns the host, the protocol and the ports of another host's service, in the syntax of a set. */
export function hostKeyText(service: Service): string {
  return `${formatAddress(service.host!)} . ${keyText(service)}`
}

/** Returns a time in the syntax of nft(8), rounded up to whole milliseconds. */
export function timeText(ms: number): string {
  const whole = Math.max(1, Math.ceil(ms))
  return `${Math.floor(whole / 1000)}s${whole % 1000}ms`
}

/** Returns the command that adds elements with a timeout. An existing element gets the new timeout. */
export function openCommand(elements: readonly Element[], ms: number): string {
  // Adding an existing element would keep its old timeout, and deleting a missing one would fail. Within one
  // transaction, these three commands avoid both.
  return elements.map((element) => `${added(element, ms)}${deleted(element)}${added(element, ms)}`).join('')
}

/** The timeout of an element that is added only to be deleted in the same transaction. */
const CLOSING_MS = 1_000

/** Returns the command that removes elements, whether they exist or not. */
export function closeCommand(elements: readonly Element[]): string {
  return elements.map((element) => `${added(element, CLOSING_MS)}${deleted(element)}`).join('')
}

function added(element: Element, ms: number): string {
  return `add element ${TABLE} ${element.set} { ${timedElement(element, ms)} }\n`
}

function deleted({ set, key }: Element): string {
  return `delete element ${TABLE} ${set} { ${key} }\n`
}
