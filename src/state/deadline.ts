import type { Deadline } from './opening.ts'

/** The two clocks at one moment. */
export interface Moment {
  /** Milliseconds since 1970: survives a boot, but can be set. */
  readonly wall: number
  /** Which boot `bootNow` counts from; `undefined` where the system does not say. */
  readonly boot: string | undefined
  /** Milliseconds since that boot, time asleep included: cannot be set, but ends with the boot. */
  readonly bootNow: number | undefined
}

/**
 * Milliseconds left until the deadline, from 0 to the whole of `until - since`.
 *
 * Within the boot it was set in, the boot clock decides, so that setting the clock neither closes a door early nor keeps it
 * open; after a boot there is only the wall clock. A boot clock that stands before the moment at which the deadline was
 * set is not the clock it was set on (a container has its host's boot id, but counts from its own start).
 */
export function timeLeft(deadline: Deadline, now: Moment): number {
  const duration = Math.max(0, deadline.until - deadline.since)
  if (deadline.boot !== undefined && deadline.boot === now.boot) {
    const { bootUntil } = deadline
    const { bootNow } = now
    if (bootUntil !== undefined && bootNow !== undefined) {
      const left = bootUntil - bootNow
      if (left <= duration) return Math.max(0, left)
    }
  }
  return Math.min(Math.max(0, deadline.until - now.wall), duration)
}

/** The deadline that lies `durationMs` after a moment. */
export function deadlineAfter(now: Moment, durationMs: number): Deadline {
  const { wall, boot, bootNow } = now
  const bootUntil = boot === undefined || bootNow === undefined ? undefined : bootNow + durationMs
  return { since: wall, until: wall + durationMs, boot, bootUntil }
}
