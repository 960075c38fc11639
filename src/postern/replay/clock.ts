import type { Clock } from '../../secret/clock.ts'

interface Timer {
  readonly due: number
  readonly call: () => void
}

/**
 * The clock of the machine that made a capture. As on that machine, setting it moves no timer. A long time without
 * packets is one step: whoever waits is called back once.
 */
export class ReplayClock implements Clock {
  readonly #timers = new Set<Timer>()
  #now = 0
  /** The milliseconds that have passed, by a clock that is never set back. */
  #passed = 0
  #due = Infinity

  now(): number {
    return this.#now
  }

  after(ms: number, call: () => void): () => void {
    const timer = { due: this.#passed + ms, call }
    this.#timers.add(timer)
    this.#due = Math.min(this.#due, timer.due)
    return () => void this.#timers.delete(timer)
  }

  /** Sets the time, in milliseconds since 1970, and calls back whoever waited for it. */
  set(time: number): void {
    this.#passed += Math.max(0, time - this.#now)
    this.#now = time
    if (this.#due > this.#passed) return
    this.#due = Infinity
    // Timers that are set meanwhile come last.
    for (const timer of this.#timers) {
      if (timer.due > this.#passed) this.#due = Math.min(this.#due, timer.due)
      else {
        this.#timers.delete(timer)
        timer.call()
      }
    }
  }
}
