import { mkdir, open, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Failure } from '../../cli/fault.ts'
import { cannot } from '../../file/file-error.ts'

/** The mode of a file that only its owner can read and write. */
const FILE_MODE = 0o600
const FOLDER_MODE = 0o700

/** Creates a folder for secrets, unless it exists. @throws Failure */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: FOLDER_MODE })
  } catch (error) {
    throw keyFileError('the folder ', path, error)
  }
}

/**
 * Creates a file that only its owner can read, and returns once it is on disk. An existing file or symbolic link is
 * never overwritten. @throws Failure
 */
export async function createKeyFile(path: string, text: string): Promise<void> {
  try {
    const file = await open(path, 'wx', FILE_MODE)
    try {
      await file.writeFile(text)
      await file.sync()
    } catch (error) {
      await rm(path)
      throw error
    } finally {
      await file.close()
    }
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
