import { sipHash } from '../packet/siphash.ts'
import type { Address } from '../packet/address.ts'

/** Lines that one source may cause at once. The longest sequence has 32 stages. */
export const SOURCE_BURST_LINES = 40
/** Lines a second that one source may cause after that. */
export const SOURCE_LINES_PER_S = 2
/** Lines that all sources together may cause at once. */
export const TOTAL_BURST_LINES = 500
/** Lines a second that all sources may cause after that. */
export const TOTAL_LINES_PER_S = 50
/** Sets in the table of sources; a power of two. */
const SETS = 1_024
/** Sources in a set. A new source replaces the one that was seen longest ago. */
const WAYS = 4
/** The most sources that are remembered. */
export const LIMITED_SOURCES_MAX = SETS * WAYS

/**
 * Limits the log lines that unknown sources can cause, with a token bucket for each source and one for all. It runs for
 * every packet of a flood, so it allocates nothing. It looks up the source only while the common bucket has tokens. An
 * IPv6 source is a /64, because its owner has all addresses in it.
 */
export class FloodLimit {
  readonly #seed: readonly [number, number]
  #total = TOTAL_BURST_LINES
  #totalAt = -Infinity
  /** The value 0 marks a free slot. */
  readonly #family = new Uint8Array(LIMITED_SOURCES_MAX)
  readonly #a = new Int32Array(LIMITED_SOURCES_MAX)
  readonly #b = new Int32Array(LIMITED_SOURCES_MAX)
  readonly #left = new Float64Array(LIMITED_SOURCES_MAX)
  readonly #at = new Float64Array(LIMITED_SOURCES_MAX)

  /** @param seed two secret random 32-bit words, for the hash of the table */
  constructor(seed: readonly [number, number]) {
    this.#seed = seed
  }

  /**
   * Returns true if a line about this source may be written. A clock that is set back does no harm.
   *
   * @param now milliseconds
   */
  admit(source: Address, now: number): boolean {
    this.#total = refilled(this.#total, now - this.#totalAt, TOTAL_LINES_PER_S, TOTAL_BURST_LINES)
    this.#totalAt = now
    if (this.#total < 1) return false
    const slot = this.#slotOf(source, now)
    const left = refilled(this.#left[slot]!, now - this.#at[slot]!, SOURCE_LINES_PER_S, SOURCE_BURST_LINES)
    this.#at[slot] = now
    if (left < 1) {
      this.#left[slot] = left
      return false
    }
    this.#left[slot] = left - 1
    this.#total--
    return true
  }

  /** Returns the source's slot. A new source takes a free slot, or the one of the source that was seen longest ago. */
  #slotOf({ family, a, b }: Address, now: number): number {
    const first = (sipHash(this.#seed[0], this.#seed[1], a, b, family, 0) & (SETS - 1)) * WAYS
    let oldest = first
    for (let slot = first; slot < first + WAYS; slot++) {
      if (this.#family[slot] === family && this.#a[slot] === a && this.#b[slot] === b) return slot
      if (this.#family[oldest] !== 0 && (this.#family[slot] === 0 || this.#at[slot]! < this.#at[oldest]!)) oldest = slot
    }
    this.#family[oldest] = family
    this.#a[oldest] = a
    this.#b[oldest] = b
    this.#left[oldest] = SOURCE_BURST_LINES
    this.#at[oldest] = now
    return oldest
  }
}

function refilled(left: number, elapsedMs: number, perSecond: number, burst: number): number {
  return elapsedMs <= 0 ? left : Math.min(burst, left + (elapsedMs * perSecond) / 1000)
}
