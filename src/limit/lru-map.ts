/** A map of bounded size, which evicts its least recently used entry. */
export class LruMap<Key, Value> {
  readonly #max: number
  /** The entries in the order of use, least recent first. */
  readonly #entries = new Map<Key, Value>()

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
    this.#entries.delete(key)
    this.#entries.set(key, value)
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
    this.#entries.delete(key)
    this.#entries.set(key, value)
    if (this.#entries.size <= this.#max) return
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest)
      return
    }
  }

  /** Removes a key. Returns false if the key was not in the map. */
  delete(key: Key): boolean {
    return this.#entries.delete(key)
  }

  /** Yields all entries, least recently used first. */
  [Symbol.iterator](): IterableIterator<[Key, Value]> {
    return this.#entries.entries()
  }
}
