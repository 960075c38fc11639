import { extendedHolds, lastDeadline, liveHolds } from '../state/holds.ts'
import { timeLeft } from '../state/deadline.ts'
import type { Moment } from '../state/deadline.ts'
import type { Deadline, Hold } from '../state/opening.ts'
import { readFleetHolder } from './held.ts'

/** An opening that a connection of its source extends. */
export interface Kept {
  readonly door: string
  /** The address, as text. */
  readonly source: string
  readonly ms: number
}

/**
 * Returns the milliseconds until the holds of this host end; 0 if there are none. A connection extends only these: each
 * other host of the fleet sets the deadline of its own.
 */
export function ownLeft(holds: readonly Hold[], now: Moment): number {
  const own = holds.filter(isOwn)
  return own.length === 0 ? 0 : timeLeft(lastDeadline(own, now), now)
}

/** Returns true if a hold of this host ends last. */
export function endsAsOwn(holds: readonly Hold[]): boolean {
  const untils = holds.map(({ until }) => until)
  return holds.some((hold) => isOwn(hold) && hold.until === Math.max(...untils))
}

/** Extends the holds of this host, as the holder of a connection is unknown. */
export function keptHolds(
  holds: readonly Hold[],
  deadline: Deadline,
  now: Moment,
): { readonly holds: readonly Hold[]; readonly kept: readonly Hold[]; readonly isAll: boolean } {
  const alive = liveHolds(holds, now)
  const told = alive.filter((hold) => !isOwn(hold))
  const own = alive.filter(isOwn)
  const kept = extendedHolds(own.length > 0 ? own : holds.filter(isOwn), deadline)
  return { holds: [...told, ...kept], kept, isAll: told.length === 0 }
}

function isOwn({ holder }: Hold): boolean {
  return readFleetHolder(holder) === undefined
}
