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

/**
 * Only root may write, as root loads the content. The rules show who is let in: only root's group may read them, or that of
 * the daemon's `User`, which the folder's set-group-ID bit gives them.
 */
const FILE_MODE = 0o640
/** Largest file that is read, in bytes. */
const FILE_MAX_BYTES = 1_048_576

/** Others than root could have changed the file or its folder. */
export class UntrustedFileError extends Error {
  constructor(path: string, fault: string, hint: string | undefined) {
    super(`${path} is not used: ${fault}${hint === undefined ? '' : `\n  ${hint}`}`)
    this.name = 'UntrustedFileError'
  }
}

/** A file of root's with one record, in JSON. */
export class RecordFile<Record> {
  readonly path: string
  readonly #folderMode: number

  /** @param folderMode the mode of the file's folder, if that has to be created */
  constructor(path: string, folderMode: number) {
    this.path = path
    this.#folderMode = folderMode
  }

  /**
   * Reads the file's text; `undefined`: there is no file.
   *
   * @throws UntrustedFileError if it cannot be read, or others could have changed it
   */
  protected text(): string | undefined {
    try {
      return readPrivateText(this.path, FILE_MAX_BYTES, CLASSIC)
    } catch (error) {
      if (!(error instanceof FileError)) throw error
      if (error.reason === 'missing') return undefined
      throw new UntrustedFileError(this.path, error.fault, error.hint)
    }
  }

  /**
   * Replaces the record atomically: a power cut leaves the old one or the new one. Once this returns, the new one
   * survives a power cut.
   *
   * @throws UntrustedFileError if others can write the folder, or the system's error (say, a full disk); the file is then
   *   unchanged
   */
  write(record: Record): void {
    const fresh = `${this.path}.new`
    const folder = dirname(this.path)
    mkdirSync(folder, { recursive: true, mode: this.#folderMode })
    const fault = judgeFolder(folder, statSync(folder))
    if (fault !== undefined) throw new UntrustedFileError(this.path, fault.message, fault.cure)
    rmSync(fresh, { force: true })
    try {
      writeFileSync(fresh, JSON.stringify(record), { mode: FILE_MODE, flag: 'wx', flush: true })
      renameSync(fresh, this.path)
    } catch (error) {
      rmSync(fresh, { force: true })
      throw error
    }
    syncFolder(folder)
  }

  /** Removes the file durably. A missing file is not an error. @throws the system's error */
  remove(): void {
    rmSync(this.path, { force: true })
    try {
      syncFolder(dirname(this.path))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }
}

/** Returns once the names in a folder are on disk (fsync(2)). */
export function syncFolder(path: string): void {
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}
