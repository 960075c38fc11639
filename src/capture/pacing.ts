/** Wake-ups that are permitted at once after a quiet time, more than a sequence has knocks. */
export const WAKES_BURST = 40
/** Milliseconds between wake-ups in a flood of first knocks. A legitimate knock waits no longer than that. */
export const WAKE_INTERVAL_MS = 20
/** The same while some source is between its second and its last knock. */
export const EXPECTING_INTERVAL_MS = 5
/** Milliseconds after a second or later knock for which the shorter interval holds. */
export const EXPECTING_MS = 1_000
/**
 * With so many packets at a time, the buffer may be full before the next fetch. That fetch then follows after so many
 * milliseconds.
 */
export const CROWD_PACKETS = 1_000
export const CROWD_INTERVAL_MS = 1

/**
 * Limits the rate of wake-ups. On a quiet host, a knock is handled at once. In a flood, packets are handled in batches,
 * so that the cost depends on their number and not on wake-ups. Times are milliseconds on any steady clock.
 */
export class Pacing {
  #tokens = WAKES_BURST
  #filled = 0
  #expectingUntil = -Infinity

  /** Returns the milliseconds to wait before packets are fetched, or 0. */
  wait(now: number): number {
    const interval = this.#interval(now)
    this.#tokens = Math.min(WAKES_BURST, this.#tokens + (now - this.#filled) / interval)
    this.#filled = now
    if (this.#tokens >= 1) {
      this.#tokens--
      return 0
    }
    return (1 - this.#tokens) * interval
  }

  /**
   * Returns the milliseconds from a fetch of so many packets in a flood to the next one.
   *
   * @param behind true if more packets wait already: a fetch has fewer of them if their payload is captured
   */
  pause(packets: number, behind: boolean, now: number): number {
    return packets >= CROWD_PACKETS || behind ? CROWD_INTERVAL_MS : this.#interval(now)
  }

  /** Records that a source has made its second or a later knock. Its last one should not wait. */
  expect(now: number): void {
    this.#expectingUntil = now + EXPECTING_MS
  }

  #interval(now: number): number {
    return now < this.#expectingUntil ? EXPECTING_INTERVAL_MS : WAKE_INTERVAL_MS
  }
}
