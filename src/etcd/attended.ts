/** The longest step in milliseconds. A step that takes longer counts as this much. */
export const STEP_MS = 50

/** A timer that counts the time in which this process could look at its connections. */
export interface AttendedTimer {
  cancel(): void
}

/**
 * Calls back after a time in which this process could look at its connections. While the process or the machine is too busy
 * for that, the time stands still: an answer that waits in a socket is no reason to give its request up.
 *
 * @param ms milliseconds
 */
export function afterAttended(ms: number, call: () => void): AttendedTimer {
  let leftMs = ms
  let timer: NodeJS.Timeout
  const step = (): void => {
    const stepMs = Math.min(STEP_MS, leftMs)
    leftMs -= stepMs
    timer = setTimeout(leftMs > 0 ? step : call, stepMs)
  }
  step()
  return { cancel: () => clearTimeout(timer) }
}
