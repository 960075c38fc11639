import type { Deadline, Hold, Opening } from './opening.ts'
import { timeLeft } from './deadline.ts'
import type { Moment } from './deadline.ts'

/** Most holders of one opening; of more, the one whose time ends first is left out. */
export const HOLDS_MAX = 16

/** Who holds an opening, each until a deadline of their own. Several users of one address can open the same door. */
export function holdsOf({ holds, holder, user, since, until, boot, bootUntil }: Opening): readonly Hold[] {
  return holds ?? [{ holder, user, since, until, boot, bootUntil }]
}

/** The holds with one more, in the place of the one that the same holder had. */
export function withHold(holds: readonly Hold[], hold: Hold): readonly Hold[] {
  const others = holds.filter(({ holder }) => holder !== hold.holder)
  if (others.length < HOLDS_MAX) return [...others, hold]
  const first = others.reduce((least, each) => (each.until < least.until ? each : least))
  return [...others.filter((each) => each !== first), hold]
}

/** The holds when the opening is kept for as long as its source is connected, whoever's connection that is. */
export function extendedHolds(holds: readonly Hold[], { since, until, boot, bootUntil }: Deadline): readonly Hold[] {
  return holds.map((hold) => ({ ...hold, since, until, boot, bootUntil }))
}

/** The deadline that comes last. */
export function lastDeadline(holds: readonly Hold[], now: Moment): Deadline {
  const left = (hold: Hold): number => timeLeft(hold, now)
  return holds.reduce((last, hold) => (left(hold) >= left(last) ? hold : last))
}

/** Holds whose time is not over. */
export function liveHolds(holds: readonly Hold[], now: Moment): readonly Hold[] {
  return holds.filter((hold) => timeLeft(hold, now) > 0)
}

/** Whoever opened it last, of those who have a name. */
export function lastUser(holds: readonly Hold[]): string | undefined {
  return holds.findLast(({ user }) => user !== undefined)?.user
}
