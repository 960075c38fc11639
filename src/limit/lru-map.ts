/** A map of bounded size: of more entries than it may hold, the one that was least recently used gives way. */
export class LruMap<Key, Value> {
  readonly #max: number
  /** In the order of use, the least recent first. */
  readonly #entries = new Map<Key, Value>()

  /** @param max most entries, at least 1 */
  constructor(max: number) {
    this.#max = Math.max(1, max)
  }

  get size(): number {
    return this.#entries.size
  }

  /** The value of a key, which counts as used now. `undefined`: there is none. */
  get(key: Key): Value | undefined {
    const value = this.#entries.get(key)
    if (value === undefined) return undefined
    this.#entries.delete(key)
    this.#entries.set(key, value)
    return value
  }

  /** The value of a key; its place in the order stays. `undefined`: there is none. */
  peek(key: Key): Value | undefined {
    return this.#entries.get(key)
  }

  /** Whether a key has a value; its place in the order stays. */
  has(key: Key): boolean {
    return this.#entries.has(key)
  }

  /** Sets the value of a key, which counts as used now. */
  set(key: Key, value: Value): void {
    this.#entries.delete(key)
    this.#entries.set(key, value)
    if (this.#entries.size <= this.#max) return
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest)
      return
    }
  }

  /** Removes a key. False: it was not there. */
  delete(key: Key): boolean {
    return this.#entries.delete(key)
  }

  /** Every key and its value, the least recently used first. */
  [Symbol.iterator](): IterableIterator<[Key, Value]> {
    return this.#entries.entries()
  }
}
