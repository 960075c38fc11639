import type { Address } from '../packet/address.ts'
import { NONE, SourceTable } from './source-table.ts'
import { TokenBucket } from './token-bucket.ts'

const SECOND_MS = 1_000
/** The payer of a cost: its purse, and the shared pool. */
const NOBODY = 0
const STRANGER = 1
const KNOWN_OF_ALL = 2
const KNOWN_OF_KNOWN = 3
const NAMED = 4

/** A spending limit: an average, and a burst after a quiet time. The caller chooses the unit. */
export interface Rate {
  readonly perSecond: number
  readonly burst: number
}

/**
 * The treatment of a source: by its history, as one that has never opened a door, or as one that the config names. What
 * a named source needs comes out of the reserved share, too.
 */
export type Standing = 'itself' | 'stranger' | 'named'

/** The budgets for one kind of work. */
export interface BudgetLimits {
  /** The budget of a source that has never opened a door. */
  readonly source: Rate
  /** The budget of all sources together, besides the reserved share below. */
  readonly all: Rate
  /** The budget of a source that has opened a door. */
  readonly known: Rate
  /** The reserved share of all sources that have opened a door or are named. Beyond it they use `all`. */
  readonly allKnown: Rate
  /** The maximum number of sources whose spending is recorded. Each takes about 50 bytes. */
  readonly sourcesMax: number
  /** The maximum number of sources that have opened a door. Unknown sources cannot evict them. */
  readonly knownMax: number
}

/**
 * Limits the work that packets can cause. Each source, an IPv4 address or an IPv6 /64, has a budget, and so have all
 * sources together. A share is reserved for sources that have opened a door or that the config names. A packet causes
 * no allocation.
 */
export class SourceBudget {
  readonly #sources: Purses
  readonly #known: Purses
  readonly #all: TokenBucket
  readonly #allKnown: TokenBucket

  /** @param seed two secret random words, because attackers choose their addresses */
  constructor(limits: BudgetLimits, seed: readonly [number, number]) {
    this.#sources = new Purses(limits.sourcesMax, limits.source, seed)
    this.#known = new Purses(limits.knownMax, limits.known, seed)
    this.#all = new TokenBucket(limits.all.perSecond, limits.all.burst)
    this.#allKnown = new TokenBucket(limits.allKnown.perSecond, limits.allKnown.burst)
  }

  /** Returns true if a source has opened a door. */
  knows(source: Address): boolean {
    return this.#known.has(source)
  }

  /** Records that a source has opened a door, as the most recent one. Returns true if it was not recorded before. */
  know(source: Address): boolean {
    return this.#known.add(source)
  }

  /**
   * Returns true if a source has any budget left. Here and below, `now` is milliseconds of a monotonic clock.
   *
   * @param as `stranger` for work that others could cause by forging the source, which must not use up its share
   */
  has(source: Address, now: number, as: Standing = 'itself'): boolean {
    return this.#payer(source, now, Number.MIN_VALUE, as) !== NOBODY
  }

  /** Charges a source for finished work. A purse may go into debt, by one burst at most. */
  spend(source: Address, now: number, cost: number, as: Standing = 'itself'): void {
    this.#charge(this.#payer(source, now, Number.MIN_VALUE, as), source, now, cost)
  }

  /** Charges a source for work with a known cost. Returns false, and charges nothing, if too little is left. */
  take(source: Address, now: number, cost = 1, as: Standing = 'itself'): boolean {
    const payer = this.#payer(source, now, cost, as)
    if (payer === NOBODY) return false
    this.#charge(payer, source, now, cost)
    return true
  }

  /**
   * Returns the payer of a cost. A source that has opened a door falls back to the budgets of the others after its own.
   */
  #payer(source: Address, now: number, cost: number, as: Standing): number {
    if (as === 'itself' && this.#known.has(source) && this.#known.left(source, now) >= cost) {
      if (this.#allKnown.has(now, cost)) return KNOWN_OF_KNOWN
      if (this.#all.has(now, cost)) return KNOWN_OF_ALL
    }
    if (this.#sources.left(source, now) < cost) return NOBODY
    if (as === 'named' && this.#allKnown.has(now, cost)) return NAMED
    return this.#all.has(now, cost) ? STRANGER : NOBODY
  }

  #charge(payer: number, source: Address, now: number, cost: number): void {
    const known = payer === KNOWN_OF_KNOWN || payer === KNOWN_OF_ALL
    const purses = known ? this.#known : this.#sources
    const pool = payer === KNOWN_OF_KNOWN || payer === NAMED ? this.#allKnown : this.#all
    purses.spend(source, now, cost)
    pool.spend(now, cost)
  }
}

/** The remaining budgets of sources. */
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

  /** Adds a source. Returns true if it was not in the table. */
  add(source: Address): boolean {
    const slot = this.#table.find(source)
    if (slot !== NONE) {
      this.#table.touch(slot)
      return false
    }
    this.#fresh(source)
    return true
  }

  /** Returns the remaining budget of a source. An unknown source has a whole burst. */
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
    // A clock that goes back adds nothing, and does not stop the filling.
    if (now < this.#filledAt[slot]!) this.#filledAt[slot] = now
    const more = ((now - this.#filledAt[slot]!) * this.#rate.perSecond) / SECOND_MS
    return Math.min(this.#rate.burst, this.#left[slot]! + more)
  }
}
