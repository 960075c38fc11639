import { constants } from 'node:fs'
import { open, readFile, rename, unlink } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { O_TMPFILE, nameFile } from '../native/link.ts'

/** What is published is for a web server to read: it is encrypted. */
const MODE = 0o644
const OWNER_MODE = 0o600

/**
 * Puts a file into a folder, whole or not at all, durably. Until it is written to the last byte it has no name there, so
 * that no web server serves half of it.
 *
 * @throws the system's error
 */
export async function place(folder: string, name: string, bytes: Uint8Array): Promise<void> {
  const path = join(folder, name)
  if (await isThere(path, bytes)) return
  const passing = join(folder, `.${name}.${process.pid}`)
  await remove(passing)
  const nameless = await openNameless(folder)
  // Where the file system has none it has a name, but is its owner's alone until it is whole.
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

/** Takes a file out of a folder, if it is there. */
export async function remove(path: string): Promise<void> {
  await unlink(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
  })
}

/** A file that has no name yet. `undefined`: this file system cannot make one (open(2), O_TMPFILE). */
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
