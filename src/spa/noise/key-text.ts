import { createHash } from 'node:crypto'
import { decodeBase64, encodeBase64 } from '../base64.ts'
import { readOnlyLine } from '../../text/lines.ts'
import type { Read } from '../../text/read.ts'
import { asciiBytes, concatenate } from '../bytes.ts'
import { KEY_BYTES } from './curve.ts'
import { HASH } from './symmetric.ts'

/** The kind of a key, which is the prefix of its text. */
export type KeyKind = 'postern-server' | 'postern-user' | 'postern-server-secret' | 'postern-user-secret'

/** The name of each kind for people. */
const KINDS: Readonly<Record<KeyKind, string>> = {
  'postern-server': "a server's public key",
  'postern-user': "a user's public key",
  'postern-server-secret': "a server's secret key",
  'postern-user-secret': "a user's secret key",
}

/** The length of the checksum after the key, in bytes. A mistyped key passes once in four billion times. */
const SUM_BYTES = 4
/** The length of the key and the checksum in base64, in characters. */
const KEY_CHARS = ((KEY_BYTES + SUM_BYTES) * 4) / 3
/** The maximum size of a key file, in bytes. */
export const KEY_FILE_MAX_BYTES = 4_096

/** Returns a key as text: `postern-user:` and 48 characters. */
export function formatKey(kind: KeyKind, key: Uint8Array): string {
  return `${kind}:${encodeBase64(concatenate(key, sumOf(kind, key)))}`
}

function sumOf(kind: KeyKind, key: Uint8Array): Uint8Array {
  return createHash(HASH)
    .update(asciiBytes(`${kind}:`))
    .update(key)
    .digest()
    .subarray(0, SUM_BYTES)
}

/** Returns true if a word looks like a key of Postern's, of any kind, valid or not. */
export function looksLikeKey(word: string): boolean {
  return Object.keys(KINDS).some((kind) => word.startsWith(`${kind}:`))
}

/** Reads a key of one kind. No message repeats a part of the text, which may be a secret. */
export function readKeyText(text: string, kind: KeyKind): Read<Uint8Array> {
  const hint = `${KINDS[kind]} begins with \`${kind}:\``
  const other = Object.entries(KINDS).find(([name]) => text.startsWith(`${name}:`))
  if (other === undefined) return { message: 'is not a key', hint }
  if (other[0] !== kind) return { message: `is ${other[1]}`, hint }
  const word = text.slice(kind.length + 1)
  if (word.length !== KEY_CHARS) {
    return { message: 'is cut off, or has text after it', hint: `${KEY_CHARS} characters follow the colon` }
  }
  const bytes = decodeBase64(word)
  const key = bytes?.slice(0, KEY_BYTES)
  if (
    bytes === undefined ||
    key === undefined ||
    !sumOf(kind, key).every((byte, at) => byte === bytes[KEY_BYTES + at])
  ) {
    return { message: 'is mistyped', hint: 'copy all of it again' }
  }
  return { value: key }
}

/** Reads the file of one key: comments, empty lines, and one line with the key. */
export function readKeyFile(text: string, kind: KeyKind): Read<Uint8Array> {
  const none = { message: 'contains no key', hint: 'postern keygen makes one' }
  const line = readOnlyLine(text, none, 'write each key to its own file')
  return 'message' in line ? line : readKeyText(line.value, kind)
}
