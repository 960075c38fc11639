/** Milliseconds between two looks whether captures still get what their filters let through. */
export const HEARING_CHECK_MS = 5_000
/** Milliseconds between two warnings about one interface. */
export const DEAF_REPORT_MS = 60_000
/** Milliseconds for which a capture that was deaf is told of. */
export const DEAF_TOLD_MS = 86_400_000

/** A capture that was deaf, as others are told of it. */
export interface Deaf {
  readonly reason: string
  /** Milliseconds since it was found so and opened anew. */
  readonly agoMs: number
  /** How often within a day of the first time. */
  readonly times: number
}

/** How often the capture of an interface was found deaf. Times are milliseconds of one steady clock. */
export class Deafness {
  #reason = ''
  #times = 0
  #first = -Infinity
  #last = -Infinity
  #reported = -Infinity

  /** Notes that it was found deaf. True: that is to be said in the log, and not only counted. */
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

  /** The last time; `undefined`: none within a day. */
  at(now: number): Deaf | undefined {
    const agoMs = now - this.#last
    return agoMs > DEAF_TOLD_MS ? undefined : { reason: this.#reason, agoMs: Math.round(agoMs), times: this.#times }
  }
}
