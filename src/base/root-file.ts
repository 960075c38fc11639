import {
  closeSync,
  constants,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { FileError } from '../file/file-error.ts'
import { CLASSIC, judgeFolder } from '../file/policy.ts'
import { readPrivateText } from '../file/private-file.ts'
import { isPrivateGroup } from '../file/private-group.ts'

/** Only root may read and write: the rules show who is let in, and root loads the content. */
const FILE_MODE = 0o600
/** Largest file that is read, in bytes. */
const FILE_MAX_BYTES = 1_048_576

/** Others than root could have changed the file or its folder. */
export class UntrustedFileError extends Error {
  constructor(path: string, fault: string, hint: string | undefined) {
    super(`${path} is not used: ${fault}${hint === undefined ? '' : `\n  ${hint}`}`)
    this.name = 'UntrustedFileError'
  }
}

/**
 * Reads a file that belongs to root; `undefined`: there is no file.
 *
 * @throws UntrustedFileError if it cannot be read, or others could have changed it
 */
export function readRootFile(path: string): string | undefined {
  try {
    return readPrivateText(path, FILE_MAX_BYTES, CLASSIC)
  } catch (error) {
    if (!(error instanceof FileError)) throw error
    if (error.reason === 'missing') return undefined
    throw new UntrustedFileError(path, error.fault, error.hint)
  }
}

/**
 * Replaces a file atomically: a power cut leaves the old text or the new one. Once this returns, the new text survives
 * a power cut. A missing folder is created with `folderMode`.
 *
 * @throws UntrustedFileError if others can write the folder, or the system's error (say, a full disk); the file is then
 *   unchanged
 */
export function writeRootFile(path: string, text: string, folderMode: number): void {
  const fresh = `${path}.new`
  mkdirSync(dirname(path), { recursive: true, mode: folderMode })
  const fault = judgeFolder(dirname(path), statSync(dirname(path)), isPrivateGroup)
  if (fault !== undefined) throw new UntrustedFileError(path, fault.message, fault.cure)
  rmSync(fresh, { force: true })
  try {
    writeFileSync(fresh, text, { mode: FILE_MODE, flag: 'wx', flush: true })
    renameSync(fresh, path)
  } catch (error) {
    rmSync(fresh, { force: true })
    throw error
  }
  syncFolder(dirname(path))
}

/** Removes a file durably. A missing file is not an error. @throws the system's error */
export function removeRootFile(path: string): void {
  rmSync(path, { force: true })
  try {
    syncFolder(dirname(path))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

function syncFolder(path: string): void {
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}
