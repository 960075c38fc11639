import { linesOf, strayIn } from '../../text/lines.ts'
import { ClientError } from '../fault.ts'
import { readPrivate } from '../private-file.ts'
import { readPassphrase } from './passphrase.ts'

/** The largest file of identities in bytes. */
export const IDENTITY_FILE_MAX_BYTES = 65_536

/** The first lines of an age file (age-encryption.org/v1) and of an armored one. */
const VERSION_LINE = 'age-encryption.org/v1\n'
const ARMOR_LINE = '-----BEGIN AGE ENCRYPTED FILE-----'

/** A line of a file of identities in Bech32, for X25519 or for the hybrid kind. */
const IDENTITY = /^AGE-SECRET-KEY-(?:PQ-)?1[0-9A-Z]+$/

/** A byte order mark in UTF-8, with a character for each byte. Editors of Windows begin files with it. */
const BYTE_ORDER_MARK = /^\u00EF\u00BB\u00BF/

/** The keys for decrypting a list. */
export interface Keys {
  /** Files of age identities. */
  readonly identities: readonly string[]
  readonly passphraseFile: string | undefined
}

/** Returns the kind of an age file, or `undefined` for other files. The text has one character for each byte. */
export function ageKind(text: string): 'armored' | 'binary' | undefined {
  if (text.startsWith(VERSION_LINE)) return 'binary'
  return text.trimStart().startsWith(ARMOR_LINE) ? 'armored' : undefined
}

/** Decrypts an age file, armored or not. @throws ClientError if no key is given, none fits, or the file is damaged */
export async function decryptAge(bytes: Uint8Array, { identities, passphraseFile }: Keys): Promise<Uint8Array> {
  if (identities.length === 0 && passphraseFile === undefined) {
    throw new ClientError(
      'the list is encrypted by age, and no key is given',
      '--identity FILE, or --passphrase-file FILE',
    )
  }
  const { armor, Decrypter } = await import('age-encryption')
  const decrypter = new Decrypter()
  for (const path of identities) {
    for (const { identity, line } of await readIdentities(path)) {
      try {
        decrypter.addIdentity(identity)
      } catch (error) {
        throw notOne(path, line, error)
      }
    }
  }
  if (passphraseFile !== undefined) decrypter.addPassphrase((await readPassphrase(passphraseFile)).toString('utf8'))
  try {
    const text = Buffer.from(bytes).toString('latin1')
    return await decrypter.decrypt(ageKind(text) === 'armored' ? armor.decode(text) : bytes)
  } catch (error) {
    throw new ClientError(`the list cannot be decrypted: ${(error as Error).message}`, undefined, error)
  }
}

async function readIdentities(path: string): Promise<readonly { readonly identity: string; readonly line: number }[]> {
  const found: { identity: string; line: number }[] = []
  const bytes = (await readPrivate(path, IDENTITY_FILE_MAX_BYTES)).toString('latin1')
  const text = bytes.replace(BYTE_ORDER_MARK, '')
  for (const { number, text: row } of linesOf(text)) {
    const stray = strayIn(row, true)
    if (stray !== undefined) throw new ClientError(`${path}: line ${number}: ${stray.message}`, stray.hint)
    const identity = row.trim()
    if (identity === '' || identity.startsWith('#')) continue
    if (!IDENTITY.test(identity)) throw notOne(path, number)
    found.push({ identity, line: number })
  }
  if (found.length === 0) throw new ClientError(`${path}: has no identity in it`, IDENTITY_HINT)
  return found
}

const IDENTITY_HINT = 'a line begins with AGE-SECRET-KEY-1, as age-keygen makes it'

function notOne(path: string, line: number, cause?: unknown): ClientError {
  return new ClientError(`${path}: line ${line}: is not an age identity`, IDENTITY_HINT, cause)
}
