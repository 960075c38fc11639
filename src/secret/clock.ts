/** The time. The daemon has the system's, a replay that of the packets. */
export interface Clock {
  /** Returns milliseconds since 1970. */
  now(): number
  /** Returns milliseconds of a clock that is never set, with a fraction. */
  steady(): number
  /** Calls back once after `ms` milliseconds. Returns what cancels it. */
  after(ms: number, call: () => void): () => void
}

/** The system's clock. Its timers do not keep the process alive. */
export const SYSTEM_CLOCK: Clock = {
  now: () => Date.now(),
  steady: () => performance.now(),
  after(ms, call) {
    const timer = setTimeout(call, ms).unref()
    return () => clearTimeout(timer)
  },
}
