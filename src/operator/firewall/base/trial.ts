import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { uptime } from 'node:os'
import { join } from 'node:path'
import { RUN_FOLDER } from '../../../control/socket.ts'
import { tryLock } from '../../../native/libc.ts'
import { takeLock } from '../../../state/lock.ts'
import type { Lock } from '../../../state/lock.ts'

/** Root only: the rules tell who is let in. */
const FILE_MODE = 0o600
const FOLDER_MODE = 0o755

/** What is known of a base ruleset that was put in force on this host. */
export interface Trial {
  readonly id: string
  /** `trial`: it is taken back at the deadline. `kept`: it was confirmed. */
  readonly phase: 'trial' | 'kept'
  /** When it was put in force, milliseconds since 1970. */
  readonly since: number
  /** When it is taken back, milliseconds since the machine was started. */
  readonly deadline: number
  /** The table as it was before; `undefined`: there was none. */
  readonly before: string | undefined
  /** What confirming puts in its place. */
  readonly after: string
  /** The guard with nothing open, for a host without one. */
  readonly guard: string
  /** Where it is to be written to be loaded when the machine starts: its text; `undefined`: nowhere. */
  readonly persist: string | undefined
  readonly replace: boolean
  /** Whether it was applied over ssh, and the TCP connections that there were then. */
  readonly remote: boolean
  readonly connections: readonly string[]
}

/** Milliseconds since the machine was started, time asleep included. */
export function sinceBoot(): number {
  return uptime() * 1000
}

/** Where a host keeps what it knows: network namespaces are hosts of their own. */
export class TrialFile {
  readonly #path: string

  constructor() {
    mkdirSync(RUN_FOLDER, { recursive: true, mode: FOLDER_MODE })
    this.#path = join(RUN_FOLDER, `firewall-${statSync('/proc/self/ns/net').ino}.json`)
  }

  /** What is there; `undefined`: nothing, or nothing of use. */
  read(): Trial | undefined {
    try {
      return JSON.parse(readFileSync(this.#path, 'utf8')) as Trial
    } catch {
      return undefined
    }
  }

  /** Puts something else in its place, in one step. */
  write(trial: Trial): void {
    const fresh = `${this.#path}.new`
    rmSync(fresh, { force: true })
    writeFileSync(fresh, JSON.stringify(trial), { mode: FILE_MODE, flag: 'wx' })
    renameSync(fresh, this.#path)
  }

  remove(): void {
    rmSync(this.#path, { force: true })
  }

  /** Nobody else changes anything while this is held. @throws LockedError */
  lock(): Lock {
    return takeLock(`${this.#path}.lock`, tryLock, process.pid)
  }
}
