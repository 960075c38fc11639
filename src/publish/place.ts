import { constants } from 'node:fs'
import { open, readFile, rename, rm } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { O_TMPFILE, nameFile } from '../native/link.ts'
import { realDisk } from '../state/disk.ts'

/** The mode of published files. A web server may read them, because they are encrypted. */
const MODE = 0o644
const OWNER_MODE = 0o600

/**
 * Writes a file into a folder completely or not at all, and durably. The file gets its name only when it is complete,
 * so that no web server serves a part of it.
 *
 * @throws the system's error
 */
export async function place(folder: string, name: string, bytes: Uint8Array): Promise<void> {
  const path = join(folder, name)
  if (await isThere(path, bytes)) return
  const passing = join(folder, `.${name}.${process.pid}`)
  await rm(passing, { force: true })
  const nameless = await openNameless(folder)
  // Other file systems need a name, but only the owner can read the file until it is complete.
  const file = nameless ?? (await open(passing, 'wx', OWNER_MODE))
  try {
    await file.writeFile(bytes)
    await file.sync()
    await file.chmod(MODE)
    if (nameless !== undefined) nameFile(file.fd, passing)
  } finally {
    await file.close()
  }
  await rename(passing, path)
  await realDisk.syncFolder(folder)
}

/** Opens a file without a name. Returns `undefined` if the file system cannot do this (open(2), O_TMPFILE). */
async function openNameless(folder: string): Promise<FileHandle | undefined> {
  try {
    return await open(folder, constants.O_WRONLY | O_TMPFILE, OWNER_MODE)
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (['EOPNOTSUPP', 'ENOTSUP', 'EISDIR'].includes(code)) return undefined
    throw error
  }
}

async function isThere(path: string, bytes: Uint8Array): Promise<boolean> {
  try {
    return (await readFile(path)).equals(bytes)
  } catch {
    return false
  }
}
