import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  rmSync,
  rmdirSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Account } from '../../file/account.ts'
import { asUser } from '../../file/as-user.ts'
import { readOpened } from '../../file/private-file.ts'
import { tryLock } from '../../native/libc.ts'
import { ONE_TIME_FILE_MAX_BYTES } from '../../secret/one-time-list.ts'
import { realDisk } from '../../state/disk.ts'
import { JOURNAL_MAX_BYTES } from '../../state/journal.ts'
import { LockedError } from '../../state/lock.ts'
import type { Opening } from '../../state/opening.ts'
import { openStoreOn } from '../../state/store.ts'
import { countersPath, listFolder, marksPath, usersJournal } from '../state-path.ts'
import { giveAll, moveOver } from './hand-over.ts'
import { takeFolder, takeLog } from './root-files.ts'

/** Most lists that are taken back. */
const ENTRIES_MAX = 4_096
const PLAIN = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

type User = Pick<Account, 'uid' | 'gid'>

/**
 * Takes the state of a daemon that ran as a user back to root, or for another user. What the user wrote is read with that
 * user's rights, so that no link leads root elsewhere, and nothing of it runs as root: the stop commands of its openings
 * run as that user, whatever the journal says. If it is interrupted, the next start does it again.
 *
 * @param journal the journal that the daemon has as root
 * @param socket the control socket that the daemon has as a user, which may be left
 * @param log the log file, which becomes root's again
 * @param next the user that the daemon is to run as; `undefined`: root
 * @returns what was wrong with the journal, for the log
 * @throws LockedError if the daemon still runs, or the system's error
 */
export async function takeBack(
  journal: string,
  socket: string,
  log: string | undefined,
  next: number | undefined,
): Promise<readonly string[]> {
  const from = usersJournal(journal)
  const own = dirname(from)
  // Root without all capabilities cannot look into the folder. One that is root's is what an interrupted start left.
  const stat = lstatSync(own, { throwIfNoEntry: false })
  if (stat === undefined || stat.uid === 0 || stat.uid === next) return []
  const user = { uid: stat.uid, gid: stat.gid }
  asUser(user, () => requireFree(`${from}.lock`))
  const passing = journal.replace(/\.journal$/, '.taken')
  rmSync(passing, { recursive: true, force: true })
  const lists = listFolder(from)
  // Another name could be that of another daemon's journal, whose commands root runs.
  copyFiles(
    own,
    passing,
    user,
    JOURNAL_MAX_BYTES,
    [from, `${from}.mark`, marksPath(from), countersPath(from)].map((path) => basename(path)),
  )
  copyFiles(lists, join(passing, basename(lists)), user, ONE_TIME_FILE_MAX_BYTES)
  const faults = await runAsUser(join(passing, basename(journal)), user)
  const last = basename(journal)
  for (const name of readdirSync(passing).toSorted((one, other) => Number(one === last) - Number(other === last))) {
    giveAll(join(passing, name), { uid: 0, gid: 0 })
    moveOver(join(passing, name), join(dirname(journal), name))
  }
  await realDisk.syncFolder(dirname(journal))
  rmSync(passing, { recursive: true, force: true })
  removeFolder(own, lists, basename(from))
  if (next === undefined) closeFolder(dirname(journal))
  removeSocket(socket)
  if (log !== undefined) takeLog(log, user.uid)
  return faults
}

/** @throws LockedError if a daemon has the lock. Nothing is written to the file, as it is the user's. */
function requireFree(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return
  const fd = openSync(path, PLAIN)
  try {
    if (!tryLock(fd)) throw new LockedError(path, undefined)
  } finally {
    closeSync(fd)
  }
}

function removeSocket(socket: string): void {
  const folder = dirname(socket)
  if (lstatSync(folder, { throwIfNoEntry: false }) === undefined) return
  takeFolder(folder)
  removeFiles(folder, readdirSync(folder))
}

/** Takes the way through root's folder from a group, unless another daemon as a user has its folder there. */
function closeFolder(folder: string): void {
  const isUsers = (name: string): boolean => lstatSync(join(folder, name)).uid !== 0
  const { gid } = lstatSync(folder)
  if (gid === 0 || readdirSync(folder).some(isUsers)) return
  chownSync(folder, 0, 0)
  chmodSync(folder, 0o700)
}

/**
 * Copies plain files of a user's folder to a new one of root's, one by one, as together they may be larger than the memory.
 *
 * @param only the names; absent: all
 */
function copyFiles(folder: string, to: string, user: User, maxBytes: number, only?: readonly string[]): void {
  const names = asUser(user, () => {
    if (lstatSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) return undefined
    return only ?? readdirSync(folder).slice(0, ENTRIES_MAX)
  })
  if (names === undefined) return
  takeFolder(to)
  for (const name of names) {
    const bytes = asUser(user, () => readPlain(join(folder, name), maxBytes))
    if (bytes !== undefined) writeFileSync(join(to, name), bytes, { mode: 0o600, flag: 'wx', flush: true })
  }
}

/** Reads a plain file; `undefined`: it is something else, or cannot be read. The user must not keep root from starting. */
function readPlain(path: string, maxBytes: number): Buffer | undefined {
  let fd = -1
  try {
    if (!lstatSync(path).isFile()) return undefined
    fd = openSync(path, PLAIN)
    return fstatSync(fd).isFile() ? readOpened(fd, path, maxBytes) : undefined
  } catch {
    return undefined
  } finally {
    if (fd >= 0) closeSync(fd)
  }
}

/**
 * Has the stop commands of all openings in a journal run as a user. A journal that cannot be used is left out, so that it
 * counts as lost.
 *
 * @returns the faults of the journal
 */
async function runAsUser(journal: string, { uid, gid }: User): Promise<readonly string[]> {
  const opened = await openStoreOn(realDisk, journal).catch((error: unknown) => (error as Error).message)
  if (typeof opened === 'string') {
    rmSync(journal, { force: true })
    return [opened]
  }
  const { store, faults } = opened
  try {
    const closing = [...store.openings.values()].filter(({ stop }) => stop !== undefined)
    for (const opening of closing) {
      await store.closed(opening.id)
      await store.opened({ ...opening, as: `${uid}:${gid}`, environment: ownVariables(opening.environment) })
    }
  } finally {
    await store.close()
  }
  return faults.map(({ message }) => message)
}

/** Returns the variables that doors set. By others, the linker of the program that changes users would obey the user. */
function ownVariables(environment: Opening['environment']): Opening['environment'] {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => name.startsWith('POSTERN_')))
}

/** Takes the user's folder and removes its files, the journal last. Anything else that the user put there stays. */
function removeFolder(own: string, lists: string, journal: string): void {
  takeFolder(own)
  if (lstatSync(lists, { throwIfNoEntry: false })?.isDirectory() === true) {
    takeFolder(lists)
    removeFiles(lists, readdirSync(lists))
  }
  removeFiles(own, [...readdirSync(own).filter((name) => name !== journal), journal])
}

function removeFiles(folder: string, names: readonly string[]): void {
  for (const name of names) if (!lstatSync(join(folder, name)).isDirectory()) unlinkSync(join(folder, name))
  try {
    rmdirSync(folder)
  } catch {
    // A folder of the user's is left in it.
  }
}
