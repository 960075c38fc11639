const SECOND_MS = 1_000

/**
 * How often something costly may be done: so many times at once after a quiet time, and from then on evenly. In a flood
 * nothing else waits long, and a packet has the same chance at any moment of a second.
 */
export class Allowance {
  readonly #perSecond: number
  #left: number
  #filledAt = -Infinity

  constructor(perSecond: number) {
    this.#perSecond = perSecond
    this.#left = perSecond
  }

  /** Whether it may be done once more. `now` in milliseconds on a steady clock. */
  take(now = performance.now()): boolean {
    const more = ((now - this.#filledAt) * this.#perSecond) / SECOND_MS
    this.#left = Math.min(this.#perSecond, this.#left + more)
    this.#filledAt = now
    if (this.#left < 1) return false
    this.#left--
    return true
  }
}
