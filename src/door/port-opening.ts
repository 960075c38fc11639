import type { Config, Door } from '../config/config.ts'
import { formatService } from '../config/service.ts'
import { elementsOf } from '../firewall/guard/element.ts'
import type { Element, Forward } from '../firewall/guard/element.ts'
import type { GuardPlan } from '../firewall/guard/plan.ts'
import type { Held } from '../firewall/guard/ruleset.ts'
import { formatAddress, parseAddress } from '../packet/address.ts'
import type { Address } from '../packet/address.ts'
import { formatNetwork, networkOf } from '../packet/network.ts'
import { holdsOf } from '../state/holds.ts'
import type { Opening } from '../state/opening.ts'
import type { LiveOpening } from './live-opener.ts'
import { doorWith, forwardText, keyOf, parseForward } from './part.ts'
import type { Admission } from './sessions.ts'

/** A door with all or some of its ports open for a source. */
export interface PortOpening extends LiveOpening {
  readonly forward: Forward | undefined
  readonly source: Address
  /** The door with the open ports only. */
  door: Door
  elements: readonly Element[]
  /** True while it is being checked if the source has a connection. */
  asking: boolean
}

/** The doors of a config, by name. */
export type DoorsByName = ReadonlyMap<string, Door>

/** Returns the doors of a config by name. */
export function doorsByName({ doors }: Config): DoorsByName {
  return new Map(doors.map((door) => [door.name, door]))
}

/** Makes a live opening of ports. */
export function portOpening(
  opening: Opening,
  { key, source, forward, door, elements }: Pick<PortOpening, 'key' | 'source' | 'forward' | 'door' | 'elements'>,
): PortOpening {
  return {
    key,
    source,
    forward,
    door,
    elements,
    opening,
    holds: holdsOf(opening),
    claimedUser: undefined,
    timer: undefined,
    closing: undefined,
    asking: false,
  }
}

/** Restores an opening of the journal; `undefined`: its door no longer opens these ports. */
export function restoredOpening(opening: Opening, doors: DoorsByName): PortOpening | undefined {
  const { services, forward: to } = opening
  const source = parseAddress(opening.source)
  const forward = parseForward(to)
  const door = doorWith(doors.get(opening.door), services, forward)
  if (source === undefined || door === undefined || (to !== undefined && forward === undefined)) return undefined
  const key = keyOf(opening.door, opening.source, services, to)
  return portOpening(opening, { key, source, forward, door, elements: [] })
}

/** Returns the door of an opening under another config; `undefined`: the door no longer opens these ports. */
export function presentDoor({ opening, forward }: PortOpening, doors: DoorsByName): Door | undefined {
  return doorWith(doors.get(opening.door), opening.services, forward)
}

/** Returns the network that an opening lets in, and the services to which it may begin connections. */
export function admissionOf({ door, source }: PortOpening): Admission {
  return { from: networkOf(source, door.widen[source.family]), services: door.opens }
}

/**
 * Returns all openings, as elements of a new table.
 *
 * @param doors the doors of another config; absent: the present ones
 */
export function heldElements(
  timed: Iterable<{ readonly live: PortOpening; readonly leftMs: number }>,
  plan: GuardPlan,
  doors?: DoorsByName,
): readonly Held[] {
  const held = new Map<string, Held>()
  for (const { live, leftMs } of timed) {
    if (leftMs <= 0) continue
    const door = doors === undefined ? live.door : presentDoor(live, doors)!
    for (const element of elementsOf(plan, door, live.source, live.forward)) {
      const name = `${element.set} ${element.key}`
      if ((held.get(name)?.leftMs ?? 0) < leftMs) held.set(name, { ...element, leftMs })
    }
  }
  return [...held.values()]
}

/** Returns the other target to which ports of the elements are already forwarded; `undefined`: no other target. */
export function sentOnTo(lives: Iterable<PortOpening>, elements: readonly Element[]): string | undefined {
  const keys = new Set(elements.flatMap(({ key, data }) => (data === undefined ? [] : [key])))
  for (const { elements: theirs, forward } of lives) {
    if (forward === undefined) continue
    if (theirs.some(({ key, data }) => data !== undefined && keys.has(key))) return forwardText(forward)
  }
  return undefined
}

/** Formats an opening for the log: `tcp/22`, `tcp/22 to 192.0.2.0/24`, `tcp/22, sent on to 198.51.100.7:22,`. */
export function openingText({ door, source, forward }: PortOpening): string {
  const services = door.opens.map(formatService).join(', ')
  if (forward !== undefined) return `${services}, sent on to ${forwardText(forward)},`
  const network = formatNetwork(networkOf(source, door.widen[source.family]))
  return network === formatAddress(source) ? services : `${services} to ${network}`
}
