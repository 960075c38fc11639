/** Remembers when something last happened for a key; of more keys than it may hold, the one longest ago is forgotten. */
export class Recently {
  readonly #max: number
  readonly #times = new Map<string, number>()

  constructor(max: number) {
    this.#max = max
  }

  /** When it last happened, or `undefined`. */
  at(key: string): number | undefined {
    return this.#times.get(key)
  }

  /** Notes that it happens now. */
  note(key: string, now: number): void {
    this.#times.delete(key)
    this.#times.set(key, now)
    if (this.#times.size <= this.#max) return
    for (const oldest of this.#times.keys()) {
      this.#times.delete(oldest)
      return
    }
  }
}
