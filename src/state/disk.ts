import { constants } from 'node:fs'
import { link, open, rename } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'

/** Only the owner may read and write: the journal holds commands that run as root. */
export const FILE_MODE = 0o600

/** A file open for writing. */
export interface DiskFile {
  /** Writes all of `bytes` at `position`, or rejects. After a rejection, any part of them may have been written. */
  write(bytes: Uint8Array, position: number): Promise<void>
  truncate(length: number): Promise<void>
  /** Resolves once all earlier writes survive a power cut. After a rejection, the content on disk is unknown. */
  sync(): Promise<void>
  close(): Promise<void>
}

/**
 * The file system functions that the journal needs. Every method rejects with the system's error (`code`: ENOSPC, EIO,
 * …). There are two disks: the real one here, and one in memory for tests, which can simulate a power cut.
 */
export interface Disk {
  /** Reads the whole file; `undefined`: there is no file. Rejects with {@link FileTooLargeError} beyond `maxBytes`. */
  read(path: string, maxBytes: number): Promise<Uint8Array | undefined>
  /** Opens an existing file for writing. */
  open(path: string): Promise<DiskFile>
  /** Creates a new, empty file. It replaces any file of that name. */
  create(path: string): Promise<DiskFile>
  /** Gives a file a second name. Rejects with EEXIST if the name is taken. */
  link(path: string, name: string): Promise<void>
  /** Renames a file. The file of that name is replaced atomically. */
  rename(path: string, name: string): Promise<void>
  /** Resolves once the names in the folder survive a power cut. */
  syncFolder(folder: string): Promise<void>
}

/** The file is larger than its reader allows. */
export class FileTooLargeError extends Error {
  constructor(path: string, bytes: number, maxBytes: number) {
    super(`${path}: ${bytes} bytes are more than the ${maxBytes} allowed`)
    this.name = 'FileTooLargeError'
  }
}

/** The machine's file system. Symbolic links are not followed, as a private folder should have none. */
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
  open: async (path) => fileOf(await open(path, constants.O_RDWR | constants.O_NOFOLLOW)),
  create: async (path) => {
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW
    return fileOf(await open(path, flags, FILE_MODE))
  },
  link,
  rename,
  syncFolder,
}

function fileOf(handle: FileHandle): DiskFile {
  return {
    async write(bytes, position) {
      let done = 0
      while (done < bytes.length) {
        const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done)
        if (bytesWritten === 0) throw Object.assign(new Error('nothing was written'), { code: 'ENOSPC' })
        done += bytesWritten
      }
    },
    truncate: (length) => handle.truncate(length),
    sync: () => handle.datasync(),
    close: () => handle.close(),
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
