import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Knock } from '../config/config.ts'
import { formatSequence } from '../config/sequence.ts'
import { realDisk } from './disk.ts'
import type { Disk } from './disk.ts'

/** Owner only. */
const FOLDER_MODE = 0o700

/**
 * Writes a file of one-time sequences anew, whole or not at all, durably; for its owner alone.
 *
 * @param name which list it is, if that is to be known again
 * @throws the system's error: the file is as it was
 */
export async function writeSequences(
  path: string,
  sequences: readonly (readonly Knock[])[],
  name?: string,
  disk: Disk = realDisk,
): Promise<void> {
  const passing = `${path}.new`
  const named = name === undefined ? '' : `# list: ${name}\n`
  const heading = `# one-time sequences: the first one that is not struck out is the next\n${named}`
  // A blank in front of each, for the `#` of the strike.
  const text = `${heading}${sequences.map((knocks) => ` ${formatSequence(knocks)}\n`).join('')}`
  await mkdir(dirname(path), { recursive: true, mode: FOLDER_MODE })
  const file = await disk.create(passing)
  try {
    await file.write(Buffer.from(text), 0)
    await file.sync()
  } finally {
    await file.close()
  }
  await disk.rename(passing, path)
  await disk.syncFolder(dirname(path))
}
