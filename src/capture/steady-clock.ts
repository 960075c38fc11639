/**
 * Returns the steady clock: milliseconds since 1970, by the system clock at the start of the process. Setting the clock
 * does not change it.
 */
export function steadyNow(): number {
  return performance.timeOrigin + performance.now()
}

/**
 * Converts a time of capture to the steady clock. It is never in the future, however the clock was set.
 *
 * @param captured milliseconds since 1970, by the system clock
 */
export function steadyTimeOf(captured: number): number {
  const now = steadyNow()
  return Math.min(now, captured + now - Date.now())
}
