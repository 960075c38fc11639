import type { JournalState } from './journal-state.ts'
import { LOSS_KEY, formatLoss } from './loss.ts'
import type { Hold, Opening } from './opening.ts'
import { extendedHolds, holdsOf, withHold } from './holds.ts'
import { copyDeadline, copyHold, copyOpening, readEntry } from './record.ts'
import type { Entry } from './record.ts'

/** Most openings at once. */
export const OPENINGS_MAX = 65_536
/** Most used one-time sequences that are remembered, of all doors together. With more, the oldest are dropped. */
export const USED_MAX = 65_536
/** Most keys with a newest value. */
export const REPLAY_MAX = 65_536

/** The separator between a key's door and mark. No door's name contains it. */
const SEPARATOR = '\n'

/** The store's state in memory, which reflects exactly the durable records. */
export class Tables implements JournalState {
  readonly openings = new Map<string, Opening>()
  /** Used one-time sequences as {@link Tables.usedKey}, the oldest first. */
  readonly used = new Set<string>()
  readonly replay = new Map<string, string>()
  readonly #now: () => number

  /** @param now milliseconds since 1970 */
  constructor(now: () => number = Date.now) {
    this.#now = now
  }

  static usedKey(door: string, mark: string): string {
    return `${door}${SEPARATOR}${mark}`
  }

  get size(): number {
    return this.openings.size + this.used.size + this.replay.size
  }

  lacks(kind: 'first' | 'lost'): void {
    this.replay.set(LOSS_KEY, formatLoss({ kind, at: this.#now() }))
  }

  apply(value: unknown): boolean {
    const entry = readEntry(value)
    if (entry === undefined) return false
    this.#take(entry)
    return true
  }

  *snapshot(): Generator<Entry> {
    for (const opening of this.openings.values()) yield { kind: 'opened', ...opening }
    for (const key of this.used) {
      const end = key.lastIndexOf(SEPARATOR)
      yield { kind: 'used', door: key.slice(0, end), mark: key.slice(end + 1) }
    }
    for (const [key, value] of this.replay) yield { kind: 'replay', key, value }
  }

  /** Applies an entry. Extending or closing an unknown opening changes nothing, as its record may be lost. */
  #take(entry: Entry): void {
    switch (entry.kind) {
      case 'opened': {
        this.openings.set(entry.id, copyOpening(entry))
        break
      }
      case 'extended': {
        const opening = this.openings.get(entry.id)
        if (opening === undefined) break
        this.openings.set(entry.id, extended(opening, copyHold(entry)))
        break
      }
      case 'closed':
        this.openings.delete(entry.id)
        break
      case 'used':
        this.#use(Tables.usedKey(entry.door, entry.mark))
        break
      case 'replay':
        if (entry.value === undefined) this.replay.delete(entry.key)
        else this.replay.set(entry.key, entry.value)
    }
  }

  #use(key: string): void {
    this.used.add(key)
    if (this.used.size <= USED_MAX) return
    const [oldest] = this.used
    this.used.delete(oldest!)
  }
}

/** Adds or extends a hold of an opening. Without a holder, it extends all holds. */
function extended(opening: Opening, hold: Hold): Opening {
  const before = holdsOf(opening)
  const user = hold.user ?? opening.user
  // Records of an earlier version name at most a user, and only the last one counted.
  if (hold.holder === undefined) {
    return withHolds({ ...opening, user, ...copyDeadline(hold) }, extendedHolds(before, hold))
  }
  return withHolds({ ...opening, user, holder: hold.holder, ...copyDeadline(hold) }, withHold(before, hold))
}

function withHolds(opening: Opening, holds: readonly Hold[]): Opening {
  return { ...opening, holds: holds.length > 1 ? holds : undefined }
}
