import type { AuthenticatorDeps } from '../../secret/deps.ts'
import type { Ledger, Redemption } from '../../state/ledger.ts'

/** The secrets that a replay has used up. They are forgotten with it: nothing is written. */
export class ReplayLedger implements Ledger {
  readonly #claimed = new Set<string>()
  readonly #values = new Map<string, string>()

  async claim(door: string, mark: string): Promise<Redemption> {
    const isNew = !this.wasClaimed(door, mark)
    this.#claimed.add(`${door}\n${mark}`)
    return await Promise.resolve(isNew ? 'won' : 'lost')
  }

  wasClaimed(door: string, mark: string): boolean {
    return this.#claimed.has(`${door}\n${mark}`)
  }

  async advance(key: string, next: (present: string | undefined) => string | undefined): Promise<Redemption> {
    const value = next(this.newest(key))
    if (value !== undefined) this.#values.set(key, value)
    return await Promise.resolve(value === undefined ? 'lost' : 'won')
  }

  newest(key: string): string | undefined {
    return this.#values.get(key)
  }

  /** The values as the store of authenticators. It takes no other notes, and knows of no loss: there is no journal. */
  get store(): AuthenticatorDeps['store'] {
    const values = this.#values
    return {
      newest: (key) => values.get(key),
      advance: async () => await Promise.resolve(false),
      forget: async (key) => await Promise.resolve(void values.delete(key)),
      keys: function* keys(prefix) {
        for (const key of values.keys()) if (key.startsWith(prefix)) yield key
      },
      loss: undefined,
      acceptsLoss: () => false,
    }
  }
}
