import { setTimeout as pause } from 'node:timers/promises'
import { EARLIEST } from '../../control/health.ts'
import { readClockStatus } from '../../native/clock.ts'
import { REMEDIES } from '../../remedy/remedies.ts'
import type { Finding } from './finding.ts'

/** The time over which the two clocks are compared, and their largest difference, in milliseconds. */
const COMPARE_MS = 500
const PART_MAX_MS = 20

/** The observations of the clock. */
export interface ClockSeen {
  /** Milliseconds by which the clock moved against one that is never set. */
  readonly jumpedMs: number
  readonly now: number
  /** True if the kernel reports a synchronised clock; `undefined` if the kernel does not tell. */
  readonly synchronised: boolean | undefined
}

/** Watches the clock for a moment. */
export async function watchClock(): Promise<ClockSeen> {
  const before = Date.now() - performance.now()
  await pause(COMPARE_MS)
  return { jumpedMs: Date.now() - performance.now() - before, now: Date.now(), synchronised: readClockStatus() }
}

/** Finds a clock that jumps or is not synchronised: times in the log are off, and after a restart doors close wrongly. */
export function judgeClock({ jumpedMs, now, synchronised }: ClockSeen): readonly Finding[] {
  const fix = REMEDIES.keepClock()
  if (Math.abs(jumpedMs) > PART_MAX_MS) {
    const message = `the clock jumps: it was set by ${Math.round(jumpedMs)} ms just now`
    return [{ severity: 'warning', subject: 'clock', message, fix }]
  }
  if (now < EARLIEST) {
    const message = `the clock says ${new Date(now).toISOString()}, which is long ago, and will jump`
    return [{ severity: 'warning', subject: 'clock', message, fix }]
  }
  if (synchronised !== false) return []
  const message = 'the clock is not synchronised: it drifts, and jumps when it is set'
  return [{ severity: 'warning', subject: 'clock', message, fix }]
}
