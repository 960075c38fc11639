const SECOND_MS = 1_000
/**
 * Milliseconds whose share may be used at once after a quiet time. With a whole second's share the daemon would be busy so
 * long that the kernel's memory for packets is full meanwhile.
 */
export const BURST_MS = 250

/**
 * How often something costly may be done: some at once after a quiet time, and from then on evenly. In a flood nothing else
 * waits long, and a packet has the same chance at any moment of a second.
 */
export class Allowance {
  readonly #perSecond: number
  readonly #burst: number
  #left: number
  #filledAt = -Infinity

  constructor(perSecond: number) {
    this.#perSecond = perSecond
    this.#burst = Math.max(1, (perSecond * BURST_MS) / SECOND_MS)
    this.#left = this.#burst
  }

  /** Whether it may be done once more. `now` in milliseconds on a steady clock. */
  take(now = performance.now()): boolean {
    const more = ((now - this.#filledAt) * this.#perSecond) / SECOND_MS
    this.#left = Math.min(this.#burst, this.#left + more)
    this.#filledAt = now
    if (this.#left < 1) return false
    this.#left--
    return true
  }
}
