import { FileError } from '../../file/file-error.ts'
import { PUBLIC, SECRET } from '../../file/policy.ts'
import type { FilePolicy } from '../../file/policy.ts'
import { ClientError } from '../fault.ts'
import { readFor } from '../private-file.ts'

/** The largest file in bytes. */
const OWN_FILE_MAX_BYTES = 1_048_576

/**
 * Reads a file with secrets. Like ssh's own files, it must belong to this user or root, and nobody else may read or
 * change it.
 *
 * @returns `undefined` if there is no such file
 * @throws ClientError if the file is refused
 */
export function readSecretFile(path: string): string | undefined {
  return readOwnFile(path, SECRET)
}

/** Reads a file with the settings for secrets, like {@link readSecretFile}. Others may read it, but not change it. */
export function readTrustedFile(path: string): string | undefined {
  return readOwnFile(path, PUBLIC)
}

function readOwnFile(path: string, policy: FilePolicy): string | undefined {
  try {
    return readFor(path, OWN_FILE_MAX_BYTES, policy).toString('utf8')
  } catch (error) {
    if (error instanceof ClientError && error.cause instanceof FileError && error.cause.reason === 'missing') {
      return undefined
    }
    throw error
  }
}
