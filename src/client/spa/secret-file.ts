import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { ClientError } from '../fault.ts'

/** Permission bits for anybody but the owner: all, and those that let him change it. */
const OTHERS = 0o077
const OTHERS_WRITE = 0o022
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
  return readOwnFile(path, OTHERS, 'others than its owner can get at it', '600')
}

/**
 * Reads a file that says where secrets are and what they are used for: others may read it, but not change it. Otherwise as
 * {@link readSecretFile}.
 */
export function readTrustedFile(path: string): string | undefined {
  return readOwnFile(path, OTHERS_WRITE, 'others than its owner can change it', '644')
}

function readOwnFile(path: string, forbidden: number, complaint: string, right: string): string | undefined {
  let fd: number
  try {
    // Without O_NONBLOCK a pipe of that name would hold the client up.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw new ClientError(`${path}: cannot be read: ${code ?? String(error)}`, undefined, error)
  }
  try {
    const stat = fstatSync(fd)
    const { mode, uid, size } = stat
    if (!stat.isFile()) throw new ClientError(`${path}: is not a file`)
    if ((mode & forbidden) !== 0) {
      const bits = (mode & 0o777).toString(8).padStart(4, '0')
      throw new ClientError(`${path}: ${complaint} (mode ${bits})`, `chmod ${right} ${path}`)
    }
    const user = process.geteuid?.()
    if (user !== undefined && uid !== user && uid !== 0) {
      throw new ClientError(`${path}: belongs to another user`, 'it must be your own')
    }
    if (size > OWN_FILE_MAX_BYTES) {
      throw new ClientError(`${path}: is too large`, `at most ${OWN_FILE_MAX_BYTES} bytes`)
    }
    return readFileSync(fd, 'utf8')
  } finally {
    closeSync(fd)
  }
}
