import type { Deadline, Hold, Opening } from './opening.ts'
import { timeLeft } from './deadline.ts'
import type { Moment } from './deadline.ts'

/** Most holders of one opening. With more, the one whose time ends first is dropped. */
export const HOLDS_MAX = 16

/** Returns the holds of an opening, each with its own deadline. Several users of one address can open the same door. */
export function holdsOf({ holds, holder, user, since, until, boot, bootUntil }: Opening): readonly Hold[] {
  return holds ?? [{ holder, user, since, until, boot, bootUntil }]
}

/** Adds a hold, which replaces an earlier one of the same holder. */
export function withHold(holds: readonly Hold[], hold: Hold): readonly Hold[] {
  const others = holds.filter(({ holder }) => holder !== hold.holder)
  if (others.length < HOLDS_MAX) return [...others, hold]
  const first = others.reduce((least, each) => (each.until < least.until ? each : least))
  return [...others.filter((each) => each !== first), hold]
}

/** Extends all holds while the source of the opening has a connection, as the user of the connection is unknown. */
export function extendedHolds(holds: readonly Hold[], { since, until, boot, bootUntil }: Deadline): readonly Hold[] {
  return holds.map((hold) => ({ ...hold, since, until, boot, bootUntil }))
}

/** Returns the deadline that comes last. */
export function lastDeadline(holds: readonly Hold[], now: Moment): Deadline {
  const left = (hold: Hold): number => timeLeft(hold, now)
  return holds.reduce((last, hold) => (left(hold) >= left(last) ? hold : last))
}

/** Returns the holds whose time is not over. */
export function liveHolds(holds: readonly Hold[], now: Moment): readonly Hold[] {
  return holds.filter((hold) => timeLeft(hold, now) > 0)
}

/** Returns the user who opened it last, of the holders with a name. */
export function lastUser(holds: readonly Hold[]): string | undefined {
  return holds.findLast(({ user }) => user !== undefined)?.user
}
