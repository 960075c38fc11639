import { createHmac, randomBytes } from 'node:crypto'
import { SECRET } from '../file/policy.ts'
import { readPrivateFile } from '../file/private-file.ts'
import { FileError } from '../file/file-error.ts'
import { dirname } from 'node:path'
import { realDisk } from './disk.ts'
import type { Disk } from './disk.ts'

/** Bytes of the key. */
export const MARKS_KEY_BYTES = 32
/** Characters of a mark's hash: 132 bits. */
const HASH_CHARS = 22
/** Characters that tell the marks of one key from those of another. */
const KEY_CHARS = 6

/** What somebody shows to open a door: what a mark is of. */
export type HolderKind = 'sequence' | 'one-time' | 'generated' | 'totp' | 'postern' | 'fwknop' | 'knockknock'

/**
 * Marks of those who hold openings: which secret opened it, so that it can be told later whether that may still hold it. A
 * mark is an HMAC under a key that stands in a file beside the journal: nobody can try sequences on a journal alone.
 */
export class HolderMarks {
  readonly #key: Uint8Array
  readonly #name: string

  constructor(key: Uint8Array) {
    this.#key = key
    this.#name = createHmac('sha256', key).update('name').digest('base64url').slice(0, KEY_CHARS)
  }

  /** `KIND:KEY:HASH`. */
  mark(kind: HolderKind, ...parts: readonly (string | Uint8Array)[]): string {
    const hmac = createHmac('sha256', this.#key).update(`${kind}\n`)
    // Each with its length in front: no two lists of parts are one text.
    for (const part of parts) hmac.update(`${Buffer.byteLength(part)}\n`).update(part)
    return `${kind}:${this.#name}:${hmac.digest('base64url').slice(0, HASH_CHARS)}`
  }

  /** Whether a mark was made under this key: of others nothing can be said. */
  made(mark: string): boolean {
    return mark.split(':')[1] === this.#name
  }
}

/**
 * The marks' key from its file, which is made where there is none, durably. Where it can be neither read nor made, the key
 * is a passing one: whoever holds an opening then is not known after a restart.
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
