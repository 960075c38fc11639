import type { Address } from '../packet/address.ts'
import { NONE, SourceTable } from './source-table.ts'
import { TokenBucket } from './token-bucket.ts'

const SECOND_MS = 1_000
/** Whose purse a cost is taken from, and which pool. */
const NOBODY = 0
const STRANGER = 1
const KNOWN_OF_ALL = 2
const KNOWN_OF_KNOWN = 3

/** How much may be spent: on average, and at once after a quiet time. The unit is the caller's. */
export interface Rate {
  readonly perSecond: number
  readonly burst: number
}

/** What a source counts as: what it is, or one that has not opened before. */
export type Standing = 'itself' | 'stranger'

/** Budgets of one kind of work. */
export interface BudgetLimits {
  /** Of one source that has not opened before. */
  readonly source: Rate
  /** Of all sources together, but for the share below. */
  readonly all: Rate
  /** Of one source that has opened before. */
  readonly known: Rate
  /** The share kept for all those together; beyond it they take from `all`. */
  readonly allKnown: Rate
  /** Most sources whose spending is remembered; about 50 bytes each. */
  readonly sourcesMax: number
  /** Most sources that are known to have opened before. Strangers cannot push any out. */
  readonly knownMax: number
}

/**
 * Bounds what strangers can have done: for each source first, an IPv4 address or an IPv6 /64, and then in all, with a
 * share kept for sources that have opened before. Nothing is allocated for a packet.
 */
export class SourceBudget {
  readonly #sources: Purses
  readonly #known: Purses
  readonly #all: TokenBucket
  readonly #allKnown: TokenBucket

  /** @param seed two secret random words: strangers choose their addresses */
  constructor(limits: BudgetLimits, seed: readonly [number, number]) {
    this.#sources = new Purses(limits.sourcesMax, limits.source, seed)
    this.#known = new Purses(limits.knownMax, limits.known, seed)
    this.#all = new TokenBucket(limits.all.perSecond, limits.all.burst)
    this.#allKnown = new TokenBucket(limits.allKnown.perSecond, limits.allKnown.burst)
  }

  /** Whether a source counts as one that has opened before. */
  knows(source: Address): boolean {
    return this.#known.has(source)
  }

  /** Counts a source among those that have opened before, the most recent of them. True: it was not there yet. */
  know(source: Address): boolean {
    return this.#known.add(source)
  }

  /**
   * Whether anything is left for a source. `now` is in milliseconds of a steady clock, here and below.
   *
   * @param as `stranger`: for work whose cost a forger of the source's address could cause, which must not use up its share
   */
  has(source: Address, now: number, as: Standing = 'itself'): boolean {
    return this.#payer(source, now, Number.MIN_VALUE, as) !== NOBODY
  }

  /** Takes what some work for a source did cost. Purses may be left in debt, by one burst at most. */
  spend(source: Address, now: number, cost: number, as: Standing = 'itself'): void {
    this.#charge(this.#payer(source, now, Number.MIN_VALUE, as), source, now, cost)
  }

  /** Takes a cost that is known beforehand, whole or not at all. False: too little is left. */
  take(source: Address, now: number, cost = 1, as: Standing = 'itself'): boolean {
    const payer = this.#payer(source, now, cost, as)
    if (payer === NOBODY) return false
    this.#charge(payer, source, now, cost)
    return true
  }

  /** What a cost is taken from: a source that has opened before, and has used up its share, is one among all others. */
  #payer(source: Address, now: number, cost: number, as: Standing): number {
    if (as === 'itself' && this.#known.has(source) && this.#known.left(source, now) >= cost) {
      if (this.#allKnown.has(now, cost)) return KNOWN_OF_KNOWN
      if (this.#all.has(now, cost)) return KNOWN_OF_ALL
    }
    return this.#sources.left(source, now) >= cost && this.#all.has(now, cost) ? STRANGER : NOBODY
  }

  #charge(payer: number, source: Address, now: number, cost: number): void {
    const known = payer === KNOWN_OF_KNOWN || payer === KNOWN_OF_ALL
    const purses = known ? this.#known : this.#sources
    const pool = payer === KNOWN_OF_KNOWN ? this.#allKnown : this.#all
    purses.spend(source, now, cost)
    pool.spend(now, cost)
  }
}

/** What each of some sources has left. */
class Purses {
  readonly #rate: Rate
  readonly #table: SourceTable
  readonly #left: Float64Array
  readonly #filledAt: Float64Array

  constructor(max: number, rate: Rate, seed: readonly [number, number]) {
    this.#rate = rate
    this.#table = new SourceTable(max, seed)
    this.#left = new Float64Array(max)
    this.#filledAt = new Float64Array(max)
  }

  has(source: Address): boolean {
    return this.#table.find(source) !== NONE
  }

  /** True: it was not there. */
  add(source: Address): boolean {
    const slot = this.#table.find(source)
    if (slot !== NONE) {
      this.#table.touch(slot)
      return false
    }
    this.#fresh(source)
    return true
  }

  /** What a source has left; one that is not there has a whole burst. */
  left(source: Address, now: number): number {
    const slot = this.#table.find(source)
    return slot === NONE ? this.#rate.burst : this.#filled(slot, now)
  }

  spend(source: Address, now: number, cost: number): void {
    let slot = this.#table.find(source)
    if (slot === NONE) slot = this.#fresh(source)
    else this.#table.touch(slot)
    this.#left[slot] = Math.max(-this.#rate.burst, this.#filled(slot, now) - cost)
    this.#filledAt[slot] = now
  }

  #fresh(source: Address): number {
    const slot = this.#table.add(source)
    this.#left[slot] = this.#rate.burst
    this.#filledAt[slot] = -Infinity
    return slot
  }

  #filled(slot: number, now: number): number {
    const more = (Math.max(0, now - this.#filledAt[slot]!) * this.#rate.perSecond) / SECOND_MS
    return Math.min(this.#rate.burst, this.#left[slot]! + more)
  }
}
