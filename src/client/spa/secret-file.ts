import { homedir } from 'node:os'
import { join } from 'node:path'
import { FileError } from '../../file/file-error.ts'
import { PUBLIC, SECRET } from '../../file/policy.ts'
import type { FilePolicy } from '../../file/policy.ts'
import { ClientError } from '../fault.ts'
import { readFor } from '../private-file.ts'

/** Largest file that is read, in bytes. */
const OWN_FILE_MAX_BYTES = 1_048_576

/** A path as people write it: `~/` is their home. */
export function expandHome(path: string): string {
  return path.startsWith('~/') ? join(homedir(), path.slice(2)) : path
}

/**
 * Reads a file that holds secrets, as ssh reads its own: it must belong to this user, or root, and be nobody else's to read
 * or change. `undefined` where there is none. Throws a ClientError that says what is wrong with it.
 */
export function readSecretFile(path: string): string | undefined {
  return readOwnFile(path, SECRET)
}

/**
 * Reads a file that says where secrets are and what they are used for: others may read it, but not change it. Otherwise as
 * {@link readSecretFile}.
 */
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
