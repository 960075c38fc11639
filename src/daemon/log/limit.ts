/** Lines that may be written at once after a quiet time, and a second from then on, of all sources together. */
export const TOTAL_BURST = 500
export const TOTAL_PER_S = 50
/** The same for one source. A sequence of 32 knocks fits into the burst. */
export const SOURCE_BURST = 40
export const SOURCE_PER_S = 2
/** Sources whose lines are counted at the same time; of more, the one heard of longest ago is forgotten. */
export const LIMITED_SOURCES_MAX = 4_096
/** Milliseconds between two lines that tell how many were left out. */
export const LEFT_OUT_EVERY_MS = 10_000

/** A number of lines that fills up again with time. */
class Allowance {
  readonly #burst: number
  readonly #perMs: number
  #left: number
  #filled: number

  constructor(burst: number, perS: number, now: number) {
    this.#burst = burst
    this.#perMs = perS / 1000
    this.#left = burst
    this.#filled = now
  }

  has(now: number): boolean {
    this.#left = Math.min(this.#burst, this.#left + Math.max(0, now - this.#filled) * this.#perMs)
    this.#filled = now
    return this.#left >= 1
  }

  take(): void {
    this.#left--
  }
}

/** Decides which of the lines that strangers can cause are written. Pure: time comes as a parameter, milliseconds. */
export class LineLimit {
  readonly #total: Allowance
  readonly #sources = new Map<string, Allowance>()
  #leftOut = 0

  constructor(now: number) {
    this.#total = new Allowance(TOTAL_BURST, TOTAL_PER_S, now)
  }

  /** Lines left out since they were last told of. */
  get leftOut(): number {
    return this.#leftOut
  }

  /**
   * Whether a line about the source may be written. The total is asked first: in a flood a line that is left out costs no
   * look-up, and `source` is not even asked for its name.
   */
  allows(source: () => string, now: number): boolean {
    if (this.#total.has(now) && this.#ofSource(source(), now)) {
      this.#total.take()
      return true
    }
    this.#leftOut++
    return false
  }

  /** How many lines were left out; they are counted anew from here. */
  tell(): number {
    const count = this.#leftOut
    this.#leftOut = 0
    return count
  }

  #ofSource(source: string, now: number): boolean {
    const allowance = this.#sources.get(source) ?? new Allowance(SOURCE_BURST, SOURCE_PER_S, now)
    this.#sources.delete(source)
    this.#sources.set(source, allowance)
    if (this.#sources.size > LIMITED_SOURCES_MAX) {
      for (const oldest of this.#sources.keys()) {
        this.#sources.delete(oldest)
        break
      }
    }
    if (!allowance.has(now)) return false
    allowance.take()
    return true
  }
}
