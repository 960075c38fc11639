import { statSync } from 'node:fs'
import { join } from 'node:path'
import { BaseFiles } from '../../../base/files.ts'
import { Firewall } from '../../../base/firewall.ts'
import { RUN_FOLDER } from '../../../control/socket.ts'
import { REMOVE_BASE } from '../../../firewall/base/ruleset.ts'
import { TABLE } from '../../../firewall/guard/element.ts'
import { REMOVE_GUARD } from '../../../firewall/guard/ruleset.ts'
import { tryLock } from '../../../native/libc.ts'
import { LockedError, takeLock } from '../../../state/lock.ts'
import type { Lock } from '../../../state/lock.ts'
import { USABLE, WARNED } from '../../check.ts'
import type { Output } from '../../check.ts'
import { unpersist } from '../unpersist.ts'
import type { Asked } from './asked.ts'

/**
 * `postern firewall remove`: takes away the base ruleset, what loads it when the machine starts, and the guard that a
 * daemon left, unless one runs or it is to stay. What can be done is done, whatever fails. Gives the exit code.
 */
export async function remove({ keepGuard }: Asked, output: Output): Promise<number> {
  const files = new BaseFiles()
  const lock = await files.lockSoon()
  const firewall = new Firewall()
  try {
    // What is written down goes first: a daemon would put it back.
    const forgotten = tried(output, 'is still written down, and put back by knockd', () => files.confirmed.remove())
    firewall.run(REMOVE_BASE)
    files.trial.remove()
    const unloaded = await unpersist(output)
    const guardGone = keepGuard ? keptGuard(output) : removeGuard(firewall, output)
    return guardGone && unloaded && forgotten ? USABLE : WARNED
  } finally {
    firewall.close()
    lock.release()
  }
}

function tried(output: Output, left: string, step: () => void): boolean {
  try {
    step()
    return true
  } catch (error) {
    output.err(`postern: the base ruleset ${left}: ${(error as Error).message}\n  see to that, and run this again\n`)
    return false
  }
}

function keptGuard(output: Output): true {
  output.out('the base ruleset is removed\n')
  return true
}

function removeGuard(firewall: Firewall, output: Output): boolean {
  let guard: Lock
  try {
    guard = takeLock(join(RUN_FOLDER, `guard-${statSync('/proc/self/ns/net').ino}.lock`), tryLock, process.pid)
  } catch (error) {
    if (!(error instanceof LockedError)) throw error
    output.out('the base ruleset is removed\n')
    output.err(
      `postern: knockd, process ${error.holder ?? 'unknown'}, runs and keeps the guard in force\n  stop it, and run this again, to remove that too\n`,
    )
    return false
  }
  try {
    const there = firewall.list(TABLE) !== undefined
    firewall.run(REMOVE_GUARD)
    output.out(there ? 'the base ruleset and the guard are removed\n' : 'the base ruleset is removed\n')
    return true
  } finally {
    guard.release()
  }
}
