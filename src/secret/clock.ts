import { threadTime } from './thread-time.ts'

/** The time. The daemon has the system's, a replay that of the packets. */
export interface Clock {
  /** Returns milliseconds since 1970. */
  now(): number
  /** Returns milliseconds of a clock that is never set, with a fraction. */
  steady(): number
  /** Returns milliseconds of the daemon's thread, with a fraction: those in which it waits for a CPU do not count. */
  working(): number
  /** Calls back once after `ms` milliseconds. Returns what cancels it. */
  after(ms: number, call: () => void): () => void
}

/** The system's clock. Its timers do not keep the process alive. */
export const SYSTEM_CLOCK: Clock = {
  now: () => Date.now(),
  steady: () => performance.now(),
  working: threadTime,
  after(ms, call) {
    const timer = setTimeout(call, ms).unref()
    return () => clearTimeout(timer)
  },
}
