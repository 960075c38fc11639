import { mkdir, open, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { cannot } from '../../file/file-error.ts'

/** Only its owner can read and write it. */
const FILE_MODE = 0o600
const FOLDER_MODE = 0o700

/** A file that could not be made: the message is for the user, with its hint on a line of its own. */
export class KeyFileError extends Error {}

/** Makes a folder for secrets, where it is not there yet. @throws KeyFileError */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: FOLDER_MODE })
  } catch (error) {
    throw keyFileError('the folder ', path, error)
  }
}

/**
 * Writes a text to a file that was not there, readable for its owner alone, and returns once it is on disk. What is there,
 * a symbolic link too, is left as it is. @throws KeyFileError
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
    // Its name is on disk only with the folder (fsync(2)).
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

function keyFileError(what: string, path: string, error: unknown): KeyFileError {
  return new KeyFileError(cannot(`create ${what}${path}`, error, HINTS).message, { cause: error })
}

/** What to do about it, by the system's code. */
const HINTS: Readonly<Record<string, string>> = {
  EEXIST: 'an existing file is never overwritten: move it away, or name another: --file FILE',
  ENOENT: 'make its folder first, or name another file: --file FILE',
  EACCES: 'run this as root, or name another file: --file FILE',
}
