import type { Deadline } from './opening.ts'

/** The time on two clocks at one moment. */
export interface Moment {
  /** Milliseconds since 1970. This clock survives a boot, but can be set. */
  readonly wall: number
  /** The id of the boot that `bootNow` counts from; `undefined`: the system has none. */
  readonly boot: string | undefined
  /** Milliseconds since that boot, including time asleep. This clock cannot be set, but ends with the boot. */
  readonly bootNow: number | undefined
}

/**
 * Returns the milliseconds left until the deadline, from 0 to the whole of `until - since`.
 *
 * Within the same boot, the boot clock decides. Setting the wall clock then neither closes a door early nor keeps it
 * open. After a boot, only the wall clock is left. The boot clock is ignored if it shows a time before the deadline was
 * set. It is another clock then: a container has its host's boot id, but counts from its own start.
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

/** Returns the deadline `durationMs` after a moment. */
export function deadlineAfter(now: Moment, durationMs: number): Deadline {
  const { wall, boot, bootNow } = now
  const bootUntil = boot === undefined || bootNow === undefined ? undefined : bootNow + durationMs
  return { since: wall, until: wall + durationMs, boot, bootUntil }
}
