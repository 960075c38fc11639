import { randomInt } from 'node:crypto'
import { SourceBudget } from '../limit/source-budget.ts'
import type { BudgetLimits, Rate, Standing } from '../limit/source-budget.ts'
import { TokenBucket } from '../limit/token-bucket.ts'
import type { Address } from '../packet/address.ts'

/** Microseconds in a millisecond. */
const MS_US = 1_000
const WORD = 2 ** 32

/** The limits on the time for single packets, in microseconds. */
export interface WorkLimits extends BudgetLimits {
  /** The budget of one key whose senders the config names by their addresses. */
  readonly named: Rate
  /** The part of `allKnown` for all such keys. Beyond it they use `all`. */
  readonly allNamed: Rate
}

/**
 * The time of the daemon's only thread that all kinds of single packets may take, in microseconds. The rest is for
 * fetching packets from the kernel's buffer. A flood fills that buffer in a tenth of a second, so a burst is shorter
 * than that.
 */
export const WORK_LIMITS: WorkLimits = {
  source: { perSecond: 100_000, burst: 20_000 },
  all: { perSecond: 400_000, burst: 30_000 },
  known: { perSecond: 250_000, burst: 30_000 },
  allKnown: { perSecond: 300_000, burst: 40_000 },
  // More than one source has, so that none takes all of it.
  named: { perSecond: 150_000, burst: 30_000 },
  // Addresses that the config names can be forged. The rest is for sources that have opened before.
  allNamed: { perSecond: 200_000, burst: 30_000 },
  sourcesMax: 16_384,
  knownMax: 4_096,
}

/**
 * Limits the measured time that single packets take: for each source and for all, with a share for known sources. Both
 * the work and the limits are in the thread's own time, so that other programs starve no owner.
 */
export class WorkBudget {
  readonly #budget: SourceBudget
  readonly #clock: () => number
  readonly #named: Rate
  readonly #allNamed: TokenBucket

  /** @param clock a steady clock that work moves, in milliseconds with a fraction: that of `Clock.working` */
  constructor(clock: () => number, limits = WORK_LIMITS) {
    this.#clock = clock
    this.#named = limits.named
    this.#allNamed = new TokenBucket(limits.allNamed.perSecond, limits.allNamed.burst)
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

  /** Returns the share of a key whose senders the config names. */
  share(): TokenBucket {
    return new TokenBucket(this.#named.perSecond, this.#named.burst)
  }

  /** Runs work for a source and charges its time to the source. Returns `undefined` if no time is left. */
  run<Result>(source: Address, as: Standing, work: () => Result): { readonly result: Result } | undefined {
    const begun = this.#clock()
    return this.#budget.has(source, begun, as) ? this.#run(source, as, begun, work, []) : undefined
  }

  /**
   * Runs work for a source that some keys name, with those keys that have time left. Its time is charged to the source,
   * and in full to each of these keys. Packets from one network so take the time of one key, even if many name it.
   * Returns `undefined` if no time is left.
   */
  runNamed<Key extends { readonly share: TokenBucket }, Result>(
    source: Address,
    keys: readonly Key[],
    work: (keys: readonly Key[]) => Result,
  ): { readonly result: Result } | undefined {
    const begun = this.#clock()
    const isWithinPart = this.#allNamed.has(begun)
    const as = isWithinPart ? 'named' : 'stranger'
    if (!this.#budget.has(source, begun, as)) return undefined
    const left = keys.filter(({ share }) => share.has(begun))
    if (left.length === 0) return undefined
    const shares = left.map(({ share }) => share)
    return this.#run(source, as, begun, () => work(left), isWithinPart ? [this.#allNamed, ...shares] : shares)
  }

  #run<Result>(
    source: Address,
    as: Standing,
    begun: number,
    work: () => Result,
    shares: readonly TokenBucket[],
  ): { readonly result: Result } {
    try {
      return { result: work() }
    } finally {
      const ended = this.#clock()
      const us = (ended - begun) * MS_US
      this.#budget.spend(source, ended, us, as)
      for (const share of shares) share.spend(ended, us)
    }
  }
}
