import { createHmac, randomBytes } from 'node:crypto'
import { SECRET } from '../file/policy.ts'
import { readPrivateFile } from '../file/private-file.ts'
import { FileError } from '../file/file-error.ts'
import { dirname } from 'node:path'
import { realDisk } from '../state/disk.ts'
import type { Disk } from '../state/disk.ts'

/** Bytes of the key. */
export const MARKS_KEY_BYTES = 32
/** Characters of a mark's hash: 132 bits. */
const HASH_CHARS = 22
/** Characters that name the key in a mark. */
const KEY_CHARS = 6

/**
 * Makes marks of the secrets that opened doors. A mark tells later whether its holder may still hold the opening. A
 * mark is an HMAC, and its key is in a file beside the journal. Nobody can therefore try sequences on a journal alone.
 */
export class HolderMarks {
  readonly #key: Uint8Array
  readonly #name: string

  constructor(key: Uint8Array) {
    this.#key = key
    this.#name = createHmac('sha256', key).update('name').digest('base64url').slice(0, KEY_CHARS)
  }

  /** Returns the mark `KIND:KEY:HASH`. The kind is that of the secret that opened the door. */
  mark(kind: string, ...parts: readonly (string | Uint8Array)[]): string {
    const hmac = createHmac('sha256', this.#key).update(`${kind}\n`)
    // Each part has its length in front, so that no two lists of parts give the same text.
    for (const part of parts) hmac.update(`${Buffer.byteLength(part)}\n`).update(part)
    return `${kind}:${this.#name}:${hmac.digest('base64url').slice(0, HASH_CHARS)}`
  }

  /** Returns true if a mark was made under this key. Marks of other keys cannot be checked. */
  made(mark: string): boolean {
    return mark.split(':')[1] === this.#name
  }
}

/**
 * Reads the marks' key from its file, or creates the file durably. If neither is possible, the key is temporary. The
 * holders of present openings are then unknown after a restart.
 */
export async function openHolderMarks(
  path: string,
  warn: (error: Error) => void,
  disk: Disk = realDisk,
): Promise<HolderMarks> {
  try {
    const key = readPrivateFile(path, MARKS_KEY_BYTES, SECRET)
    if (key.length === MARKS_KEY_BYTES) return new HolderMarks(key)
  } catch (error) {
    if (!(error instanceof FileError) || error.reason !== 'missing') {
      warn(error as Error)
      return new HolderMarks(randomBytes(MARKS_KEY_BYTES))
    }
  }
  const key = randomBytes(MARKS_KEY_BYTES)
  try {
    const passing = `${path}.new`
    const file = await disk.create(passing)
    try {
      await file.write(key, 0)
      await file.sync()
    } finally {
      await file.close()
    }
    await disk.rename(passing, path)
    await disk.syncFolder(dirname(path))
  } catch (error) {
    warn(error as Error)
  }
  return new HolderMarks(key)
}
