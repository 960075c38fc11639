import { dirname } from 'node:path'
import type { Disk } from './disk.ts'

/**
 * Replaces a file by a text, durably and as a whole. `prepare` is called with the path of the new file before it gets
 * its name.
 *
 * @throws the system's error; the file is unchanged then
 */
export async function replaceDurably(
  disk: Disk,
  path: string,
  text: string,
  prepare?: (fresh: string) => Promise<void>,
): Promise<void> {
  const fresh = `${path}.new`
  const file = await disk.create(fresh)
  try {
    await file.write(Buffer.from(text), 0)
    await file.sync()
  } finally {
    await file.close()
  }
  await prepare?.(fresh)
  await disk.rename(fresh, path)
  await disk.syncFolder(dirname(path))
}
