import { accessSync, constants as fs, lstatSync } from 'node:fs'
import { chmod, chown, link, mkdir, open, rm } from 'node:fs/promises'
import { constants as os } from 'node:os'
import { basename, dirname, join } from 'node:path'
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

/** Refuses the name of a file that exists, or that cannot be created, before anything is done. @throws Failure */
export function refuseTaken(path: string, hints: Hints = HINTS): void {
  try {
    accessSync(dirname(path), fs.W_OK | fs.X_OK)
    const isThere = lstatSync(path, { throwIfNoEntry: false }) !== undefined
    if (isThere) throw Object.assign(new Error('EEXIST'), { code: 'EEXIST', errno: -os.errno.EEXIST })
  } catch (error) {
    throw keyFileError('', path, error, hints)
  }
}

/**
 * Creates a file that only its owner can read, or the daemon too, and returns once it is on disk. It gets its name when
 * it is whole. An existing file or symbolic link is never overwritten. @throws Failure
 */
export async function createKeyFile(
  path: string,
  content: string | Uint8Array,
  owner?: FileOwner,
  hints: Hints = HINTS,
): Promise<void> {
  const fresh = join(dirname(path), `.${basename(path)}.${process.pid}.new`)
  try {
    // One that was left behind by a process of this number.
    await rm(fresh, { force: true })
    const file = await open(fresh, 'wx', FILE_MODE)
    try {
      if (owner !== undefined) giveTo(file.fd, owner)
      await file.writeFile(content)
      await file.sync()
      await link(fresh, path)
    } finally {
      await file.close()
      await rm(fresh, { force: true })
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
    throw keyFileError('', path, error, hints)
  }
}

function keyFileError(what: string, path: string, error: unknown, hints = HINTS): Failure {
  return new Failure(cannot(`create ${what}${path}`, error, hints).message, undefined, error)
}

/** The hints for the user, by the system's error code. */
type Hints = Readonly<Record<string, string>>
const HINTS: Hints = {
  EEXIST: 'an existing file is never overwritten: move it away, or name another: --file FILE',
  ENOENT: 'make its folder first, or name another file: --file FILE',
  EACCES: 'run this as root, or name another file: --file FILE',
}
