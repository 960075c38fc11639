import type { Ledger, Redemption, Use } from './ledger.ts'

/**
 * A ledger in memory for tests. Like that of a fleet it answers later, may be unavailable, and may know nothing yet of
 * what others used up.
 */
export class FakeLedger implements Ledger {
  readonly #claimed: Set<string>
  readonly #values: Map<string, string>
  /** The secrets that this ledger is using up, or has used up. */
  readonly #own = new Set<string>()
  readonly #newest: Map<string, string>
  /** The reason why it is unavailable; `undefined`: it works. */
  unavailable: string | undefined
  /** True if the process ends between the use and the answer: uses are durable, and no answer ever comes. */
  crashes = false

  /** @param before a ledger whose durable content this one shares */
  constructor(before?: FakeLedger) {
    this.#claimed = before === undefined ? new Set() : before.#claimed
    this.#values = before === undefined ? new Map() : before.#values
    this.#newest = new Map(this.#values)
    for (const each of this.#claimed) this.#own.add(each)
  }

  async claim(door: string, mark: string): Promise<Redemption> {
    const key = JSON.stringify([door, mark])
    const known = this.#own.has(key)
    this.#own.add(key)
    const redemption = await this.#answer(() => {
      const isNew = !this.#claimed.has(key)
      this.#claimed.add(key)
      return isNew
    })
    if (typeof redemption === 'object' && !known) this.#own.delete(key)
    return redemption
  }

  wasClaimed(door: string, mark: string): boolean {
    return this.#own.has(JSON.stringify([door, mark]))
  }

  async advance(
    key: string,
    next: (present: string | undefined) => string | undefined,
    _use?: Use,
  ): Promise<Redemption> {
    return await this.#answer(() => {
      // A store of several machines runs it again if another one was faster.
      next(this.#newest.get(key))
      const value = next(this.#values.get(key))
      if (value !== undefined) this.#values.set(key, value)
      this.#newest.set(key, this.#values.get(key)!)
      return value !== undefined
    })
  }

  newest(key: string): string | undefined {
    return this.#newest.get(key)
  }

  async #answer(use: () => boolean): Promise<Redemption> {
    await Promise.resolve()
    if (this.unavailable !== undefined) return { unavailable: this.unavailable }
    const isNew = use()
    if (this.crashes) await new Promise(() => undefined)
    return isNew ? 'won' : 'lost'
  }
}
