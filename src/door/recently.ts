/** Remembers what was last noted for a key; of more keys than it may hold, the one longest ago is forgotten. */
export class Recently<Value> {
  readonly #max: number
  readonly #noted = new Map<string, Value>()

  constructor(max: number) {
    this.#max = max
  }

  /** What was last noted, or `undefined`. */
  at(key: string): Value | undefined {
    return this.#noted.get(key)
  }

  /** Notes something, in place of what was noted before. */
  note(key: string, value: Value): void {
    this.#noted.delete(key)
    this.#noted.set(key, value)
    if (this.#noted.size <= this.#max) return
    for (const oldest of this.#noted.keys()) {
      this.#noted.delete(oldest)
      return
    }
  }
}
