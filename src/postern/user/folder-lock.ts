import { closeSync, constants, openSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { Failure } from '../../cli/fault.ts'
import { cannot } from '../../file/file-error.ts'
import { tryLock } from '../../native/libc.ts'

/** Longest wait for another command, and the time between two tries, in milliseconds. */
const LOCK_WAIT_MS = 10_000
const LOCK_LOOK_MS = 20

/**
 * Takes the locks of folders, so that no other command changes files in them, and runs `work`. The lock is that of the
 * folder itself (flock(2)): it leaves no file behind, and ends with the process.
 *
 * @throws Failure if another command holds one for too long, or the system's error
 */
export async function withLocks<T>(folders: Iterable<string>, work: () => Promise<T>): Promise<T> {
  const held: number[] = []
  try {
    // All commands take them in the same order, so that no two wait for each other.
    for (const folder of [...new Set(folders)].sort()) held.push(await lockOf(folder))
    return await work()
  } finally {
    for (const fd of held) closeSync(fd)
  }
}

async function lockOf(folder: string): Promise<number> {
  let fd: number
  try {
    fd = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY)
  } catch (error) {
    throw new Failure(cannot(`open the folder ${folder}`, error, { EACCES: 'run this as root' }).message)
  }
  const until = performance.now() + LOCK_WAIT_MS
  while (!tryLock(fd)) {
    if (performance.now() > until) {
      closeSync(fd)
      throw new Failure(`another command is changing files in ${folder}`, 'try again once it has ended')
    }
    await pause(LOCK_LOOK_MS)
  }
  return fd
}
