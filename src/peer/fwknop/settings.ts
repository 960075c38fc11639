import { row } from '../../text/directive.ts'
import type { Directive } from '../../text/directive.ts'
import type { Read, Reader } from '../../text/read.ts'
import { quote } from '../../text/fault.ts'
import { oneOf } from '../../text/read.ts'
import { decodePaddedBase64 } from '../../spa/base64.ts'
import { asciiBytes } from '../../spa/bytes.ts'
import { DIGEST_NAMES } from './digest.ts'
import type { DigestName } from './digest.ts'
import { CIPHER_MODES, RIJNDAEL_KEY_MAX_BYTES } from './rijndael.ts'
import type { CipherMode } from './rijndael.ts'

/** The maximum length of an HMAC key, in bytes. fwknop refuses longer ones. */
export const HMAC_KEY_MAX_BYTES = 128

/** Reads `Y` or `N`, in either case. */
export const readFlag: Reader<boolean> = (text) => {
  if (/^(y|yes|1)$/i.test(text)) return { value: true }
  if (/^(n|no|0)$/i.test(text)) return { value: false }
  return { message: `${quote(text)} is neither Y nor N`, hint: 'write `Y` or `N`' }
}

export const readDigestName: Reader<DigestName> = oneOf(DIGEST_NAMES, 'a digest')

/** Reads a mode of Rijndael. The mode `asymmetric` would be GnuPG, which has its own directives. */
export const readCipherMode: Reader<CipherMode> = oneOf(CIPHER_MODES, 'a mode')

function sizedKey(bytes: Uint8Array | undefined, maxBytes: number): Read<Uint8Array> {
  if (bytes === undefined) return { message: 'the key is not base64', hint: 'as `fwknop --key-gen` prints it' }
  if (bytes.length === 0) return { message: 'the key is empty' }
  if (bytes.length > maxBytes) return { message: 'the key is too long', hint: `at most ${maxBytes} bytes` }
  return { value: bytes }
}

/** The placeholder for a key in fwknop's own file, which must be replaced. */
const PLACEHOLDER = /^__CHANGEME__$/i

function keyReader(maxBytes: number, base64: boolean): Reader<Uint8Array> {
  return (text) => {
    if (PLACEHOLDER.test(text)) return { message: 'this is not a key yet', hint: '`fwknop --key-gen` makes one' }
    if (base64) return sizedKey(decodePaddedBase64(text), maxBytes)
    if (!/^[ -~]*$/.test(text)) return { message: 'the key has characters beyond ASCII', hint: 'write it in base64' }
    return sizedKey(asciiBytes(text), maxBytes)
  }
}

export const readKey = keyReader(RIJNDAEL_KEY_MAX_BYTES, false)
export const readKeyBase64 = keyReader(RIJNDAEL_KEY_MAX_BYTES, true)
export const readHmacKey = keyReader(HMAC_KEY_MAX_BYTES, false)
export const readHmacKeyBase64 = keyReader(HMAC_KEY_MAX_BYTES, true)

/** Makes the row of a setting. Lines without a value are refused before, so the form is in no hint. */
export function setting<T>(
  name: string,
  read: Reader<T>,
  variants: Readonly<Record<string, Reader<T>>> = {},
): Directive<T> {
  return row(name, 'VALUE', read, { variants })
}

/** Makes the row of directives without effect. Other values than the harmless ones are refused with a hint. */
export function withoutEffect(names: readonly string[], harmless = /^/, refused?: string): Directive<undefined> {
  const [name = '', ...aliases] = names
  const read: Reader<undefined> = (text) =>
    harmless.test(text) ? { value: undefined } : { message: 'is not supported' }
  return row(name, 'VALUE', read, { aliases, mayBeEmpty: true, ...(refused === undefined ? {} : { refused }) })
}
