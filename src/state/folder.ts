import { mkdir, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { cannot } from '../file/file-error.ts'
import { walk } from '../file/way.ts'
import { realDisk } from './disk.ts'

/** Where the state is kept if the config names no StateDir. */
export const STATE_DIR_DEFAULT = '/var/lib/postern'
/** Owner only: the folder's files hold commands that run as root. */
const FOLDER_MODE = 0o700
const NOT_ALLOWED = 'run knockd as root, or name a folder that it may write: StateDir'
/** Permission bits that let group or others write. */
const OTHERS_WRITE = 0o022

/** A folder or file in it that others could change. */
export class UnsafeFolderError extends Error {
  constructor(path: string, fault: string, cure: string) {
    super(`${path}: ${fault}\n${cure}`)
    this.name = 'UnsafeFolderError'
  }
}

/**
 * Makes the folder of a file of state where it is missing, durably, and looks whether it and the file are safe: what
 * stands in the file is run as root, so whoever can write it, or put another folder in its place, is root.
 *
 * @throws UnsafeFolderError if folder or file belong to another user or can be written by others
 * @throws Error that says why the folder cannot be made
 */
export async function prepareFolder(path: string): Promise<void> {
  const folder = dirname(resolve(path))
  const first = await mkdir(folder, { recursive: true, mode: FOLDER_MODE }).catch((error: unknown) => {
    throw cannot(`create the state folder ${folder}`, error, { EACCES: NOT_ALLOWED })
  })
  if (first !== undefined) {
    for (let made = folder; made.length >= first.length; made = dirname(made)) await realDisk.syncFolder(dirname(made))
  }
  for (const name of [folder, path]) await checkSafe(name)
  const [fault] = walk(folder).faults
  if (fault !== undefined) throw new UnsafeFolderError(folder, fault.message, fault.cure)
}

async function checkSafe(path: string): Promise<void> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw cannot(`read the state ${path}`, error, { EACCES: NOT_ALLOWED })
  })
  if (found === undefined) return
  const user = process.geteuid?.()
  if (user !== undefined && found.uid !== user && found.uid !== 0) {
    throw new UnsafeFolderError(path, 'belongs to another user', `chown it to the user that runs the daemon`)
  }
  if ((found.mode & OTHERS_WRITE) !== 0) {
    throw new UnsafeFolderError(path, 'can be written by others than its owner', `chmod go-w ${path}`)
  }
}
