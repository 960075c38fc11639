import { BaseFiles } from '../../../base/files.ts'
import { Firewall } from '../../../base/firewall.ts'
import { DONE, FAILED } from '../../../cli/exit-code.ts'
import type { Output } from '../../../cli/output.ts'
import { guardLockPath } from '../../../daemon/guard-lock.ts'
import { BASE_TABLE, REMOVE_BASE } from '../../../firewall/base/ruleset.ts'
import { TABLE } from '../../../firewall/guard/element.ts'
import { REMOVE_GUARD } from '../../../firewall/guard/ruleset.ts'
import { tryLock } from '../../../native/libc.ts'
import { LockedError, takeLock } from '../../../state/lock.ts'
import type { Lock } from '../../../state/lock.ts'
import { includes, persistedFiles, unpersist } from '../unpersist.ts'
import type { RemoveArguments } from './arguments.ts'

/**
 * Runs `postern firewall remove`: removes the base ruleset and what loads it at boot. It removes the guard as well,
 * unless a daemon is running or `--keep-guard` is given. If a step fails, the others are still done.
 */
export async function remove(asked: RemoveArguments, output: Output): Promise<number> {
  const files = new BaseFiles()
  const lock = await files.lockSoon()
  const firewall = new Firewall()
  try {
    if (!files.exist && !(await isLoaded(firewall))) {
      output.out('there is no base ruleset and no guard on this machine: nothing to remove\n')
      return DONE
    }
    // The record is removed first: a daemon would load the ruleset again.
    const forgotten = tried(output, 'is still recorded, and loaded again by knockd', () => files.confirmed.remove())
    firewall.run(REMOVE_BASE)
    files.trial.remove()
    const unloaded = await unpersist(output)
    const guardGone = asked['keep-guard'] ? keptGuard(output) : removeGuard(firewall, output)
    return guardGone && unloaded && forgotten ? DONE : FAILED
  } finally {
    firewall.close()
    lock.release()
  }
}

/** Returns true if the base ruleset or the guard is loaded, or the base ruleset is loaded at boot. */
async function isLoaded(firewall: Firewall): Promise<boolean> {
  const loaded = [BASE_TABLE, TABLE].some((table) => firewall.list(table) !== undefined)
  return loaded || persistedFiles().length > 0 || (await includes()).length > 0
}

function tried(output: Output, left: string, step: () => void): boolean {
  try {
    step()
    return true
  } catch (error) {
    output.err(`postern: the base ruleset ${left}: ${(error as Error).message}\n  fix that, and run this again\n`)
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
    guard = takeLock(guardLockPath(), tryLock, process.pid)
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
