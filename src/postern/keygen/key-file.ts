import { chmod, chown, mkdir, open, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Failure } from '../../cli/fault.ts'
import { cannot } from '../../file/file-error.ts'
import { HERE } from '../../file/platform.ts'
import { giveTo } from '../../file/owner.ts'
import type { FileOwner } from '../../file/owner.ts'

/** The mode of a file that only its owner can read and write. */
const FILE_MODE = 0o600
const FOLDER_MODE = 0o700
/** The mode of a folder that the daemon's group may enter. */
const SHARED_FOLDER_MODE = 0o750

/**
 * Creates a folder for secrets, unless it exists.
 *
 * @param owner of the files in it, whose group may enter it; `undefined`: its maker alone
 * @throws Failure
 */
export async function makeFolder(path: string, owner?: FileOwner): Promise<void> {
  try {
    const first = await mkdir(path, { recursive: true, mode: FOLDER_MODE })
    if (first === undefined || owner === undefined) return
    for (let made = path; made.length >= first.length; made = dirname(made)) {
      await chown(made, owner.uid, owner.gid)
      await chmod(made, SHARED_FOLDER_MODE)
    }
  } catch (error) {
    throw keyFileError('the folder ', path, error)
  }
}

/**
 * Creates a file that only its owner can read, or the daemon too, and returns once it is on disk. An existing file or
 * symbolic link is never overwritten. @throws Failure
 */
export async function createKeyFile(path: string, text: string, owner?: FileOwner): Promise<void> {
  try {
    const file = await open(path, 'wx', FILE_MODE)
    try {
      if (owner !== undefined) giveTo(file.fd, owner)
      await file.writeFile(text)
      await file.sync()
    } catch (error) {
      await rm(path)
      throw error
    } finally {
      await file.close()
    }
    // Windows syncs no folders.
    if (HERE.os === 'win32') return
    // The file's name is on disk only once the folder is (fsync(2)).
    const folder = await open(dirname(path), 'r')
    try {
      await folder.sync()
    } finally {
      await folder.close()
    }
  } catch (error) {
    throw keyFileError('', path, error)
  }
}

function keyFileError(what: string, path: string, error: unknown): Failure {
  return new Failure(cannot(`create ${what}${path}`, error, HINTS).message, undefined, error)
}

/** The hints for the user, by the system's error code. */
const HINTS: Readonly<Record<string, string>> = {
  EEXIST: 'an existing file is never overwritten: move it away, or name another: --file FILE',
  ENOENT: 'make its folder first, or name another file: --file FILE',
  EACCES: 'run this as root, or name another file: --file FILE',
}
