import { randomInt } from 'node:crypto'
import { SourceBudget } from '../../limit/source-budget.ts'
import type { BudgetLimits, Standing } from '../../limit/source-budget.ts'
import type { Address } from '../../packet/address.ts'

/** Microseconds in a millisecond. */
const MS_US = 1_000
const WORD = 2 ** 32

/**
 * Time of the daemon's one thread that single packets may take, of every kind together, in microseconds. The rest is for
 * taking packets out of the kernel's memory, which a flood fills in a tenth of a second: a burst is shorter than that.
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
 * Bounds the time that single packets take, as it is measured: for each source, in all, with a share for known ones. It is
 * the time on the wall: on a busy machine the thread has less of it, and packets wait for the thread.
 */
export class WorkBudget {
  readonly #budget: SourceBudget
  readonly #clock: () => number

  /** @param clock a steady one, in milliseconds with a fraction */
  constructor(clock: () => number = () => performance.now(), limits = WORK_LIMITS) {
    this.#clock = clock
    this.#budget = new SourceBudget(limits, [randomInt(WORD), randomInt(WORD)])
  }

  /** Whether a source has opened before. */
  knows(source: Address): boolean {
    return this.#budget.knows(source)
  }

  /** Counts a source among those that have opened before. */
  know(source: Address): void {
    this.#budget.know(source)
  }

  /** Does some work for a source, and takes the time that it took. `undefined`: there is none left, nothing was done. */
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
