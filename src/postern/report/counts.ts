/** Something that is counted. */
export interface Counted {
  count: number
}

/**
 * Values by key, of a bounded number. If there are more, the half with the lowest counts is dropped, so that a flood of
 * keys does not displace those that come often.
 */
export class Counts<Value extends Counted> {
  readonly #max: number
  readonly #values = new Map<string, Value>()
  #isCut = false

  /** @param max the most keys, at least 2 */
  constructor(max: number) {
    this.#max = max
  }

  /** True if keys were dropped: then there were more keys, and counts of those that came again are too low. */
  get isCut(): boolean {
    return this.#isCut
  }

  /** The number of keys that are kept. */
  get size(): number {
    return this.#values.size
  }

  /** Counts a key once more, and returns its value. @param make makes the value of a new key, with a count of 0 */
  add(key: string, make: () => Value): Value {
    let value = this.#values.get(key)
    if (value === undefined) {
      if (this.#values.size >= this.#max) this.#drop()
      value = make()
      this.#values.set(key, value)
    }
    value.count++
    return value
  }

  /** Counts a key once less, and returns its value. A key that came once is removed. */
  takeBack(key: string): Value | undefined {
    const value = this.#values.get(key)
    if (value === undefined || --value.count > 0) return value
    this.#values.delete(key)
    return undefined
  }

  /** Returns the values, those with the highest counts first. */
  sorted(): readonly Value[] {
    return [...this.#values.values()].sort((one, other) => other.count - one.count)
  }

  #drop(): void {
    this.#isCut = true
    const lowest = [...this.#values].sort(([, one], [, other]) => one.count - other.count)
    for (const [key] of lowest.slice(0, Math.ceil(this.#max / 2))) this.#values.delete(key)
  }
}

/** Names of which a few are kept. */
export class FewNames {
  readonly #max: number
  // An array, as a flood has a name or two for each of thousands.
  readonly #names: string[] = []
  #isCut = false

  constructor(max: number) {
    this.#max = max
  }

  add(name: string): void {
    if (this.#names.includes(name)) return
    if (this.#names.length < this.#max) this.#names.push(name)
    else this.#isCut = true
  }

  /** The names that are kept, in the order in which they came. */
  get names(): readonly string[] {
    return this.#names
  }

  /** True if there were more names. */
  get isCut(): boolean {
    return this.#isCut
  }
}
