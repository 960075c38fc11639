import type { Ledger, Redemption } from '../../state/ledger.ts'
import type { Store } from '../../state/store.ts'

/** Returns the ledger of a store. */
export function ledgerOf(store: Pick<Store, 'used' | 'wasUsed' | 'advance' | 'newest'>): Ledger {
  return {
    claim: async (door, mark) => await answer(store.used(door, mark)),
    wasClaimed: (door, mark) => store.wasUsed(door, mark),
    advance: async (key, next) => {
      const value = next(store.newest(key))
      return value === undefined ? 'lost' : await answer(store.advance(key, value, () => true))
    },
    newest: (key) => store.newest(key),
  }
}

async function answer(won: Promise<boolean>): Promise<Redemption> {
  try {
    return (await won) ? 'won' : 'lost'
  } catch (error) {
    return { unavailable: (error as Error).message }
  }
}
