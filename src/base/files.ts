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
/** Longest that a command waits for another one, and how often it looks, in milliseconds. */
const LOCK_WAIT_MS = 5_000
const LOCK_LOOK_MS = 50

/** What this host knows of its base ruleset, and the lock under which that and the table are changed. */
export class BaseFiles {
  readonly trial: TrialFile
  readonly confirmed: ConfirmedFile
  /** Whether these files are certainly this host's: see {@link basePlaces}. */
  readonly certain: boolean

  constructor(places: BasePlaces = basePlaces()) {
    this.trial = new TrialFile(places.trial)
    this.confirmed = new ConfirmedFile(places.confirmed)
    this.certain = places.certain
  }

  /** Whether anything is recorded, readable or not. */
  get exist(): boolean {
    return [this.trial.path, this.confirmed.path].some((path) => existsSync(path))
  }

  /** Nobody else changes anything while this is held. @throws LockedError, or the system's error */
  lock(): Lock {
    mkdirSync(dirname(this.trial.path), { recursive: true, mode: FOLDER_MODE })
    return takeLock(`${this.trial.path}.lock`, tryLock, process.pid)
  }

  /** The same, for a command: what others do under the lock takes moments. @throws Error if it takes longer */
  async lockSoon(): Promise<Lock> {
    const until = performance.now() + LOCK_WAIT_MS
    for (;;) {
      try {
        return this.lock()
      } catch (error) {
        if (!(error instanceof LockedError)) throw error
        if (performance.now() > until) {
          throw new Error(
            `process ${error.holder ?? 'unknown'} is changing the base ruleset\n  try again once it has ended`,
            {
              cause: error,
            },
          )
        }
      }
      await pause(LOCK_LOOK_MS)
    }
  }
}
