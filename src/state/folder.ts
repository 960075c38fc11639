import { mkdir, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { cannot } from '../file/file-error.ts'
import { walk } from '../file/way.ts'
import { realDisk } from './disk.ts'

/** Default of StateDir. */
export const STATE_DIR_DEFAULT = '/var/lib/postern'
/** Only the owner may enter: the folder's files hold commands that run as root. */
const FOLDER_MODE = 0o700
const NOT_ALLOWED = 'run knockd as root, or name a folder that it may write: StateDir'
/** Permission bits that let group or others write. */
const OTHERS_WRITE = 0o022

/** Others can change the folder or a file in it. */
export class UnsafeFolderError extends Error {
  constructor(path: string, fault: string, cure: string) {
    super(`${path}: ${fault}\n${cure}`)
    this.name = 'UnsafeFolderError'
  }
}

/**
 * Creates the folder of a state file, durably, if it is missing. Then it checks that the folder and the file are safe.
 * Commands in the file run as root, so anyone who can write it, or replace its folder, is root.
 *
 * @throws UnsafeFolderError if folder or file belong to another user or can be written by others
 * @throws Error with the reason if the folder cannot be created
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
