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

/** The store cannot do what it was asked for. Nothing has changed. */
export class StoreError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'StoreError'
  }
}

/** The state that survives a crash: the openings, the used one-time sequences, and the newest accepted counters. */
export class Store {
  readonly #journal: Journal
  readonly #tables: Tables
  readonly #lock: Lock | undefined
  /** Openings, sequences and values that are claimed, but not durable yet. */
  readonly #opening = new Set<string>()
  readonly #using = new Set<string>()
  readonly #newest = new Map<string, { readonly value: string }>()

  constructor(journal: Journal, tables: Tables, lock?: Lock) {
    this.#journal = journal
    this.#tables = tables
    this.#lock = lock
  }

  /** The openings that are durable and not durably closed, by id. */
  get openings(): ReadonlyMap<string, Opening> {
    return this.#tables.openings
  }

  /** The last error of the journal; `undefined` while it works. */
  get failure(): Error | undefined {
    return this.#journal.failure
  }

  /**
   * Records an opening. The door may be opened only after this resolves.
   *
   * @throws StoreError (as a rejection) if the id is taken, a field unusable, or {@link OPENINGS_MAX} are open
   * @throws JournalError (as a rejection) if it could not be made durable
   */
  async opened(opening: Opening): Promise<void> {
    const { id } = opening
    if (!isOpening(opening)) throw new StoreError('the opening cannot be stored')
    if (this.openings.has(id) || this.#opening.has(id)) throw new StoreError(`opening ${id} already exists`)
    if (this.openings.size + this.#opening.size >= OPENINGS_MAX) throw new StoreError('too many doors are open')
    this.#opening.add(id)
    try {
      await this.#journal.append({ kind: 'opened', ...copyOpening(opening) })
    } finally {
      this.#opening.delete(id)
    }
  }

  /**
   * Records a new deadline, and its holder. Without a holder, the deadline applies to all holders of the opening. The
   * opening may outlive its old deadline only after this resolves.
   *
   * @throws StoreError (as a rejection) if there is no such opening, or it was closed meanwhile
   * @throws JournalError (as a rejection) if it could not be made durable
   */
  async extended(id: string, hold: Hold): Promise<void> {
    if (!isDeadline(hold)) throw new StoreError('the deadline cannot be stored')
    if (this.#knows(id)) await this.#journal.append({ kind: 'extended', id, ...copyHold(hold) })
    if (!this.openings.has(id)) throw new StoreError(`there is no opening ${id}`)
  }

  /**
   * Records that an opening is closed, after its close has run. Returns `false` if there is no such opening.
   *
   * @throws JournalError (as a rejection) if it could not be made durable: the close will run again after a crash
   */
  async closed(id: string): Promise<boolean> {
    if (!this.#knows(id)) return false
    await this.#journal.append({ kind: 'closed', id }, true)
    return true
  }

  /**
   * Claims a one-time sequence of a door. The claim is decided before this returns, so of two callers one gets `false`.
   * The other gets `true` once the claim is durable, and may open the door only then.
   *
   * @throws JournalError (as a rejection) if it could not be made durable; the claim is then dropped
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

  /** Returns true if a one-time sequence of a door was claimed, durably or just now. */
  wasUsed(door: string, mark: string): boolean {
    const key = Tables.usedKey(door, mark)
    return this.#using.has(key) || this.#tables.used.has(key)
  }

  /** The loss of earlier state; `undefined`: the store knows everything that was ever used. */
  get loss(): Loss | undefined {
    return parseLoss(this.newest(LOSS_KEY))
  }

  /** Returns true if an operator accepted the loss for a door: secrets used before it may be used again. */
  acceptsLoss(door: string): boolean {
    const { loss } = this
    return loss !== undefined && this.newest(acceptedKey(door)) === formatLoss(loss)
  }

  /** Accepts the loss for a door. @throws JournalError (as a rejection) if it could not be made durable */
  async acceptLoss(door: string): Promise<void> {
    if (this.loss !== undefined) await this.advance(acceptedKey(door), formatLoss(this.loss), () => true)
  }

  /** Returns true if this is the journal's id, which proves that the caller may read the state. */
  isJournal(id: string): boolean {
    return this.#journal.id === id
  }

  /** Returns the newest value accepted for a key, durably or just now. */
  newest(key: string): string | undefined {
    return this.#newest.get(key)?.value ?? this.#tables.replay.get(key)
  }

  /** Yields the keys with this prefix that have a value, durably or just now. */
  *keys(prefix: string): Generator<string> {
    for (const key of new Set([...this.#tables.replay.keys(), ...this.#newest.keys()])) {
      if (key.startsWith(prefix)) yield key
    }
  }

  /**
   * Replaces the newest value of a key if `accepts` returns true for the present one. As with {@link used}, this is
   * decided before the call returns. A value that could not be made durable still counts until the next start.
   *
   * @throws StoreError (as a rejection) if there are {@link REPLAY_MAX} keys. None is dropped, as it could be replayed.
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

  /** Forgets a key whose client was removed from the config. */
  async forget(key: string): Promise<void> {
    if (this.newest(key) === undefined) return
    this.#newest.delete(key)
    await this.#journal.append({ kind: 'replay', key, value: undefined }, true)
  }

  /** Calls back once the disk is busy with the next records; see {@link Journal.whileSyncing}. */
  whileSyncing(work: () => void): () => void {
    return this.#journal.whileSyncing(work)
  }

  /** Waits until everything requested is durable, then closes the files. */
  async close(): Promise<void> {
    await this.#journal.close()
    this.#lock?.release()
  }

  #knows(id: string): boolean {
    return this.openings.has(id) || this.#opening.has(id)
  }
}

/** The functions and values that a store needs from its caller. */
export interface StoreTerms {
  /** Takes an exclusive lock without waiting: `flock(fd, LOCK_EX | LOCK_NB)`. */
  readonly lock: TryLock
  /** The id of this process, which the lock file shows to others. */
  readonly pid: number
}

/**
 * Opens the store in a journal file, in a folder of its own. A missing file is created. `faults` must be logged
 * prominently.
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

/** Works like {@link openStore} on any disk. The caller has made the folder and taken the lock. */
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
