import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { ClientError } from './fault.ts'

/** Permission bits that let others than its owner at a file. */
const OTHERS = 0o077
/** Asked for beyond the bound, so that a file that grows meanwhile is noticed. */
const ONE_MORE_BYTE = 1

/**
 * Reads a regular file of at most `maxBytes`. Throws a ClientError when it cannot be read, is no regular file or is
 * larger. Of a named pipe nothing is awaited.
 */
export async function readRegular(path: string, maxBytes: number): Promise<Buffer> {
  return readOpened(path, maxBytes, 0)
}

/** The same for a file with a secret in it: also refused when others than its owner can read or write it, as ssh does. */
export async function readPrivate(path: string, maxBytes: number): Promise<Buffer> {
  return readOpened(path, maxBytes, OTHERS)
}

async function readOpened(path: string, maxBytes: number, forbidden: number): Promise<Buffer> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      const stat = await file.stat()
      if (!stat.isFile()) throw new ClientError(`${path}: is no regular file`)
      if ((stat.mode & forbidden) !== 0) {
        throw new ClientError(`${path}: others than its owner can read or write it`, `chmod 600 ${path}`)
      }
      const buffer = Buffer.alloc(Math.min(stat.size, maxBytes) + ONE_MORE_BYTE)
      let length = 0
      for (let read = 1; read > 0 && length < buffer.length; length += read) {
        ;({ bytesRead: read } = await file.read(buffer, length))
      }
      if (length > maxBytes) throw new ClientError(`${path}: is too large`, `at most ${maxBytes} bytes`)
      return buffer.subarray(0, length)
    } finally {
      await file.close()
    }
  } catch (error) {
    if (error instanceof ClientError) throw error
    const { code } = error as NodeJS.ErrnoException
    throw new ClientError(`${path}: ${REASONS[code ?? ''] ?? `cannot be read: ${code}`}`, undefined, error)
  }
}

/** What open(2) and read(2) say, in words. */
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  ENOTDIR: 'no such file',
  EACCES: 'may not be read',
  EISDIR: 'is no regular file',
  ENXIO: 'is no regular file',
  ELOOP: 'is a symbolic link to itself',
}
