import { mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { RUN_FOLDER } from '../control/socket.ts'
import { tryLock } from '../native/libc.ts'
import { LockedError, takeLock } from '../state/lock.ts'
import type { Lock } from '../state/lock.ts'

/** The network namespace of this process. Each namespace has its own rules, like a separate host. */
const NETWORK_NAMESPACE = '/proc/self/ns/net'

/** Returns the path of the lock on the host's guard. */
export function guardLockPath(): string {
  return join(RUN_FOLDER, `guard-${statSync(NETWORK_NAMESPACE).ino}.lock`)
}

/**
 * Locks the host's guard, because two daemons with a guard would keep removing each other's table.
 *
 * @throws Error if another daemon has the lock, or the system's error
 */
export function lockGuard(): Lock {
  mkdirSync(RUN_FOLDER, { recursive: true, mode: 0o755 })
  try {
    return takeLock(guardLockPath(), tryLock, process.pid)
  } catch (error) {
    if (!(error instanceof LockedError)) throw error
    const { holder } = error
    const who = holder === undefined ? 'another knockd' : `another knockd (process ${holder})`
    throw new Error(`${who} already guards the ports of this host\nput the guarded doors into one config`, {
      cause: error,
    })
  }
}
