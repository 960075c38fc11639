import { quote } from '../../config/fault.ts'
import { parseAddress } from '../../packet/address.ts'
import type { Address } from '../../packet/address.ts'
import { decodePaddedBase64 } from '../../spa/base64.ts'
import { asciiBytes } from '../../spa/bytes.ts'
import { DIGEST_NAMES } from './digest.ts'
import type { DigestName } from './digest.ts'
import { CIPHER_MODES, RIJNDAEL_KEY_MAX_BYTES } from './rijndael.ts'
import type { CipherMode } from './rijndael.ts'

/** The maximum length of an HMAC key, in bytes. fwknop refuses longer ones. */
export const HMAC_KEY_MAX_BYTES = 128

/** A value, or its fault with a hint. Neither repeats a secret. */
export type Value<T> = { readonly value: T } | { readonly fault: string; readonly hint?: string }

/** Reads one value of fwknop's files. */
export type ReadValue<T> = (text: string) => Value<T>

/** Reads `Y` or `N`, in either case. */
export const readFlag: ReadValue<boolean> = (text) => {
  if (/^(y|yes|1)$/i.test(text)) return { value: true }
  if (/^(n|no|0)$/i.test(text)) return { value: false }
  return { fault: `${quote(text)} is neither Y nor N`, hint: 'write `Y` or `N`' }
}

/** Reads a whole number between both bounds, which are included. */
export function readNumber(min: number, max: number): ReadValue<number> {
  return (text) => {
    const value = /^[0-9]{1,12}$/.test(text) ? Number(text) : Number.NaN
    if (value >= min && value <= max) return { value }
    return { fault: `${quote(text)} is not a number in range`, hint: `a whole number from ${min} to ${max}` }
  }
}

export const readAnyAddress: ReadValue<Address> = (text) => {
  const value = parseAddress(text)
  return value === undefined
    ? { fault: `${quote(text)} is not an address`, hint: 'as in 192.0.2.7 or 2001:db8::7' }
    : { value }
}

export const readDigestName: ReadValue<DigestName> = (text) => {
  const value = DIGEST_NAMES.find((name) => name === text.toLowerCase())
  return value === undefined
    ? { fault: `${quote(text)} is not a digest`, hint: `one of ${DIGEST_NAMES.join(', ')}` }
    : { value }
}

/** Reads a mode of Rijndael. The mode `asymmetric` would be GnuPG, which has its own directives. */
export const readCipherMode: ReadValue<CipherMode> = (text) => {
  const value = CIPHER_MODES.find((name) => name === text.toLowerCase())
  return value === undefined
    ? { fault: `${quote(text)} is not a mode`, hint: `one of ${CIPHER_MODES.join(', ')}` }
    : { value }
}

function sizedKey(bytes: Uint8Array | undefined, maxBytes: number): Value<Uint8Array> {
  if (bytes === undefined) return { fault: 'the key is not base64', hint: 'as `fwknop --key-gen` prints it' }
  if (bytes.length === 0) return { fault: 'the key is empty' }
  if (bytes.length > maxBytes) return { fault: 'the key is too long', hint: `at most ${maxBytes} bytes` }
  return { value: bytes }
}

/** The placeholder for a key in fwknop's own file, which must be replaced. */
const PLACEHOLDER = /^__CHANGEME__$/i

function keyReader(maxBytes: number, base64: boolean): ReadValue<Uint8Array> {
  return (text) => {
    if (PLACEHOLDER.test(text)) return { fault: 'this is not a key yet', hint: '`fwknop --key-gen` makes one' }
    if (base64) return sizedKey(decodePaddedBase64(text), maxBytes)
    if (!/^[ -~]*$/.test(text)) return { fault: 'the key has characters beyond ASCII', hint: 'write it in base64' }
    return sizedKey(asciiBytes(text), maxBytes)
  }
}

export const readKey = keyReader(RIJNDAEL_KEY_MAX_BYTES, false)
export const readKeyBase64 = keyReader(RIJNDAEL_KEY_MAX_BYTES, true)
export const readHmacKey = keyReader(HMAC_KEY_MAX_BYTES, false)
export const readHmacKeyBase64 = keyReader(HMAC_KEY_MAX_BYTES, true)

/** Reads any text. */
export const readText: ReadValue<string> = (text) => ({ value: text })
