import { chmod, chown, mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Knock } from '../config/config.ts'
import { formatSequence } from '../config/sequence.ts'
import type { FileOwner } from '../file/owner.ts'
import { realDisk } from '../state/disk.ts'
import type { Disk } from '../state/disk.ts'
import { replaceDurably } from '../state/replace.ts'

/** Only the owner may enter the folder. */
const FOLDER_MODE = 0o700

/**
 * Writes a new file of one-time sequences durably, whole or not at all. Only its owner may read it.
 *
 * @param name the list's name, by which it can be recognised later
 * @param owner the file's owner; `undefined`: the user of this process alone
 * @throws the system's error; the file is then unchanged
 */
export async function writeSequences(
  path: string,
  sequences: readonly (readonly Knock[])[],
  name?: string,
  disk: Disk = realDisk,
  owner?: FileOwner,
): Promise<void> {
  const named = name === undefined ? '' : `# list: ${name}\n`
  const heading = `# one-time sequences: the first line that does not begin with # is the next\n${named}`
  // Each line begins with a blank, which `#` replaces on use.
  const text = `${heading}${sequences.map((knocks) => ` ${formatSequence(knocks)}\n`).join('')}`
  await mkdir(dirname(path), { recursive: true, mode: FOLDER_MODE })
  await replaceDurably(disk, path, text, async (fresh) => {
    if (owner === undefined) return
    await chown(fresh, owner.uid, owner.gid)
    await chmod(fresh, owner.mode)
  })
}
