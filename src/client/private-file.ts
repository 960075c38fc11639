import { FileError } from '../file/file-error.ts'
import { ANYBODYS, SECRET } from '../file/policy.ts'
import type { FilePolicy } from '../file/policy.ts'
import { readPrivateFile } from '../file/private-file.ts'
import { ClientError } from './fault.ts'

/**
 * Reads a regular file of at most `maxBytes`, with any owner. It does not wait for a named pipe.
 *
 * @throws ClientError if the file cannot be read, is not regular, or is larger
 */
export async function readRegular(path: string, maxBytes: number): Promise<Buffer> {
  return Promise.resolve(readFor(path, maxBytes, ANYBODYS))
}

/**
 * Reads a file with a secret, like {@link readRegular}. It also refuses a file that users other than this one and root
 * can read or write.
 */
export async function readPrivate(path: string, maxBytes: number): Promise<Buffer> {
  return Promise.resolve(readFor(path, maxBytes, SECRET))
}

/** Reads a file under the given policy. @throws ClientError if the policy refuses it */
export function readFor(path: string, maxBytes: number, policy: FilePolicy): Buffer {
  try {
    return readPrivateFile(path, maxBytes, policy)
  } catch (error) {
    if (!(error instanceof FileError)) throw error
    throw new ClientError(`${path}: ${error.fault}`, error.hint, error)
  }
}
