const SECOND_MS = 1_000
/**
 * Milliseconds whose tokens form the default burst. With a whole second's tokens, the daemon would be busy for so long
 * that the kernel's packet buffer fills up.
 */
export const BURST_MS = 250

/**
 * A token bucket limits how often something is done, or how much is spent: a burst after a quiet time, and then evenly.
 * The caller chooses what a token is: a packet, a microsecond, a byte.
 */
export class TokenBucket {
  readonly #perSecond: number
  readonly #burst: number
  #left: number
  #filledAt = -Infinity

  /**
   * @param perSecond tokens that are added each second
   * @param burst the maximum number of tokens; default: the tokens of {@link BURST_MS}, at least one
   */
  constructor(perSecond: number, burst = Math.max(1, (perSecond * BURST_MS) / SECOND_MS)) {
    this.#perSecond = perSecond
    this.#burst = burst
    this.#left = burst
  }

  /**
   * Takes tokens, all of them or none. Returns false if there are too few.
   *
   * @param now milliseconds of a monotonic clock
   */
  take(now: number, tokens = 1): boolean {
    this.#fill(now)
    if (this.#left < tokens) return false
    this.#left -= tokens
    return true
  }

  /**
   * Returns true if so many tokens are left. The default is any fraction, for work whose cost is known only afterwards.
   */
  has(now: number, tokens = Number.MIN_VALUE): boolean {
    this.#fill(now)
    return this.#left >= tokens
  }

  /** Takes the cost of finished work. The bucket may go into debt, by one burst at most. */
  spend(now: number, tokens: number): void {
    this.#fill(now)
    this.#left = Math.max(-this.#burst, this.#left - tokens)
  }

  #fill(now: number): void {
    // A clock that goes back adds no tokens.
    const more = (Math.max(0, now - this.#filledAt) * this.#perSecond) / SECOND_MS
    this.#left = Math.min(this.#burst, this.#left + more)
    this.#filledAt = now
  }
}
