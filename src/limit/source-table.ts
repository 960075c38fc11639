import type { Address } from '../packet/address.ts'
import { sipHash } from '../packet/siphash.ts'

/** The value for no slot. */
export const NONE = -1

/**
 * A flat hash table of a fixed number of sources, which evicts the least recently used one. A source is an IPv4 address
 * or an IPv6 /64, because a host can use any address of its /64. The table allocates nothing after its creation. The
 * hash has a secret, because attackers choose their addresses.
 */
export class SourceTable {
  readonly #max: number
  readonly #mask: number
  readonly #key0: number
  readonly #key1: number
  /** Slot numbers plus one by hash, with linear probing; 0 is empty. */
  readonly #index: Int32Array
  readonly #family: Uint8Array
  readonly #a: Int32Array
  readonly #b: Int32Array
  readonly #older: Int32Array
  readonly #newer: Int32Array
  #oldest = NONE
  #newest = NONE
  #count = 0

  /**
   * @param max the maximum number of sources
   * @param seed two secret random words
   */
  constructor(max: number, seed: readonly [number, number]) {
    this.#max = max
    this.#key0 = seed[0]
    this.#key1 = seed[1]
    let size = 4
    while (size < 2 * max) size *= 2
    this.#mask = size - 1
    this.#index = new Int32Array(size)
    this.#family = new Uint8Array(max)
    this.#a = new Int32Array(max)
    this.#b = new Int32Array(max)
    this.#older = new Int32Array(max)
    this.#newer = new Int32Array(max)
  }

  /** The number of sources. */
  get count(): number {
    return this.#count
  }

  /** Returns the slot of a source, or {@link NONE}. */
  find({ family, a, b }: Address): number {
    const low = family === 4 ? 0 : b
    for (let at = this.#home(family, a, low); ; at = (at + 1) & this.#mask) {
      const slot = this.#index[at]! - 1
      if (slot === NONE) return NONE
      if (this.#a[slot] === a && this.#b[slot] === low && this.#family[slot] === family) return slot
    }
  }

  /**
   * Adds a source that is not in the table, and returns its slot. A full table evicts its least recently used source.
   */
  add({ family, a, b }: Address): number {
    let slot = this.#count
    if (slot < this.#max) this.#count++
    else {
      slot = this.#oldest
      this.#takeOut(slot)
      this.#unhash(slot)
    }
    this.#family[slot] = family
    this.#a[slot] = a
    this.#b[slot] = family === 4 ? 0 : b
    this.#append(slot)
    let at = this.#homeOf(slot)
    while (this.#index[at] !== 0) at = (at + 1) & this.#mask
    this.#index[at] = slot + 1
    return slot
  }

  /** Marks a source as the most recently used. */
  touch(slot: number): void {
    if (slot === this.#newest) return
    this.#takeOut(slot)
    this.#append(slot)
  }

  #homeOf(slot: number): number {
    return this.#home(this.#family[slot]!, this.#a[slot]!, this.#b[slot]!)
  }

  #home(family: number, a: number, b: number): number {
    return sipHash(this.#key0, this.#key1, a, b, family, 0) & this.#mask
  }

  #append(slot: number): void {
    this.#older[slot] = this.#newest
    this.#newer[slot] = NONE
    if (this.#newest === NONE) this.#oldest = slot
    else this.#newer[this.#newest] = slot
    this.#newest = slot
  }

  #takeOut(slot: number): void {
    const older = this.#older[slot]!
    const newer = this.#newer[slot]!
    if (older === NONE) this.#oldest = newer
    else this.#newer[older] = newer
    if (newer === NONE) this.#newest = older
    else this.#older[newer] = older
  }

  /** Empties the slot's place in the index, and moves up the entries behind it that a search would miss. */
  #unhash(slot: number): void {
    const index = this.#index
    const mask = this.#mask
    let hole = this.#homeOf(slot)
    while (index[hole] !== slot + 1) hole = (hole + 1) & mask
    for (let at = (hole + 1) & mask; index[at] !== 0; at = (at + 1) & mask) {
      const distance = (at - this.#homeOf(index[at]! - 1)) & mask
      if (distance < ((at - hole) & mask)) continue
      index[hole] = index[at]!
      hole = at
    }
    index[hole] = 0
  }
}
