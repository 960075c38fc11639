const SECOND_MS = 1_000
/**
 * Milliseconds whose share may be used at once after a quiet time, where the caller names no burst. With a whole second's
 * share the daemon would be busy so long that the kernel's memory for packets is full meanwhile.
 */
export const BURST_MS = 250

/**
 * Bounds how often something may be done, or how much of something may be spent: a burst after a quiet time, and then
 * evenly. A token is whatever the caller counts: packets, microseconds, bytes.
 */
export class TokenBucket {
  readonly #perSecond: number
  readonly #burst: number
  #left: number
  #filledAt = -Infinity

  /**
   * @param perSecond tokens that are added each second
   * @param burst most tokens there are at once; default: the share of {@link BURST_MS}, at least one
   */
  constructor(perSecond: number, burst = Math.max(1, (perSecond * BURST_MS) / SECOND_MS)) {
    this.#perSecond = perSecond
    this.#burst = burst
    this.#left = burst
  }

  /** Takes tokens, all of them or none. False: there are too few. `now` is in milliseconds of a steady clock. */
  take(now: number, tokens = 1): boolean {
    this.#fill(now)
    if (this.#left < tokens) return false
    this.#left -= tokens
    return true
  }

  /** Whether so many tokens are left; default: any at all, for work whose cost is known only after it. */
  has(now: number, tokens = Number.MIN_VALUE): boolean {
    this.#fill(now)
    return this.#left >= tokens
  }

  /** Takes what some work did cost. The bucket may be left in debt, by one burst at most. */
  spend(now: number, tokens: number): void {
    this.#fill(now)
    this.#left = Math.max(-this.#burst, this.#left - tokens)
  }

  #fill(now: number): void {
    // A clock that goes back adds nothing.
    const more = (Math.max(0, now - this.#filledAt) * this.#perSecond) / SECOND_MS
    this.#left = Math.min(this.#burst, this.#left + more)
    this.#filledAt = now
  }
}
