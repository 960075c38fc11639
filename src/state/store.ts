import { realDisk } from './disk.ts'
import type { Disk } from './disk.ts'
import type { StateFault } from './fault.ts'
import { prepareFolder } from './folder.ts'
import { Journal } from './journal.ts'
import { takeLock } from './lock.ts'
import type { Lock, TryLock } from './lock.ts'
import { LOSS_KEY, acceptedKey, formatLoss, parseLoss } from './loss.ts'
import type { Loss } from './loss.ts'
import type { Hold, Opening } from './opening.ts'
import { copyHold, copyOpening, isDeadline, isOpening } from './record.ts'
import { Tables } from './tables.ts'
import { OPENINGS_MAX, REPLAY_MAX } from './tables.ts'

/** What the store was asked for and cannot do; nothing has changed. */
export class StoreError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'StoreError'
  }
}

/** The state that survives a crash: what is open, which one-time sequences are used, the newest counters accepted. */
export class Store {
  readonly #journal: Journal
  readonly #tables: Tables
  readonly #lock: Lock | undefined
  /** Claimed, but not durable yet. */
  readonly #opening = new Set<string>()
  readonly #using = new Set<string>()
  readonly #newest = new Map<string, { readonly value: string }>()

  constructor(journal: Journal, tables: Tables, lock?: Lock) {
    this.#journal = journal
    this.#tables = tables
    this.#lock = lock
  }

  /** What is open: every opening that is durable and not durably closed, by id. */
  get openings(): ReadonlyMap<string, Opening> {
    return this.#tables.openings
  }

  /** What the journal last failed with; `undefined` while it works. */
  get failure(): Error | undefined {
    return this.#journal.failure
  }

