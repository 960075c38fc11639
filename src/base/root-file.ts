import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { REMEDIES } from '../remedy/remedies.ts'

/** Only root may read and write: the rules show who is let in, and root loads the content. */
const FILE_MODE = 0o600
/** Largest file that is read, in bytes. */
const FILE_MAX_BYTES = 1_048_576
/** Permission bits that let group or others write. */
const OTHERS_WRITE = 0o022

/** Others than root could have changed the file or its folder. */
export class UntrustedFileError extends Error {
  constructor(path: string, fault: string, cure: string) {
    super(`${path} is not used: ${fault}\n  ${cure}`)
    this.name = 'UntrustedFileError'
  }
}

/**
 * Reads a file that belongs to root; `undefined`: there is no file.
 *
 * @throws UntrustedFileError if others could have changed it, or the system's error
 */
export function readRootFile(path: string): string | undefined {
  let fd: number
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  try {
    const stat = fstatSync(fd)
    if (!stat.isFile()) throw new UntrustedFileError(path, 'not a file', `remove it`)
    if (stat.size > FILE_MAX_BYTES) throw new UntrustedFileError(path, 'too large', `remove it`)
    checkOwner(path, stat)
    checkOwner(dirname(path), statSync(dirname(path)))
    return readFileSync(fd, 'utf8')
  } finally {
    closeSync(fd)
  }
}

function checkOwner(path: string, { uid, mode }: { readonly uid: number; readonly mode: number }): void {
  if (uid !== 0 && uid !== process.geteuid?.()) {
    throw new UntrustedFileError(path, 'it belongs to another user', `sudo ${REMEDIES.owner('root', path)}`)
  }
  if ((mode & OTHERS_WRITE) !== 0) {
    throw new UntrustedFileError(path, 'others can write it', `sudo ${REMEDIES.mode('go-w', path)}`)
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
  checkOwner(dirname(path), statSync(dirname(path)))
  rmSync(fresh, { force: true })
  try {
    const fd = openSync(
      fresh,
      constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
      FILE_MODE,
    )
    try {
      fchmodSync(fd, FILE_MODE)
      writeFileSync(fd, text)
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
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
