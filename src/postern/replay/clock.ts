import type { Clock } from '../../secret/clock.ts'

/**
 * The clock of the machine that made a capture. As on that machine, setting it moves no timer. A long time without
 * packets is one step: each timer fires once.
 */
export class ReplayClock implements Clock {
  /** The calls, and the milliseconds that have passed when they are due. */
  readonly #timers = new Map<() => void, number>()
  #now = 0
  /** The milliseconds that have passed, by a clock that is never set back. */
  #passed = 0
  #due = Infinity

  now(): number {
    return this.#now
  }

  steady(): number {
    return this.#passed
  }

  /** The daemon's thread would wait between two packets. */
  working(): number {
    return this.#passed
  }

  after(ms: number, call: () => void): () => void {
    const due = this.#passed + ms
    this.#timers.set(call, due)
    this.#due = Math.min(this.#due, due)
    return () => void this.#timers.delete(call)
  }

  /** Sets the time, in milliseconds since 1970, and fires the timers that are due. */
  set(time: number): void {
    this.#passed += Math.max(0, time - this.#now)
    this.#now = time
    if (this.#due > this.#passed) return
    this.#due = Infinity
    // Timers that are set meanwhile come last.
    for (const [call, due] of this.#timers) {
      if (due > this.#passed) this.#due = Math.min(this.#due, due)
      else if (this.#timers.delete(call)) call()
    }
  }
}
