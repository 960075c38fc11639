/** Repairs that are made at once after a quiet time: a restart of a firewall's service flushes the rules twice or more. */
export const REPAIRS_BURST = 4
/** Milliseconds from one repair to the next beyond those, so that two programs that fight do not do so at full speed. */
export const REPAIR_PAUSE_MS = 1_000

/** Spaces the repairs of the guard. Times are in milliseconds on any steady clock. */
export class Repairs {
  #left = REPAIRS_BURST
  #filled = 0

  /** How long the next one has to wait; 0: it need not. */
  wait(now: number): number {
    this.#fill(now)
    return this.#left >= 1 ? 0 : (1 - this.#left) * REPAIR_PAUSE_MS
  }

  /** Notes one that was made, or tried. */
  made(now: number): void {
    this.#fill(now)
    this.#left = Math.max(0, this.#left - 1)
  }

  #fill(now: number): void {
    this.#left = Math.min(REPAIRS_BURST, this.#left + (now - this.#filled) / REPAIR_PAUSE_MS)
    this.#filled = now
  }
}
