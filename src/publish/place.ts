import { constants } from 'node:fs'
import { open, readFile, rename, unlink } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { O_TMPFILE, nameFile } from '../native/link.ts'

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
  await remove(passing)
  const nameless = await openNameless(folder)
  // Other file systems need a name, but only the owner can read the file until it is complete.
  const file = nameless ?? (await open(passing, 'wx', OWNER_MODE))
  try {
    await fill(file, bytes)
    if (nameless !== undefined) nameFile(file.fd, passing)
  } finally {
    await file.close()
  }
  await rename(passing, path)
  const handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Removes a file from a folder, if it exists. */
export async function remove(path: string): Promise<void> {
  await unlink(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
  })
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

async function fill(file: FileHandle, bytes: Uint8Array): Promise<void> {
  await file.writeFile(bytes)
  await file.sync()
  await file.chmod(MODE)
}

async function isThere(path: string, bytes: Uint8Array): Promise<boolean> {
  try {
    return (await readFile(path)).equals(bytes)
  } catch {
    return false
  }
}
