import { existsSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { RUN_FOLDER } from '../../../control/socket.ts'
import { REMOVE_BASE } from '../../../firewall/base/ruleset.ts'
import { TABLE } from '../../../firewall/guard/element.ts'
import { REMOVE_GUARD } from '../../../firewall/guard/ruleset.ts'
import { tryLock } from '../../../native/libc.ts'
import { LockedError, takeLock } from '../../../state/lock.ts'
import type { Lock } from '../../../state/lock.ts'
import { USABLE, WARNED } from '../../check.ts'
import type { Output } from '../../check.ts'
import { Firewall } from './firewall.ts'
import { TrialFile } from './trial.ts'

/** Folders in which a file of ours may be loaded from when the machine starts, and its name. */
const PERSISTED_NAME = 'postern-base.nft'
const FOLDER = '/etc'

/**
 * `postern firewall remove`: takes away the base ruleset, what loads it when the machine starts, and the guard that a
 * daemon left, unless one runs. Gives the exit code.
 */
export function remove(output: Output): number {
  const file = new TrialFile()
  const lock = file.lock()
  const firewall = new Firewall()
  try {
    firewall.run(REMOVE_BASE)
    file.remove()
    const persisted = persistedFiles()
    // Whatever includes it goes on finding it: a file that is not there would keep all rules from being loaded.
    for (const path of persisted) {
      if (isNamed(path))
        output.err(
          `postern: ${path} is still loaded when the machine starts\n  take the line that names it out of what includes it, then remove it\n`,
        )
      else {
        rmSync(path)
        output.out(`removed: ${path}\n`)
      }
    }
    return removeGuard(firewall, output) && !persisted.some((path) => existsSync(path)) ? USABLE : WARNED
  } finally {
    firewall.close()
    lock.release()
  }
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

/** Files of ours that are loaded when the machine starts. */
export function persistedFiles(root = FOLDER): readonly string[] {
  const folders = [root, join(root, 'nftables.d'), join(root, 'sysconfig/nftables')]
  return folders
    .filter((folder) => existsSync(folder) && readdirSync(folder).includes(PERSISTED_NAME))
    .map((folder) => join(folder, PERSISTED_NAME))
}

/** Whether a file of the machine names it, rather than all files of its folder. */
function isNamed(path: string): boolean {
  return ['/etc/nftables.conf', '/etc/sysconfig/nftables.conf', '/etc/nftables.nft'].some(
    (main) =>
      existsSync(main) &&
      readFileSync(main, 'utf8')
        .split('\n')
        .some((line) => line.trim() === `include "${path}"`),
  )
}
