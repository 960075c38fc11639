import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { Failure } from '../../../cli/fault.ts'
import { cannot } from '../../../file/file-error.ts'
import { giveTo } from '../../../file/owner.ts'
import type { FileOwner } from '../../../file/owner.ts'

const OWNER_ONLY = 0o600
const FOLDER_MODE = 0o755
const OWN_FOLDER_MODE = 0o700
/** The mode of a folder that the group of the daemon's user may enter. */
const SHARED_FOLDER_MODE = 0o750

/** Throws unless a folder can be made there. @throws Failure */
export function checkFree(folder: string): void {
  if (existsSync(folder)) {
    throw new Failure(
      `${folder} exists: this host is in a fleet already`,
      `to join anew, move it away: mv ${folder} ${folder}.old`,
    )
  }
  const parent = dirname(folder)
  try {
    mkdirSync(parent, { recursive: true, mode: FOLDER_MODE })
    const probe = openSync(`${folder}.new`, 'wx', OWNER_ONLY)
    closeSync(probe)
    rmSync(`${folder}.new`)
  } catch (error) {
    throw new Failure(
      cannot(`write to ${parent}`, error, { EACCES: 'run this as root', EEXIST: `remove ${folder}.new` }).message,
    )
  }
}

/**
 * Writes a folder with all files, or nothing: they are written to a folder beside it, which then gets the name.
 *
 * @param owner of the files; its group may enter the folder
 * @throws Failure
 */
export function writeFolder(folder: string, files: Readonly<Record<string, string>>, owner: FileOwner): void {
  const fresh = `${folder}.new`
  try {
    mkdirSync(fresh, { mode: OWN_FOLDER_MODE })
    for (const [name, text] of Object.entries(files)) {
      const fd = openSync(join(fresh, name), 'wx', OWNER_ONLY)
      try {
        giveTo(fd, owner)
        writeFileSync(fd, text)
        fsyncSync(fd)
      } finally {
        closeSync(fd)
      }
    }
    chownSync(fresh, owner.uid, owner.gid)
    chmodSync(fresh, owner.mode === OWNER_ONLY ? OWN_FOLDER_MODE : SHARED_FOLDER_MODE)
    syncFolder(fresh)
    renameSync(fresh, folder)
    syncFolder(dirname(folder))
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true })
    throw new Failure(cannot(`write ${folder}`, error).message, undefined, error)
  }
}

/** The names in a folder are on disk once the folder is (fsync(2)). */
function syncFolder(path: string): void {
  const fd = openSync(path, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}
