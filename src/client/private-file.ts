import { FileError } from '../file/file-error.ts'
import { ANYBODYS, SECRET } from '../file/policy.ts'
import type { FilePolicy } from '../file/policy.ts'
import { readPrivateFile } from '../file/private-file.ts'
import { ClientError } from './fault.ts'

/**
 * Reads a regular file of at most `maxBytes`, whoever wrote it. Throws a ClientError when it cannot be read, is no regular
 * file or is larger. Of a named pipe nothing is awaited.
 */
export async function readRegular(path: string, maxBytes: number): Promise<Buffer> {
  return Promise.resolve(readFor(path, maxBytes, ANYBODYS))
}

/** The same for a file with a secret in it: also refused when others than this user, or root, can read or write it. */
export async function readPrivate(path: string, maxBytes: number): Promise<Buffer> {
  return Promise.resolve(readFor(path, maxBytes, SECRET))
}

/** Reads a file by the one policy for files that others must not change. Throws a ClientError. */
export function readFor(path: string, maxBytes: number, policy: FilePolicy): Buffer {
  try {
    return readPrivateFile(path, maxBytes, policy)
  } catch (error) {
    if (!(error instanceof FileError)) throw error
    throw new ClientError(`${path}: ${error.fault}`, error.hint, error)
  }
}
