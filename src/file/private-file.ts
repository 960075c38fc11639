import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { FileError, fileErrorOf } from './file-error.ts'
import { judgeFile } from './policy.ts'
import type { FileFault, FilePolicy } from './policy.ts'
import { isPrivateGroup } from './private-group.ts'
import { walk } from './way.ts'

/** How often another file may come to stand there between looking and opening. */
const ROUNDS_MAX = 8
/** Asked for beyond the bound, so that a file that grows meanwhile is noticed. */
const ONE_MORE_BYTE = 1
/** Of a file's type and of a regular file (`<sys/stat.h>`). */
const TYPE_BITS = 0o170000
const REGULAR = 0o100000

/**
 * Reads a file whole, if nobody can have written it who is not trusted: it and every folder on the way belong to root or to
 * this process's user, and nobody else can write them (a sticky folder aside) or, where the policy says so, read the file.
 * Symbolic links are followed if a trusted user made them. Of a named pipe nothing is awaited, and no device is opened.
 *
 * @throws FileError that names the file, what is wrong with it, and the command that puts it right
 */
export function readPrivateFile(path: string, maxBytes: number, policy: FilePolicy): Buffer {
  const fd = openPrivate(path, constants.O_RDONLY, policy)
  try {
    return readOpened(fd, path, maxBytes)
  } finally {
    closeSync(fd)
  }
}

/** The same as text; what is not UTF-8 comes as U+FFFD. */
export function readPrivateText(path: string, maxBytes: number, policy: FilePolicy): string {
  return readPrivateFile(path, maxBytes, policy).toString('utf8')
}

/**
 * Opens a file that stands up to {@link readPrivateFile}'s policy. What is judged is the open file.
 *
 * @param flags O_RDONLY or O_RDWR
 * @throws FileError
 */
export function openPrivate(path: string, flags: number, policy: FilePolicy): number {
  const { fd, faults } = open(path, flags, policy)
  const [first] = faults
  if (first === undefined) return fd
  closeSync(fd)
  throw new FileError(path, 'unsafe', first.message, first.cure)
}

/** Reads an open file whole, from its beginning. @throws FileError beyond `maxBytes`, or the system's error in words */
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

/** A file as `postern check` sees it: what is in it, whatever is wrong with it, and all of that. */
export interface Inspection {
  /** Permission bits. */
  readonly mode: number
  readonly content: Buffer
  readonly faults: readonly FileFault[]
}

/** Reads a file and says all that is wrong with it, for whoever is to put it right. @throws FileError if it cannot be read */
export function inspectFile(path: string, maxBytes: number, policy: FilePolicy): Inspection {
  const { fd, faults, mode } = open(path, constants.O_RDONLY, policy)
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

function open(path: string, flags: number, policy: FilePolicy): Open {
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const way = walk(path)
    // Looked at before it is opened: opening a device may do something by itself.
    if ((way.stat.mode & TYPE_BITS) !== REGULAR) throw new FileError(path, 'irregular', 'is not a regular file')
    let fd: number
    try {
      fd = openSync(way.real, flags | constants.O_NONBLOCK | constants.O_NOFOLLOW | constants.O_NOCTTY)
    } catch (error) {
      throw fileErrorOf(path, error)
    }
    const stat = fstatSync(fd)
    if (stat.ino === way.stat.ino && stat.dev === way.stat.dev) {
      const faults = policy.forbidden === 0 ? [] : [...judgeFile(way.real, stat, policy, isPrivateGroup), ...way.faults]
      return { fd, mode: stat.mode, faults }
    }
    closeSync(fd)
  }
  throw new FileError(path, 'unreadable', 'is replaced over and over')
}
