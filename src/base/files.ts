import { existsSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { tryLock } from '../native/libc.ts'
import { LockedError, takeLock } from '../state/lock.ts'
import type { Lock } from '../state/lock.ts'
import { ConfirmedFile } from './confirmed.ts'
import { basePlaces } from './places.ts'
import type { BasePlaces } from './places.ts'
import { TrialFile } from './trial.ts'

const FOLDER_MODE = 0o755
/** Longest wait for another command, and the time between two tries, in milliseconds. */
const LOCK_WAIT_MS = 5_000
const LOCK_LOOK_MS = 50

/** The records of this host's base ruleset, and the lock for changing them and the table. */
export class BaseFiles {
  readonly trial: TrialFile
  readonly confirmed: ConfirmedFile
  /** True if these files certainly belong to this host: see {@link basePlaces}. */
  readonly certain: boolean

  constructor(places: BasePlaces = basePlaces()) {
    this.trial = new TrialFile(places.trial)
    this.confirmed = new ConfirmedFile(places.confirmed)
    this.certain = places.certain
  }

  /** True if a record exists, readable or not. */
  get exist(): boolean {
    return [this.trial.path, this.confirmed.path].some((path) => existsSync(path))
  }

  /** Takes the lock, so that nobody else makes changes. @throws LockedError, or the system's error */
  lock(): Lock {
    mkdirSync(dirname(this.trial.path), { recursive: true, mode: FOLDER_MODE })
    return takeLock(`${this.trial.path}.lock`, tryLock, process.pid)
  }

  /** Takes the lock for a command, and waits a moment for another one. @throws Error if that takes too long */
  async lockSoon(): Promise<Lock> {
    return await lockSoon(() => this.lock(), 'the base ruleset')
  }

  /**
   * Returns true if a trial that is over was confirmed. The process that confirms it also writes what the next start of this
   * machine loads, so this waits a moment for its end.
   */
  async wasConfirmed(id: string): Promise<boolean> {
    const lock = await this.lockSoon().catch(() => undefined)
    lock?.release()
    return this.confirmed.readIfUsable()?.id === id
  }
}

/** Takes a lock, and waits a moment for another process. @throws Error if that takes too long */
export async function lockSoon(lock: () => Lock, what: string): Promise<Lock> {
  const until = performance.now() + LOCK_WAIT_MS
  for (;;) {
    try {
      return lock()
    } catch (error) {
      if (!(error instanceof LockedError)) throw error
      if (performance.now() > until) {
        const who = `process ${error.holder ?? 'unknown'}`
        throw new Error(`${who} is changing ${what}\n  try again once it has ended`, { cause: error })
      }
    }
    await pause(LOCK_LOOK_MS)
  }
}
