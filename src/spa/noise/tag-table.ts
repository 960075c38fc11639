import { USER_TAG_BYTES } from './tag.ts'

/** The value for no user. */
export const NOBODY = -1
/** Words of a tag. */
const WORDS = USER_TAG_BYTES / 4
/** The minimum number of users that memory is reserved for. */
const USERS_MIN = 16
/** The spare share of a reservation, as a few users more must not move a large table. */
const SPARE = 1.25
/** The largest share of the index that is in use. */
const LOAD_MAX = 0.75

/**
 * A flat hash table from tags to users. A user is a small number, and has a tag in each of some columns. A look-up
 * allocates nothing. The hash needs no secret, as only the owner of a key can make its tags.
 */
export class TagTable {
  readonly #columns: number
  #users = 0
  #mask = 0
  /** Slot numbers plus one by the first word of their tags, with linear probing; 0 is empty. */
  #index = new Int32Array(1)
  /** The tags by slots. A column's slots are neighbours, so that an unused column takes no memory. */
  #words = new Int32Array(0)

  /** @param columns the maximum number of tags of a user */
  constructor(columns: number) {
    this.#columns = columns
  }

  /** The memory of the table in bytes. Less is resident if columns are unused. */
  get bytes(): number {
    return this.#index.byteLength + this.#words.byteLength
  }

  /** Makes room for users below this number. If the table has to grow, it takes some milliseconds. */
  reserve(users: number): void {
    if (users <= this.#users) return
    const [index, words, before] = [this.#index, this.#words, this.#users]
    this.#users = Math.max(USERS_MIN, Math.ceil(users * SPARE))
    const slots = this.#users * this.#columns
    let size = 1
    while (size * LOAD_MAX < slots) size *= 2
    this.#mask = size - 1
    this.#index = new Int32Array(size)
    this.#words = new Int32Array(slots * WORDS)
    for (const entry of index) {
      if (entry === 0) continue
      const slot = entry - 1
      const moved = Math.floor(slot / before) * this.#users + (slot % before)
      this.#words.set(words.subarray(slot * WORDS, (slot + 1) * WORDS), moved * WORDS)
      this.#enter(moved)
    }
  }

  /** Returns the user of the tag at an offset of `bytes`, or {@link NOBODY}. */
  find(bytes: Uint8Array, at: number): number {
    const words = this.#words
    const [a, b, c, d] = [word(bytes, at), word(bytes, at + 4), word(bytes, at + 8), word(bytes, at + 12)]
    for (let home = a & this.#mask; ; home = (home + 1) & this.#mask) {
      const slot = this.#index[home]! - 1
      if (slot < 0) return NOBODY
      const first = slot * WORDS
      // All words are compared, so that the time does not tell how many of them are right.
      const difference =
        (words[first]! ^ a) | (words[first + 1]! ^ b) | (words[first + 2]! ^ c) | (words[first + 3]! ^ d)
      if (difference === 0) return slot % this.#users
    }
  }

  /** Sets a tag in a column of a user that has none. The user is below the number reserved. */
  set(user: number, column: number, tag: Uint8Array): void {
    const slot = column * this.#users + user
    for (let index = 0; index < WORDS; index++) this.#words[slot * WORDS + index] = word(tag, index * 4)
    this.#enter(slot)
  }

  /** Removes the tag of a user from a column that has one. */
  clear(user: number, column: number): void {
    const index = this.#index
    const mask = this.#mask
    const entry = column * this.#users + user + 1
    let hole = this.#words[(entry - 1) * WORDS]! & mask
    while (index[hole] !== entry) hole = (hole + 1) & mask
    // Entries behind the hole that a search would no longer reach move into it.
    for (let at = (hole + 1) & mask; index[at] !== 0; at = (at + 1) & mask) {
      const home = this.#words[(index[at]! - 1) * WORDS]! & mask
      if (((at - home) & mask) < ((at - hole) & mask)) continue
      index[hole] = index[at]!
      hole = at
    }
    index[hole] = 0
  }

  /** Enters a slot, whose tag is set, into the index. */
  #enter(slot: number): void {
    let at = this.#words[slot * WORDS]! & this.#mask
    while (this.#index[at] !== 0) at = (at + 1) & this.#mask
    this.#index[at] = slot + 1
  }
}

function word(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
}
