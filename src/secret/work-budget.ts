import { randomInt } from 'node:crypto'
import { SourceBudget } from '../limit/source-budget.ts'
import type { BudgetLimits, Standing } from '../limit/source-budget.ts'
import type { Address } from '../packet/address.ts'

/** Microseconds in a millisecond. */
const MS_US = 1_000
const WORD = 2 ** 32

/**
 * The time of the daemon's only thread that all kinds of single packets may take, in microseconds. The rest is for
 * fetching packets from the kernel's buffer. A flood fills that buffer in a tenth of a second, so a burst is shorter
 * than that.
 */
export const WORK_LIMITS: BudgetLimits = {
  source: { perSecond: 100_000, burst: 20_000 },
  all: { perSecond: 550_000, burst: 40_000 },
  known: { perSecond: 250_000, burst: 30_000 },
  allKnown: { perSecond: 300_000, burst: 40_000 },
  sourcesMax: 16_384,
  knownMax: 4_096,
}

/**
 * Limits the measured time that single packets take: for each source and for all, with a share for known sources. It
 * measures wall time. On a busy machine the thread gets less of it, and packets wait for the thread.
 */
export class WorkBudget {
  readonly #budget: SourceBudget
  readonly #clock: () => number

  /** @param clock a steady clock, in milliseconds with a fraction */
  constructor(clock: () => number, limits = WORK_LIMITS) {
    this.#clock = clock
    this.#budget = new SourceBudget(limits, [randomInt(WORD), randomInt(WORD)])
  }

  /** Returns true if the source has opened before. */
  knows(source: Address): boolean {
    return this.#budget.knows(source)
  }

  /** Marks a source as one that has opened before. */
  know(source: Address): void {
    this.#budget.know(source)
  }

  /** Runs work for a source and charges its time to the source. Returns `undefined` if no time is left. */
  run<Result>(source: Address, as: Standing, work: () => Result): { readonly result: Result } | undefined {
    const begun = this.#clock()
    if (!this.#budget.has(source, begun, as)) return undefined
    try {
      return { result: work() }
    } finally {
      const ended = this.#clock()
      this.#budget.spend(source, ended, (ended - begun) * MS_US, as)
    }
  }
}
