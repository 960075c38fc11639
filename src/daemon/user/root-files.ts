import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  openSync,
} from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import type { Account } from '../../file/account.ts'
import { judgeFolder } from '../../file/policy.ts'
import { walk } from '../../file/way.ts'
import { LOG_FILE_MODE } from '../../log/file.ts'
import { UnsafeFolderError } from '../../state/folder.ts'

// Root may have few capabilities, as in a unit: it changes modes of its own files, and enters its own folders.

/** The set-group-ID bit: new files of a folder get the folder's group (chmod(1)). */
const SET_GROUP = 0o2000

/** Makes a folder of root's if it is missing, and checks that nobody else can change it. @throws UnsafeFolderError */
export function requireRootFolder(path: string, mode: number): void {
  mkdirSync(path, { recursive: true, mode })
  const { real, stat, faults } = walk(path)
  // In a folder with the sticky bit, too, others could make what root gives away.
  const fault = faults[0] ?? judgeFolder(real, { uid: stat.uid, gid: stat.gid, mode: stat.mode & 0o777 })
  if (fault !== undefined) throw new UnsafeFolderError(path, fault.message, fault.cure)
  if (!stat.isDirectory()) throw new UnsafeFolderError(path, 'is not a folder', 'move it away')
}

/** Gives new files in the folder of sockets to a group, so that it can read records of a base ruleset. */
export function shareRunFolder(path: string, gid: number): void {
  requireRootFolder(path, 0o755)
  if (lstatSync(path).gid !== 0) return
  chmodSync(path, SET_GROUP | 0o755)
  chownSync(path, 0, gid)
}

/**
 * Makes a folder in a folder of root's, or takes it from the user that has it. Until it is given away, only root can change
 * what is in it. @throws Error if it is no folder
 */
export function takeFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 })
  // Only root can put something else there, so it stays a folder.
  if (!lstatSync(path).isDirectory()) throw new UnsafeFolderError(path, 'is not a folder', 'move it away')
  lchownSync(path, 0, 0)
  chmodSync(path, 0o700)
}

/** Gives a folder of {@link takeFolder} away. */
export function giveFolder(path: string, mode: number, { uid, gid }: Pick<Account, 'uid' | 'gid'>): void {
  chmodSync(path, mode)
  lchownSync(path, uid, gid)
}

/**
 * Shares a file of root's in a folder of root's with a group. A link is not followed. A missing file is made empty, or left
 * out.
 *
 * @throws the system's error
 */
export function shareFile(
  path: string,
  { gid, mode, isMade }: { readonly gid: number; readonly mode: number; readonly isMade: boolean },
): void {
  const flags = (isMade ? constants.O_RDWR | constants.O_CREAT : constants.O_RDONLY) | constants.O_NOFOLLOW
  let fd: number
  try {
    fd = openSync(path, flags | constants.O_NONBLOCK, 0o600)
  } catch (error) {
    if (!isMade && (error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  try {
    const stat = fstatSync(fd)
    if (!stat.isFile() || stat.uid !== 0) return
    fchownSync(fd, 0, gid)
    fchmodSync(fd, mode)
  } finally {
    closeSync(fd)
  }
}

/** Returns the path of a log without links, if only root can write its folder; otherwise `undefined`. */
function ownLog(path: string): string | undefined {
  const folder = walk(dirname(resolve(path)))
  if ((folder.faults[0] ?? judgeFolder(folder.real, folder.stat)) !== undefined) return undefined
  return join(folder.real, basename(path))
}

/**
 * Gives a log file to a user, and makes it if it is missing. In a folder that others than root can write, the user makes
 * it: a link there would lead root elsewhere. Never throws, as opening the log has words for what is wrong.
 */
export function giveLog(path: string, format: keyof typeof LOG_FILE_MODE, { uid, gid }: Account): void {
  try {
    const file = ownLog(path)
    if (file === undefined) return
    if (lstatSync(file, { throwIfNoEntry: false }) === undefined) closeSync(openSync(file, 'wx', LOG_FILE_MODE[format]))
    const stat = lstatSync(file)
    if (!stat.isFile() || stat.nlink !== 1 || stat.uid === uid) return
    lchownSync(file, uid, stat.gid === 0 ? gid : stat.gid)
  } catch {
    // The daemon opens it, and says why it cannot.
  }
}

/** Takes a log file back from a user, as {@link giveLog} gave it. Never throws. */
export function takeLog(path: string, uid: number): void {
  try {
    const file = ownLog(path)
    if (file === undefined) return
    const stat = lstatSync(file)
    if (stat.isFile() && stat.nlink === 1 && stat.uid === uid) lchownSync(file, 0, stat.gid)
  } catch {
    // There is no such file.
  }
}
