import { setTimeout as pause } from 'node:timers/promises'
import { readClockStatus } from '../../native/clock.ts'
import { REMEDIES } from '../../remedy/remedies.ts'
import type { Finding } from './finding.ts'

/** Milliseconds that the two clocks are compared over, and that they may part by meanwhile. */
const COMPARE_MS = 500
const PART_MAX_MS = 20
/** Before this nobody can have installed this software: milliseconds since 1970. */
const EARLIEST = Date.UTC(2026, 0)

/** What is seen of the clock. */
export interface ClockSeen {
  /** Milliseconds by which it moved against one that nobody sets. */
  readonly jumpedMs: number
  readonly now: number
  /** Whether the kernel knows that somebody keeps it right; `undefined`: it does not tell. */
  readonly synchronised: boolean | undefined
}

/** Watches the clock for a moment. */
export async function watchClock(): Promise<ClockSeen> {
  const before = Date.now() - performance.now()
  await pause(COMPARE_MS)
  return { jumpedMs: Date.now() - performance.now() - before, now: Date.now(), synchronised: readClockStatus() }
}

/** A clock that jumps, or that nobody keeps: times in the log are off, and after a restart doors close at wrong times. */
export function judgeClock({ jumpedMs, now, synchronised }: ClockSeen): readonly Finding[] {
  const mend = REMEDIES.keepClock()
  if (Math.abs(jumpedMs) > PART_MAX_MS) {
    const message = `the clock jumps: it was set by ${Math.round(jumpedMs)} ms just now`
    return [{ severity: 'warning', subject: 'clock', message, mend }]
  }
  if (now < EARLIEST) {
    const message = `the clock says ${new Date(now).toISOString()}, which is long ago, and will jump`
    return [{ severity: 'warning', subject: 'clock', message, mend }]
  }
  if (synchronised !== false) return []
  const message = 'nobody keeps the clock right: it drifts, and jumps when it is set'
  return [{ severity: 'warning', subject: 'clock', message, mend }]
}
