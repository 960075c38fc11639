/** The parts of a time. A part that takes longer, because the process is busy, counts as a part. */
export const PARTS = 4

/** A timer that counts the time in which this process could look at its connections. */
export interface AttendedTimer {
  cancel(): void
}

/**
 * Calls back after a time in which this process could look at its connections several times. While the process or the machine
 * is too busy for that, the time stands still: an answer that waits in a socket is no reason to give its request up.
 *
 * @param ms milliseconds
 */
export function afterAttended(ms: number, call: () => void): AttendedTimer {
  let left = PARTS
  let timer: NodeJS.Timeout
  const part = (): void => {
    left--
    timer = setTimeout(left > 0 ? part : call, ms / PARTS)
  }
  part()
  return { cancel: () => clearTimeout(timer) }
}
