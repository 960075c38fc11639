/** Wake-ups that are permitted at once after a quiet time, more than a sequence has knocks. */
export const WAKES_BURST = 40
/** Milliseconds between wake-ups in a flood. A legitimate knock waits no longer than that. */
export const WAKE_INTERVAL_MS = 5

/**
 * Limits the rate of wake-ups. On a quiet host, a knock is handled at once. In a flood, packets are handled in batches,
 * so that the cost depends on their number and not on wake-ups.
 */
export class Pacing {
  #tokens = WAKES_BURST
  #filled = 0

  /**
   * Returns the milliseconds to wait before packets are fetched, or 0.
   *
   * @param now milliseconds on any steady clock
   */
  wait(now: number): number {
    this.#tokens = Math.min(WAKES_BURST, this.#tokens + (now - this.#filled) / WAKE_INTERVAL_MS)
    this.#filled = now
    if (this.#tokens >= 1) {
      this.#tokens--
      return 0
    }
    return (1 - this.#tokens) * WAKE_INTERVAL_MS
  }
}
