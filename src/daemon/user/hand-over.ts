import { chmodSync, chownSync, lchownSync, lstatSync, readdirSync, renameSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Account } from '../../file/account.ts'
import { asUser } from '../../file/as-user.ts'
import { tryLock } from '../../native/libc.ts'
import { takeLock } from '../../state/lock.ts'
import { usersJournal } from '../state-path.ts'
import { giveFolder, requireRootFolder, takeFolder } from './root-files.ts'

/**
 * Gives the state of a daemon that ran as root to the user that it runs as from now on. Everything changes its owner where
 * only root can write, as a link in the user's own folder could lead root elsewhere. If it is interrupted, the next
 * start goes on.
 *
 * @param journal the journal that the daemon has as root
 * @throws LockedError if a daemon of root's uses the state, UnsafeFolderError, or the system's error
 */
export function handOver(journal: string, account: Account): void {
  const folder = dirname(journal)
  requireRootFolder(folder, 0o700)
  const own = dirname(usersJournal(journal))
  const names = stateNames(journal).filter((name) => name !== basename(own))
  const isThere = lstatSync(own, { throwIfNoEntry: false })?.uid === account.uid
  // A daemon of this user may run: its folder is left alone, and it is the lock there that tells.
  if (names.length > 0 || !isThere) {
    const lock = names.length === 0 ? undefined : takeLock(`${journal}.lock`, tryLock, process.pid)
    try {
      takeFolder(own)
      // An interrupted start moved these folders, and did not give them away yet.
      for (const name of readdirSync(own)) if (isRootsFolder(join(own, name))) giveAll(join(own, name), account, true)
      const last = `${basename(journal)}.lock`
      const moved = names.filter((name) => name !== last)
      // The lock comes last: as long as it is there, another start of root's waits for this one.
      if (lock !== undefined) moved.push(last)
      for (const name of moved) {
        const [from, to] = [join(folder, name), join(own, name)]
        const stat = lstatSync(from)
        // Without CAP_DAC_OVERRIDE, root moves only folders of its own. They are given away behind that.
        if (stat.isDirectory()) takeFolder(from)
        else giveAll(from, account)
        moveOver(from, to)
        if (stat.isDirectory()) giveAll(to, account, stat.uid !== 0)
      }
      giveFolder(own, 0o700, account)
    } finally {
      lock?.release()
    }
  }
  letEnter(folder, own, account)
}

/** Returns true for a folder that only root can use, such as {@link takeFolder} leaves. */
function isRootsFolder(path: string): boolean {
  const stat = lstatSync(path)
  return stat.isDirectory() && stat.uid === 0 && (stat.mode & 0o7777) === 0o700
}

/** Returns the names of a daemon's files and folders beside its journal. */
function stateNames(journal: string): readonly string[] {
  const prefix = basename(journal).replace(/journal$/, '')
  return readdirSync(dirname(journal)).filter((name) => name.startsWith(prefix))
}

/** Renames a file or folder, in folders of root's. A folder that has the name already is put aside. */
export function moveOver(from: string, to: string): void {
  if (lstatSync(to, { throwIfNoEntry: false })?.isDirectory() === true) renameSync(to, `${to}.before-${process.pid}`)
  renameSync(from, to)
}

/**
 * Gives a path, in a folder of root's, and everything below it to a user. Links are not followed. A folder is given away
 * last.
 *
 * @param wasUsers true if a user may have written there: a file with several names may be one of root's, and stays root's
 */
export function giveAll(path: string, account: Pick<Account, 'uid' | 'gid'>, wasUsers = false): void {
  const stat = lstatSync(path)
  if (stat.isDirectory()) {
    // Without CAP_DAC_OVERRIDE, root reads only folders of its own.
    takeFolder(path)
    for (const name of readdirSync(path)) giveAll(join(path, name), account, wasUsers || stat.uid !== 0)
  } else if (wasUsers && stat.nlink > 1) return
  lchownSync(path, account.uid, account.gid)
}

/** Lets the user pass root's folder, without a look into it. @throws Error if a folder on the way bars the user */
export function letEnter(folder: string, own: string, account: Account): void {
  const isLet = (): boolean => {
    try {
      asUser(account, () => statSync(own))
      return true
    } catch {
      return false
    }
  }
  if (isLet()) return
  const { gid, mode } = statSync(folder)
  // The group of a folder that others share is not changed. What is made in the folder gets its group.
  chmodSync(folder, (mode & 0o7777) | (gid === 0 ? 0o2010 : 0o001))
  if (gid === 0) chownSync(folder, 0, account.gid)
  if (isLet()) return
  throw new Error(`user ${account.name} cannot enter ${folder}\n  name a folder that everybody can enter: StateDir`)
}
