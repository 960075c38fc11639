import { SourceBudget } from '../limit/source-budget.ts'
import type { Address } from '../packet/address.ts'

/** Lines that one source may cause at once. The longest sequence has 32 stages. */
export const SOURCE_BURST_LINES = 40
/** Lines a second that one source may cause after that. */
export const SOURCE_LINES_PER_S = 2
/** Lines that all sources together may cause at once. */
export const TOTAL_BURST_LINES = 500
/** Lines a second that all sources may cause after that. */
export const TOTAL_LINES_PER_S = 50
/** The most sources that are remembered. A new one replaces the one that was seen longest ago. */
export const LIMITED_SOURCES_MAX = 4_096
const NONE = { perSecond: 0, burst: 0 }

/** Limits the log lines that unknown sources can cause: for each source, and for all. An IPv6 source is a /64. */
export class FloodLimit {
  readonly #budget: SourceBudget

  /** @param seed two secret random 32-bit words, for the hash of the table */
  constructor(seed: readonly [number, number]) {
    this.#budget = new SourceBudget(
      {
        source: { perSecond: SOURCE_LINES_PER_S, burst: SOURCE_BURST_LINES },
        all: { perSecond: TOTAL_LINES_PER_S, burst: TOTAL_BURST_LINES },
        known: NONE,
        allKnown: NONE,
        sourcesMax: LIMITED_SOURCES_MAX,
        knownMax: 1,
      },
      seed,
    )
  }

  /**
   * Returns true if a line about this source may be written. A clock that is set back does no harm.
   *
   * @param now milliseconds
   */
  admit(source: Address, now: number): boolean {
    return this.#budget.take(source, now, 1, 'stranger')
  }
}
