import type { Door } from '../config/config.ts'
import type { Element, Forward } from '../firewall/guard/element.ts'
import type { Address } from '../packet/address.ts'
import { networkOf } from '../packet/network.ts'
import type { Deadline, Hold, Opening } from '../state/opening.ts'
import type { Admission } from './sessions.ts'

/** A door whose ports, all or some, are open for a source. */
export interface Live {
  readonly key: string
  /** As {@link Opening.services} has them. */
  readonly some: string | undefined
  readonly forward: Forward | undefined
  readonly opening: Opening
  readonly source: Address
  door: Door
  /** Who holds it, each until a deadline of their own, of which the last is its own; never empty. */
  holds: readonly Hold[]
  claimedUser: string | undefined
  elements: readonly Element[]
  deadline: Deadline
  timer: NodeJS.Timeout | undefined
  /** Whether it is being asked if its source is connected. */
  asking: boolean
}

/** Who may begin connections to what, by an opening. */
export function admissionOf({ door, source }: Live): Admission {
  return { from: networkOf(source, door.widen[source.family]), services: door.opens }
}
