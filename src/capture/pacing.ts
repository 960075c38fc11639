/** Wake-ups that are granted at once after a quiet time: more than a sequence has knocks. */
export const WAKES_BURST = 40
/** Milliseconds between wake-ups when there is no end of packets: what an honest knock waits at most in a flood. */
export const WAKE_INTERVAL_MS = 5

/**
 * Spaces wake-ups. A knock on a quiet host is taken the moment it comes; in a flood packets are taken in batches, so
 * that their number, not the number of wake-ups, is what they cost.
 */
export class Pacing {
  #tokens = WAKES_BURST
  #filled = 0

  /** Milliseconds to wait before packets are taken; 0: take them now. `now` in milliseconds on any steady clock. */
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
