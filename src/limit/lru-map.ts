/** The accesses for which the place of the oldest entry is kept. A kept place keeps former tables of the map alive. */
const PLACE_KEPT = 1_024

/** A map of bounded size, which evicts its least recently used entry. */
export class LruMap<Key, Value> {
  readonly #max: number
  /** The entries in the order of use, least recent first. */
  readonly #entries = new Map<Key, Value>()
  /** Yields the entries to evict. A new iterator has to pass over all that were deleted, up to half of the map. */
  #oldest: MapIterator<Key> | undefined
  #accesses = 0

  /** @param max the maximum number of entries, at least 1 */
  constructor(max: number) {
    this.#max = Math.max(1, max)
  }

  get size(): number {
    return this.#entries.size
  }

  /** Returns the value of a key and marks it as used, or returns `undefined`. */
  get(key: Key): Value | undefined {
    const value = this.#entries.get(key)
    if (value === undefined) return undefined
    this.#last(key, value)
    return value
  }

  /** Returns the value of a key without marking it as used, or returns `undefined`. */
  peek(key: Key): Value | undefined {
    return this.#entries.get(key)
  }

  /** Returns true if a key has a value. It does not mark the key as used. */
  has(key: Key): boolean {
    return this.#entries.has(key)
  }

  /** Sets the value of a key and marks it as used. */
  set(key: Key, value: Value): void {
    this.#last(key, value)
    if (this.#entries.size <= this.#max) return
    this.#oldest ??= this.#entries.keys()
    const oldest = this.#oldest.next()
    if (oldest.done !== true) this.#entries.delete(oldest.value)
  }

  /** Removes a key. Returns false if the key was not in the map. */
  delete(key: Key): boolean {
    return this.#entries.delete(key)
  }

  /** Yields all entries, least recently used first. */
  [Symbol.iterator](): IterableIterator<[Key, Value]> {
    return this.#entries.entries()
  }

  /** Makes an entry the one that was used last. */
  #last(key: Key, value: Value): void {
    this.#entries.delete(key)
    this.#entries.set(key, value)
    if (++this.#accesses % PLACE_KEPT === 0) this.#oldest = undefined
  }
}
