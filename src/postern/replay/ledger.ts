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
}

/** The notes of a replay: there are none, because it does not read the journal. */
export const NO_NOTES: AuthenticatorDeps['store'] = {
  newest: () => undefined,
  advance: async () => await Promise.resolve(false),
  forget: async () => await Promise.resolve(),
  *keys() {
    // No key.
  },
  loss: undefined,
  acceptsLoss: () => false,
}