  /**
   * Notes an opening. Only once this resolves may the door be opened.
   *
   * @throws StoreError (as a rejection) if the id is taken, a field unusable, or {@link OPENINGS_MAX} are open
   * @throws JournalError (as a rejection) if it could not be made durable
   */
  async opened(opening: Opening): Promise<void> {
    const { id } = opening
    if (!isOpening(opening)) throw new StoreError('an opening that cannot be written down')
    if (this.openings.has(id) || this.#opening.has(id)) throw new StoreError(`opening ${id} is there already`)
    if (this.openings.size + this.#opening.size >= OPENINGS_MAX) throw new StoreError('too many doors are open')
    this.#opening.add(id)
    try {
      await this.#journal.append({ kind: 'opened', ...copyOpening(opening) })
    } finally {
      this.#opening.delete(id)
    }
  }

  /**
   * Notes a new deadline, and who set it; without a holder it is that of everybody who holds the opening. Only once this
   * resolves may the opening outlive the old one.
   *
   * @throws StoreError (as a rejection) if there is no such opening, or none any more
   * @throws JournalError (as a rejection) if it could not be made durable
   */
  async extended(id: string, hold: Hold): Promise<void> {
    if (!isDeadline(hold)) throw new StoreError('a deadline that cannot be written down')
    if (this.#knows(id)) await this.#journal.append({ kind: 'extended', id, ...copyHold(hold) })
    if (!this.openings.has(id)) throw new StoreError(`opening ${id} is not there`)
  }

  /**
   * Notes that an opening is closed; to be called after what closes it has run. Gives `false` if there is no such opening.
   *
   * @throws JournalError (as a rejection) if it could not be made durable: the close will run again after a crash
   */
  async closed(id: string): Promise<boolean> {
    if (!this.#knows(id)) return false
    await this.#journal.append({ kind: 'closed', id }, true)
    return true
  }

  /**
   * Claims a one-time sequence of a door. The claim is decided before this returns, so of two callers one gets `false`;
   * the one that gets `true` gets it when the claim is durable, and only then may the door be opened.
   *
   * @throws JournalError (as a rejection) if it could not be made durable; the claim is given up then
   */
  async used(door: string, mark: string): Promise<boolean> {
    const key = Tables.usedKey(door, mark)
    if (this.wasUsed(door, mark)) return false
    this.#using.add(key)
    try {
      await this.#journal.append({ kind: 'used', door, mark })
    } finally {
      this.#using.delete(key)
    }
    return true
  }

  /** Whether a one-time sequence of a door was claimed, durably or just now. */
  wasUsed(door: string, mark: string): boolean {
    const key = Tables.usedKey(door, mark)
    return this.#using.has(key) || this.#tables.used.has(key)
  }

  /** What this store may not know, as it was lost or never there. `undefined`: it knows all that was ever used. */
  get loss(): Loss | undefined {
    return parseLoss(this.newest(LOSS_KEY))
  }

  /** Whether an operator has accepted for a door that what it used up before a loss may be used again. */
  acceptsLoss(door: string): boolean {
    const { loss } = this
    return loss !== undefined && this.newest(acceptedKey(door)) === formatLoss(loss)
  }

  /** Accepts it. @throws JournalError (as a rejection) if it could not be made durable */
  async acceptLoss(door: string): Promise<void> {
    if (this.loss !== undefined) await this.advance(acceptedKey(door), formatLoss(this.loss), () => true)
  }

  /** Whether this is the id of the journal: only who may read the state knows it. */
  isJournal(id: string): boolean {
    return this.#journal.id === id
  }

  /** The newest value accepted for a key, durably or just now. */
  newest(key: string): string | undefined {
    return this.#newest.get(key)?.value ?? this.#tables.replay.get(key)
  }

  /** Keys that begin like this and have a value, durably or just now. */
  *keys(prefix: string): Generator<string> {
    for (const key of new Set([...this.#tables.replay.keys(), ...this.#newest.keys()])) {
      if (key.startsWith(prefix)) yield key
    }
  }

  /**
   * Replaces the newest value of a key, if `accepts` says that it may follow the present one. As with {@link used} this
   * is decided before the call returns. If it cannot be made durable, the value counts until the next start all the same.
   *
   * @throws StoreError (as a rejection) if there are {@link REPLAY_MAX} keys: none gives way, or it could be replayed
   * @throws JournalError (as a rejection) if it could not be made durable
   */
  async advance(key: string, value: string, accepts: (present: string | undefined) => boolean): Promise<boolean> {
    const present = this.newest(key)
    if (!accepts(present)) return false
    if (present === undefined && this.#tables.replay.size + this.#newest.size >= REPLAY_MAX) {
      throw new StoreError('too many keys')
    }
    const claim = { value }
    this.#newest.set(key, claim)
    await this.#journal.append({ kind: 'replay', key, value })
    if (this.#newest.get(key) === claim) this.#newest.delete(key)
    return true
  }

  /** Forgets a key, when its client is gone from the config. */
  async forget(key: string): Promise<void> {
    if (this.newest(key) === undefined) return
    this.#newest.delete(key)
    await this.#journal.append({ kind: 'replay', key, value: undefined }, true)
  }

  /** Waits until all is durable that was asked for, and lets go of the files. */
  async close(): Promise<void> {
    await this.#journal.close()
    this.#lock?.release()
  }

  #knows(id: string): boolean {
    return this.openings.has(id) || this.#opening.has(id)
  }
}

/** What a store needs of its surroundings. */
export interface StoreTerms {
  /** Takes an exclusive lock without waiting: `flock(fd, LOCK_EX | LOCK_NB)`. */
  readonly lock: TryLock
  /** This process's id, left in the lock file for whoever finds it locked. */
  readonly pid: number
}

/**
 * Opens the store in a journal file, which is made where there is none, in a folder of its own. `faults` are to be
 * logged loudly.
 *
 * @throws LockedError if another process has it open
 * @throws UnsafeFolderError if others than the owner could change it: its commands run as root
 * @throws JournalError, FileTooLargeError or the system's error as {@link Journal.open} does
 */
export async function openStore(path: string, terms: StoreTerms): Promise<{ store: Store; faults: StateFault[] }> {
  await prepareFolder(path)
  const lock = takeLock(`${path}.lock`, terms.lock, terms.pid)
  try {
    return await openStoreOn(realDisk, path, lock)
  } catch (error) {
    lock.release()
    throw error
  }
}

/** As {@link openStore}, on any disk, with the folder made and the lock taken by the caller. */
export async function openStoreOn(
  disk: Disk,
  path: string,
  lock?: Lock,
  compactMinBytes?: number,
  now?: () => number,
): Promise<{ store: Store; faults: StateFault[] }> {
  const tables = new Tables(now)
  const { journal, faults } = await Journal.open(disk, path, tables, compactMinBytes, lock?.usedBefore)
  return { store: new Store(journal, tables, lock), faults }
}
