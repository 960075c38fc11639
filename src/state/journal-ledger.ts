import type { Ledger, Redemption } from './ledger.ts'
import type { Store } from './store.ts'

/** The ledger in the journal of one daemon. It decides before the disk is asked, and answers when the use is on disk. */
export class JournalLedger implements Ledger {
  readonly #store: Pick<Store, 'used' | 'wasUsed' | 'advance' | 'newest'>

  constructor(store: Pick<Store, 'used' | 'wasUsed' | 'advance' | 'newest'>) {
    this.#store = store
  }

  async claim(door: string, mark: string): Promise<Redemption> {
    return await redemptionOf(async () => await this.#store.used(door, mark))
  }

  wasClaimed(door: string, mark: string): boolean {
    return this.#store.wasUsed(door, mark)
  }

  async advance(key: string, next: (present: string | undefined) => string | undefined): Promise<Redemption> {
    return await redemptionOf(async () => {
      const value = next(this.#store.newest(key))
      return value !== undefined && (await this.#store.advance(key, value, () => true))
    })
  }

  newest(key: string): string | undefined {
    return this.#store.newest(key)
  }
}

async function redemptionOf(use: () => Promise<boolean>): Promise<Redemption> {
  try {
    return (await use()) ? 'won' : 'lost'
  } catch (error) {
    return { unavailable: (error as Error).message }
  }
}
