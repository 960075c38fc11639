/** Milliseconds between two checks that captures still receive what their filters accept. */
export const HEARING_CHECK_MS = 5_000
/** Milliseconds between two warnings about one interface. */
export const DEAF_REPORT_MS = 60_000
/** Milliseconds for which a disturbed capture is reported. */
export const DEAF_TOLD_MS = 86_400_000

/** A disturbed capture, as shown in the status. */
export interface Deaf {
  readonly reason: string
  /** Milliseconds since the disturbance was found and the capture reopened. */
  readonly agoMs: number
  /** The number of times within a day of the first one. */
  readonly times: number
}

/** Counts how often the capture of an interface was disturbed. Times are milliseconds of one steady clock. */
export class Deafness {
  #reason = ''
  #times = 0
  #first = -Infinity
  #last = -Infinity
  #reported = -Infinity

  /** Records a disturbance. Returns true if it has to be logged too. */
  note(reason: string, now: number): boolean {
    if (now - this.#first > DEAF_TOLD_MS) {
      this.#first = now
      this.#times = 0
    }
    this.#times++
    this.#reason = reason
    this.#last = now
    if (now - this.#reported < DEAF_REPORT_MS) return false
    this.#reported = now
    return true
  }

  /** Returns the last disturbance within a day, or `undefined`. */
  at(now: number): Deaf | undefined {
    const agoMs = now - this.#last
    return agoMs > DEAF_TOLD_MS ? undefined : { reason: this.#reason, agoMs: Math.round(agoMs), times: this.#times }
  }
}
