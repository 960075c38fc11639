import { constants } from 'node:fs'
import { link, open, rename } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'

/** Owner may read and write, nobody else: the journal holds commands that run as root. */
export const FILE_MODE = 0o600

/** A file open for writing. */
export interface DiskFile {
  /** Writes all of `bytes` at `position`, or rejects; after a rejection any part of them may be there. */
  write(bytes: Uint8Array, position: number): Promise<void>
  truncate(length: number): Promise<void>
  /** What was written before the call survives a power cut once this resolves; nothing is known if it rejects. */
  sync(): Promise<void>
  close(): Promise<void>
}

/**
 * What the journal needs of a file system. Every method rejects with the system's error (`code`: ENOSPC, EIO, …).
 * There are two: the real one here, and the one in memory that can cut its own power, for tests.
 */
export interface Disk {
  /** The whole file; `undefined` where there is none. Rejects with {@link FileTooLargeError} beyond `maxBytes`. */
  read(path: string, maxBytes: number): Promise<Uint8Array | undefined>
  /** An existing file, for writing. */
  open(path: string): Promise<DiskFile>
  /** A new, empty file in place of whatever has the name. */
  create(path: string): Promise<DiskFile>
  /** A second name for a file; rejects with EEXIST where the name is taken. */
  link(path: string, name: string): Promise<void>
  /** Gives the file the name of another, which is replaced in one step. */
  rename(path: string, name: string): Promise<void>
  /** The names in the folder survive a power cut once this resolves. */
  syncFolder(folder: string): Promise<void>
}

/** A file larger than whoever reads it can allow. */
export class FileTooLargeError extends Error {
  constructor(path: string, bytes: number, maxBytes: number) {
    super(`${path}: ${bytes} bytes are more than the ${maxBytes} allowed`)
    this.name = 'FileTooLargeError'
  }
}

/** The machine's own file system. Symbolic links are not followed: the folder is private, there should be none. */
export const realDisk: Disk = {
  async read(path, maxBytes) {
    const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined
      throw error
    })
    try {
      const size = (await handle?.stat())?.size ?? 0
      if (size > maxBytes) throw new FileTooLargeError(path, size, maxBytes)
      return await handle?.readFile()
    } finally {
      await handle?.close()
    }
  },
  open: async (path) => new RealFile(await open(path, constants.O_RDWR | constants.O_NOFOLLOW)),
  create: async (path) => {
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW
    return new RealFile(await open(path, flags, FILE_MODE))
  },
  link,
  rename,
  syncFolder,
}

class RealFile implements DiskFile {
  readonly #handle: FileHandle

  constructor(handle: FileHandle) {
    this.#handle = handle
  }

  async write(bytes: Uint8Array, position: number): Promise<void> {
    let done = 0
    while (done < bytes.length) {
      const { bytesWritten } = await this.#handle.write(bytes, done, bytes.length - done, position + done)
      if (bytesWritten === 0) throw Object.assign(new Error('nothing was written'), { code: 'ENOSPC' })
      done += bytesWritten
    }
  }

  truncate(length: number): Promise<void> {
    return this.#handle.truncate(length)
  }

  sync(): Promise<void> {
    return this.#handle.datasync()
  }

  close(): Promise<void> {
    return this.#handle.close()
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
