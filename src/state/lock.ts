import { closeSync, constants, ftruncateSync, openSync, readSync, writeSync } from 'node:fs'
import { cannot } from '../file/file-error.ts'
import { FILE_MODE } from './disk.ts'

/** Takes an exclusive lock on an open file without waiting; `false`: another process has it. */
export type TryLock = (fd: number) => boolean

/** A lock that is held. */
export interface Lock {
  /** True if a process had the lock before, so that the files beside it should exist. */
  readonly usedBefore: boolean
  release(): void
}

/** Most digits of a process id that are read from a lock file. */
const PID_MAX_CHARS = 20

/** Another process uses the state. */
export class LockedError extends Error {
  /** The id of the process that holds the lock, if it is known. */
  readonly holder: number | undefined

  constructor(path: string, holder: number | undefined) {
    super(`${path}: locked by ${holder === undefined ? 'another process' : `process ${holder}`}`)
    this.name = 'LockedError'
    this.holder = holder
  }
}

/**
 * Takes the lock of a state file. The lock file stays after the release. If it were deleted, a third process could lock
 * a new one while a second waits at the old.
 *
 * @throws LockedError if another process has it, an Error that keeps the system's code if the file cannot be opened
 */
export function takeLock(path: string, lock: TryLock, pid: number): Lock {
  let fd: number
  try {
    fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, FILE_MODE)
  } catch (error) {
    throw cannot(`open the lock file ${path}`, error, { EACCES: 'run it as root' })
  }
  let usedBefore: boolean
  try {
    if (!lock(fd)) throw new LockedError(path, readPid(fd))
    usedBefore = readPid(fd) !== undefined
    ftruncateSync(fd)
    writeSync(fd, `${pid}\n`, 0)
  } catch (error) {
    closeSync(fd)
    throw error
  }
  let held = true
  return {
    usedBefore,
    release() {
      if (held) closeSync(fd)
      held = false
    },
  }
}

function readPid(fd: number): number | undefined {
  const bytes = Buffer.alloc(PID_MAX_CHARS)
  const text = bytes.toString('latin1', 0, readSync(fd, bytes, 0, PID_MAX_CHARS, 0)).trim()
  return /^[1-9][0-9]*$/.test(text) ? Number(text) : undefined
}
