import { formatNetwork, networkOf } from '../../packet/network.ts'
import type { Address } from '../../packet/address.ts'
import { SourceBudget } from '../../limit/source-budget.ts'

/** gpgs at a time, and how many of them packets may cause that nothing speaks for. */
export const RUNNING_MAX = 2
const RUNNING_STRANGERS_MAX = 1
/** Packets that wait for one, of each kind; those beyond are passed over. */
export const WAITING_MAX = 16
/** Packets of one source that run or wait. */
export const PER_SOURCE_MAX = 2
/** Bits of an address that make a source: an IPv4 address, and the network that an IPv6 host has (RFC 4291, 2.5.1). */
const SOURCE_BITS = { 4: 32, 6: 64 } as const
/**
 * Runs that packets may cause where no HMAC speaks for them. One takes some hundredths of a second: all strangers together
 * have a quarter of a processor, about.
 */
const LIMITS = {
  source: { perSecond: 0.5, burst: 4 },
  all: { perSecond: 8, burst: 16 },
  known: { perSecond: 2, burst: 8 },
  allKnown: { perSecond: 8, burst: 16 },
  sourcesMax: 16_384,
  knownMax: 1_024,
} as const

/** Who causes a run. */
export interface Cause {
  readonly source: Address
  /** Whether an HMAC has shown that the packet is by somebody who has a key. */
  readonly proven: boolean
}

/** Has a place for a run, or none: for each source first, then for all, with a share for those that have opened before. */
export class GnupgQueue {
  readonly #budget: SourceBudget
  readonly #waiting = { trusted: [] as (() => void)[], strange: [] as (() => void)[] }
  readonly #bySource = new Map<string, number>()
  #running = 0
  #strangers = 0

  /** @param seed two secret random words: strangers choose their addresses */
  constructor(seed: readonly [number, number]) {
    this.#budget = new SourceBudget(LIMITS, seed)
  }

  /** Counts a source among those that have opened before. */
  know(source: Address): void {
    this.#budget.know(source)
  }

  /**
   * Runs something when its turn comes. Rejects with what it rejects with. `undefined`: there is no place for it.
   *
   * @param now milliseconds of a steady clock
   */
  async run<T>({ source, proven }: Cause, now: number, work: () => Promise<T>): Promise<T | undefined> {
    const from = formatNetwork(networkOf(source, SOURCE_BITS[source.family]))
    const there = this.#bySource.get(from) ?? 0
    if (there >= PER_SOURCE_MAX) return undefined
    const trusted = proven || this.#budget.knows(source)
    const queue = trusted ? this.#waiting.trusted : this.#waiting.strange
    if (queue.length >= WAITING_MAX) return undefined
    if (!proven && !this.#budget.take(source, now)) return undefined
    this.#bySource.set(from, there + 1)
    try {
      await new Promise<void>((resolve) => {
        queue.push(resolve)
        this.#next()
      })
      try {
        return await work()
      } finally {
        this.#running--
        if (!trusted) this.#strangers--
        this.#next()
      }
    } finally {
      const left = this.#bySource.get(from)! - 1
      if (left > 0) this.#bySource.set(from, left)
      else this.#bySource.delete(from)
    }
  }

  #next(): void {
    const { trusted, strange } = this.#waiting
    while (this.#running < RUNNING_MAX) {
      const first = trusted.shift()
      const next = first ?? (this.#strangers < RUNNING_STRANGERS_MAX ? strange.shift() : undefined)
      if (next === undefined) return
      this.#running++
      if (first === undefined) this.#strangers++
      next()
    }
  }
}
