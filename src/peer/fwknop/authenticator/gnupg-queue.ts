import { formatNetwork, networkOf } from '../../../packet/network.ts'
import type { Address } from '../../../packet/address.ts'
import { SourceBudget } from '../../../limit/source-budget.ts'

/** The longest run of gpg in milliseconds, for trusted packets and for unknown sources. */
export const TIME_MAX_MS = 10_000
export const STRANGER_TIME_MAX_MS = 2_000
/** The most simultaneous runs of gpg, and how many of them unknown sources may cause. */
export const RUNNING_MAX = 2
const RUNNING_STRANGERS_MAX = 1
/** The most waiting packets of each kind. Further ones are ignored. */
export const WAITING_MAX = 16
/**
 * The most packets of one source that run or wait. Packets with an HMAC count separately, because others can forge the
 * source.
 */
export const PER_SOURCE_MAX = 2
/** Bits of an address that identify a source: an IPv4 address, or the network of an IPv6 host (RFC 4291, 2.5.1). */
const SOURCE_BITS = { 4: 32, 6: 64 } as const
/**
 * The time of gpg for packets without an HMAC, in milliseconds. A run takes some hundredths of a second. But anyone who
 * knows the server's public key can send messages that take as long as permitted. A burst is at least that long, so
 * that a budget is overdrawn by one run at most.
 */
export const GNUPG_LIMITS = {
  source: { perSecond: 50, burst: STRANGER_TIME_MAX_MS },
  all: { perSecond: 250, burst: 5_000 },
  known: { perSecond: 200, burst: 2_000 },
  allKnown: { perSecond: 250, burst: 5_000 },
  sourcesMax: 16_384,
  knownMax: 1_024,
} as const

/** The origin of a run. */
export interface Cause {
  readonly source: Address
  /** True if an HMAC proves that the packet's sender has a key. */
  readonly proven: boolean
}

/** Limits the runs of gpg: for each source and for all, with a share for sources that have opened before. */
export class GnupgQueue {
  readonly #budget: SourceBudget
  readonly #clock: () => number
  readonly #waiting = { proven: [] as (() => void)[], known: [] as (() => void)[], strange: [] as (() => void)[] }
  readonly #bySource = new Map<string, number>()
  #running = 0
  #strangers = 0

  /**
   * @param seed two secret random words, because attackers choose their addresses
   * @param clock a steady clock, in milliseconds
   */
  constructor(seed: readonly [number, number], clock: () => number = () => performance.now()) {
    this.#budget = new SourceBudget(GNUPG_LIMITS, seed)
    this.#clock = clock
  }

  /** Marks a source as one that has opened before. */
  know(source: Address): void {
    this.#budget.know(source)
  }

  /**
   * Runs work in its turn, for a limited number of milliseconds. Rejects with the error of the work.
   * @returns `undefined` if there is no place or time left
   */
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
        // Other packets from the source may have used up its time.
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
