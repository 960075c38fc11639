import { randomUUID } from 'node:crypto'
import type { Door, Service } from '../config/config.ts'
import { formatService } from '../config/service.ts'
import { elementsOf } from '../firewall/guard/element.ts'
import type { Element, Forward } from '../firewall/guard/element.ts'
import type { GuardPlan } from '../firewall/guard/plan.ts'
import type { Held } from '../firewall/guard/ruleset.ts'
import { formatAddress, parseAddress } from '../packet/address.ts'
import type { Address } from '../packet/address.ts'
import { networkOf } from '../packet/network.ts'
import { timeLeft } from '../state/deadline.ts'
import type { Moment } from '../state/deadline.ts'
import { holdsOf, lastDeadline } from '../state/holds.ts'
import type { Deadline, Hold, Opening } from '../state/opening.ts'
import { doorWith, formatForward, forwardText, keyOf, parseForward } from './part.ts'
import type { Admission } from './sessions.ts'

/** A door with all or some of its ports open for a source. */
export interface Live {
  readonly key: string
  /** The open ports, as in {@link Opening.services}. */
  readonly some: string | undefined
  readonly forward: Forward | undefined
  readonly opening: Opening
  readonly source: Address
  door: Door
  /** The holds, each with its own deadline; the last one is the opening's. Empty before it is open. */
  holds: readonly Hold[]
  /** The user named in the packet that opened it last. The journal does not have it. */
  claimedUser: string | undefined
  elements: readonly Element[]
  deadline: Deadline
  timer: NodeJS.Timeout | undefined
  /** True while it is being checked if the source has a connection. */
  asking: boolean
}

/** The doors of a config, by name. */
export type DoorsByName = ReadonlyMap<string, Door>

/** A request to open ports. */
export interface Asked {
  readonly door: Door
  readonly source: Address
  /** The requested ports of the door; `undefined`: all of its ports. */
  readonly services: readonly Service[] | undefined
  readonly forward: Forward | undefined
}

/** Returns the key of the requested opening. */
export function keyOfAsked({ door, source, services, forward }: Asked): string {
  return keyOf(door.name, formatAddress(source), services?.map(formatService).join(), formatForward(forward))
}

/** Makes the requested opening, still without a holder. */
export function newLive(asked: Asked, hold: Hold, elements: readonly Element[], now: Moment): Live {
  const { door, source, services, forward } = asked
  const some = services?.map(formatService).join()
  const opening: Opening = {
    ...hold,
    id: randomUUID(),
    door: door.name,
    source: formatAddress(source),
    family: source.family,
    openedAt: now.wall,
    stop: undefined,
    services: some,
    forward: formatForward(forward),
    environment: {},
  }
  return liveOf(opening, { key: keyOfAsked(asked), source, forward, door }, { holds: [], elements, deadline: hold })
}

/** Restores an opening of the journal; `undefined`: its door no longer opens these ports. */
export function restoredLive(opening: Opening, doors: DoorsByName, now: Moment): Live | undefined {
  const { services: some, forward: to } = opening
  const source = parseAddress(opening.source)
  const forward = parseForward(to)
  const door = doorWith(doors.get(opening.door), some, forward)
  if (source === undefined || door === undefined || (to !== undefined && forward === undefined)) return undefined
  const key = keyOf(opening.door, opening.source, some, to)
  const holds = holdsOf(opening)
  return liveOf(opening, { key, source, forward, door }, { holds, elements: [], deadline: lastDeadline(holds, now) })
}

function liveOf(
  opening: Opening,
  what: Pick<Live, 'key' | 'source' | 'forward' | 'door'>,
  state: Pick<Live, 'holds' | 'elements' | 'deadline'>,
): Live {
  return {
    ...what,
    ...state,
    some: opening.services,
    opening,
    claimedUser: undefined,
    timer: undefined,
    asking: false,
  }
}

/** Returns the door of an opening under another config; `undefined`: the door no longer opens these ports. */
export function presentDoor({ door, some, forward }: Live, doors: DoorsByName): Door | undefined {
  return doorWith(doors.get(door.name), some, forward)
}

/** Returns the network that an opening lets in, and the services to which it may begin connections. */
export function admissionOf({ door, source }: Live): Admission {
  return { from: networkOf(source, door.widen[source.family]), services: door.opens }
}

/** Returns all openings, as elements of a new table. */
export function heldElements(
  lives: Iterable<Live>,
  plan: GuardPlan,
  now: Moment,
  doors: DoorsByName | undefined,
): readonly Held[] {
  const held = new Map<string, Held>()
  for (const live of lives) {
    const leftMs = timeLeft(live.deadline, now)
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
export function sentOnTo(lives: Iterable<Live>, elements: readonly Element[]): string | undefined {
  const keys = new Set(elements.flatMap(({ key, data }) => (data === undefined ? [] : [key])))
  for (const { elements: theirs, forward } of lives) {
    if (forward === undefined) continue
    if (theirs.some(({ key, data }) => data !== undefined && keys.has(key))) return forwardText(forward)
  }
  return undefined
}
