import { formatNetwork, networkOf } from '../../packet/network.ts'
import type { Address } from '../../packet/address.ts'
import { SourceBudget } from '../../limit/source-budget.ts'

/** Longest that a run may take, in milliseconds: for those that something speaks for, and for strangers. */
export const TIME_MAX_MS = 10_000
export const STRANGER_TIME_MAX_MS = 2_000
/** gpgs at a time, and how many of them packets may cause that nothing speaks for. */
export const RUNNING_MAX = 2
const RUNNING_STRANGERS_MAX = 1
/** Packets that wait for one, of each kind; those beyond are passed over. */
export const WAITING_MAX = 16
/** Packets of one source that run or wait; those that show an HMAC are counted apart, as others can forge the source. */
export const PER_SOURCE_MAX = 2
/** Bits of an address that make a source: an IPv4 address, and the network that an IPv6 host has (RFC 4291, 2.5.1). */
const SOURCE_BITS = { 4: 32, 6: 64 } as const
/**
 * Time of gpg's that packets may take where no HMAC speaks for them, in milliseconds. A run takes some hundredths of a second;
 * but whoever knows the server's public key can make messages with which it takes as long as it is let. A burst is at least
 * that long: a budget is in debt by one at most.
 */
export const GNUPG_LIMITS = {
  source: { perSecond: 50, burst: STRANGER_TIME_MAX_MS },
  all: { perSecond: 250, burst: 5_000 },
  known: { perSecond: 200, burst: 2_000 },
  allKnown: { perSecond: 250, burst: 5_000 },
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
  readonly #clock: () => number
  readonly #waiting = { proven: [] as (() => void)[], known: [] as (() => void)[], strange: [] as (() => void)[] }
  readonly #bySource = new Map<string, number>()
  #running = 0
  #strangers = 0

  /**
   * @param seed two secret random words: strangers choose their addresses
   * @param clock a steady one, in milliseconds
   */
  constructor(seed: readonly [number, number], clock: () => number = () => performance.now()) {
    this.#budget = new SourceBudget(GNUPG_LIMITS, seed)
    this.#clock = clock
  }

  /** Counts a source among those that have opened before. */
  know(source: Address): void {
    this.#budget.know(source)
  }

  /** Runs something, for so many milliseconds at most, when its turn comes. Rejects with what it rejects with. `undefined`: there is no place or time for it. */
  async run<T>({ source, proven }: Cause, work: (limitMs: number) => Promise<T>): Promise<T | undefined> {
    const from = `${proven ? 'proven ' : ''}${formatNetwork(networkOf(source, SOURCE_BITS[source.family]))}`
    const there = this.#bySource.get(from) ?? 0
    if (there >= PER_SOURCE_MAX) return undefined
    const trusted = proven || this.#budget.knows(source)
    const queue = this.#waiting[proven ? 'proven' : trusted ? 'known' : 'strange']
    if (queue.length >= WAITING_MAX) return undefined
    const hasTime = (): boolean => proven || this.#budget.has(source, this.#clock())
    if (!hasTime()) return undefined
    this.#bySource.set(from, there + 1)
    try {
      await new Promise<void>((resolve) => {
        queue.push(resolve)
        this.#next()
      })
      const begun = this.#clock()
      try {
        // Others from there may have used it up meanwhile.
        return hasTime() ? await work(trusted ? TIME_MAX_MS : STRANGER_TIME_MAX_MS) : undefined
      } finally {
        const ended = this.#clock()
        if (!proven) this.#budget.spend(source, ended, ended - begun)
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
    const { proven, known, strange } = this.#waiting
    while (this.#running < RUNNING_MAX) {
      const first = proven.shift() ?? known.shift()
      const next = first ?? (this.#strangers < RUNNING_STRANGERS_MAX ? strange.shift() : undefined)
      if (next === undefined) return
      this.#running++
      if (first === undefined) this.#strangers++
      next()
    }
  }
}
