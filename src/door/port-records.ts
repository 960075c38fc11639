import type { Hold, Opening } from '../state/opening.ts'
import type { Store } from '../state/store.ts'
import type { DoorLog } from './command-opening.ts'

/**
 * Records openings of ports in the journal, to restore them after a restart. The kernel closes ports even if this
 * fails.
 */
export class PortRecords {
  readonly #store: Pick<Store, 'opened' | 'extended' | 'closed'>
  readonly #log: Pick<DoorLog, 'event'>

  constructor(store: Pick<Store, 'opened' | 'extended' | 'closed'>, log: Pick<DoorLog, 'event'>) {
    this.#store = store
    this.#log = log
  }

  /** Records an opening. `known`: it is already recorded, and `hold` is the change. Never rejects. */
  async note(opening: Opening, hold: Hold, known: boolean): Promise<void> {
    try {
      await (known ? this.#store.extended(opening.id, hold) : this.#store.opened(opening))
    } catch (error) {
      const { source, door } = opening
      const { message: cause } = error as Error
      this.#log.event({ kind: 'trouble', level: 'warning', source, door, what: 'would be lost on a restart', cause })
    }
  }

  /** Removes an opening from the journal. */
  forget({ id, source, door }: Opening): void {
    this.#store.closed(id).catch((error: unknown) => {
      const { message: cause } = error as Error
      const what = 'is closed, but that cannot be recorded'
      this.#log.event({ kind: 'trouble', level: 'error', source, door, what, cause })
    })
  }
}
