/**
 * Repairs that may follow at once after a quiet time. A restart of a firewall's service flushes the rules several
 * times.
 */
export const REPAIRS_BURST = 4
/** Milliseconds between further repairs, so that two conflicting programs do not repeat their changes at full speed. */
export const REPAIR_PAUSE_MS = 1_000

/** Limits the rate of repairs. Times are in milliseconds on any steady clock. */
export class Repairs {
  #left = REPAIRS_BURST
  #filled = 0

  /** Returns the milliseconds until the next repair is permitted; 0 if it is permitted now. */
  wait(now: number): number {
    this.#fill(now)
    return this.#left >= 1 ? 0 : (1 - this.#left) * REPAIR_PAUSE_MS
  }

  /** Records a repair that was made or attempted. */
  made(now: number): void {
    this.#fill(now)
    this.#left = Math.max(0, this.#left - 1)
  }

  #fill(now: number): void {
    this.#left = Math.min(REPAIRS_BURST, this.#left + (now - this.#filled) / REPAIR_PAUSE_MS)
    this.#filled = now
  }
}
