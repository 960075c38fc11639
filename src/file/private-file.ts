import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { FileError, fileErrorOf } from './file-error.ts'
import { HERE, hasOwners } from './platform.ts'
import type { Platform } from './platform.ts'
import { judgeFile } from './policy.ts'
import type { FileFault, FilePolicy } from './policy.ts'
import { walk } from './way.ts'

/** Most replacements of the file between checking and opening it. */
const ROUNDS_MAX = 8
/** Bytes read beyond the limit, to notice a file that grows meanwhile. */
const ONE_MORE_BYTE = 1

/**
 * Reads a whole file if only trusted users can have written it. The file and every folder on its path must belong to
 * root or to this process's user. Nobody else may write them, except in a sticky folder. If the policy says so, nobody
 * else may read the file. Symbolic links are followed if a trusted user made them. A named pipe never blocks, and no
 * device is opened. Windows has neither owners nor permissions that Node.js shows: only the kind and size are checked.
 *
 * @throws FileError with the file, its fault, and the command that fixes it
 */
export function readPrivateFile(path: string, maxBytes: number, policy: FilePolicy, platform: Platform = HERE): Buffer {
  const fd = openPrivate(path, constants.O_RDONLY, policy, platform)
  try {
    return readOpened(fd, path, maxBytes)
  } finally {
    closeSync(fd)
  }
}

/** Reads a private file as text. Bytes that are not UTF-8 become U+FFFD. */
export function readPrivateText(path: string, maxBytes: number, policy: FilePolicy): string {
  return readPrivateFile(path, maxBytes, policy).toString('utf8')
}

/**
 * Opens a file that meets {@link readPrivateFile}'s policy. The check is of the open file.
 *
 * @param flags O_RDONLY or O_RDWR
 * @throws FileError
 */
export function openPrivate(path: string, flags: number, policy: FilePolicy, platform: Platform = HERE): number {
  const { fd, faults } = open(path, flags, policy, platform)
  const [first] = faults
  if (first === undefined) return fd
  closeSync(fd)
  throw new FileError(path, 'unsafe', first.message, first.cure)
}

/** Reads an open file whole, from its beginning. @throws FileError beyond `maxBytes`, or for the system's error */
export function readOpened(fd: number, path: string, maxBytes: number): Buffer {
  try {
    let buffer = Buffer.alloc(Math.min(fstatSync(fd).size, maxBytes) + ONE_MORE_BYTE)
    let length = 0
    while (length <= maxBytes) {
      if (length === buffer.length) buffer = Buffer.concat([buffer], Math.min(2 * length, maxBytes + ONE_MORE_BYTE))
      const count = readSync(fd, buffer, length, buffer.length - length, length)
      if (count === 0) break
      length += count
    }
    if (length > maxBytes) throw new FileError(path, 'too large', 'is too large', `at most ${maxBytes} bytes`)
    return buffer.subarray(0, length)
  } catch (error) {
    throw fileErrorOf(path, error)
  }
}

/** A file as `postern check` sees it: its content, and all of its faults. */
export interface Inspection {
  /** Permission bits. */
  readonly mode: number
  readonly content: Buffer
  readonly faults: readonly FileFault[]
}

/** Reads a file despite its faults, and returns all of them. @throws FileError if it cannot be read */
export function inspectFile(path: string, maxBytes: number, policy: FilePolicy): Inspection {
  const { fd, faults, mode } = open(path, constants.O_RDONLY, policy, HERE)
  try {
    return { mode: mode & 0o7777, content: readOpened(fd, path, maxBytes), faults }
  } finally {
    closeSync(fd)
  }
}

interface Open {
  readonly fd: number
  readonly mode: number
  readonly faults: readonly FileFault[]
}

function open(path: string, flags: number, policy: FilePolicy, platform: Platform): Open {
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const way = walk(path, platform)
    // The check precedes the opening, as opening a device may have effects.
    if (!way.stat.isFile()) throw new FileError(path, 'irregular', 'is not a regular file')
    let fd: number
    try {
      // Windows has none of these flags: they are undefined there, which is 0 in a bitwise operation.
      fd = openSync(way.real, flags | constants.O_NONBLOCK | constants.O_NOFOLLOW | constants.O_NOCTTY)
    } catch (error) {
      throw fileErrorOf(path, error)
    }
    const stat = fstatSync(fd)
    // Numbers of files differ between calls on some of Windows' file systems.
    if (!hasOwners(platform)) return { fd, mode: stat.mode, faults: [] }
    if (stat.ino === way.stat.ino && stat.dev === way.stat.dev) {
      const faults = policy.forbidden === 0 ? [] : [...judgeFile(way.real, stat, policy), ...way.faults]
      return { fd, mode: stat.mode, faults }
    }
    closeSync(fd)
  }
  throw new FileError(path, 'unreadable', 'is replaced over and over')
}
