import { createCipheriv, createDecipheriv, createHash } from 'node:crypto'
import { asciiBytes, concatenate } from '../../spa/bytes.ts'

/** The modes of fwknop's Rijndael that fwknopd accepts. `legacy` is CBC with padded short passwords, as before 2.5. */
export type CipherMode = 'cbc' | 'ecb' | 'cfb' | 'ofb' | 'ctr' | 'legacy'

export const CIPHER_MODES: readonly CipherMode[] = ['cbc', 'ecb', 'cfb', 'ofb', 'ctr', 'legacy']

/** The size of a block, in bytes. */
export const BLOCK_BYTES = 16
/** The maximum length of a Rijndael key, in bytes. fwknop refuses longer ones. */
export const RIJNDAEL_KEY_MAX_BYTES = 32
/** The length of the salt for the key derivation, in bytes. */
export const SALT_BYTES = 8
/** The text before the salt, as in OpenSSL's `enc`. */
export const SALTED = asciiBytes('Salted__')

const KEY_BYTES = 32
/** The length of a password in legacy mode, in bytes. It is padded with the digit zero. */
const LEGACY_KEY_BYTES = 16
const LEGACY_FILL = '0'.charCodeAt(0)

/** Derives the key and the initialization vector like OpenSSL's `enc -md md5`: MD5 chained over password and salt. */
export function deriveKey(
  password: Uint8Array,
  salt: Uint8Array,
  mode: CipherMode,
): { readonly key: Uint8Array; readonly iv: Uint8Array } {
  const secret = mode === 'legacy' ? legacyPassword(password) : password
  let chained = new Uint8Array()
  let last: Uint8Array = new Uint8Array()
  while (chained.length < KEY_BYTES + BLOCK_BYTES) {
    last = createHash('md5').update(last).update(secret).update(salt).digest()
    chained = concatenate(chained, last)
  }
  return { key: chained.subarray(0, KEY_BYTES), iv: chained.subarray(KEY_BYTES, KEY_BYTES + BLOCK_BYTES) }
}

function legacyPassword(password: Uint8Array): Uint8Array {
  const filled = new Uint8Array(LEGACY_KEY_BYTES).fill(LEGACY_FILL)
  filled.set(password.subarray(0, LEGACY_KEY_BYTES))
  return filled
}

function cipherName(mode: CipherMode): string {
  return `aes-256-${mode === 'legacy' ? 'cbc' : mode}`
}

/** Returns `Salted__`, the salt, and the cipher text. In each mode the text is padded to whole blocks (PKCS#7). */
export function encrypt(plain: Uint8Array, password: Uint8Array, salt: Uint8Array, mode: CipherMode): Uint8Array {
  const { key, iv } = deriveKey(password, salt, mode)
  const cipher = createCipheriv(cipherName(mode), key, mode === 'ecb' ? null : iv).setAutoPadding(false)
  const fill = BLOCK_BYTES - (plain.length % BLOCK_BYTES)
  const filled = concatenate(plain, new Uint8Array(fill).fill(fill))
  return concatenate(SALTED, salt, cipher.update(filled), cipher.final())
}

/**
 * Decrypts the output of {@link encrypt}. Some old clients do not pad, so bytes that are not padding remain, and the
 * digest decides if the text is valid. Returns `undefined` if the length fits no cipher text.
 */
export function decrypt(message: Uint8Array, password: Uint8Array, mode: CipherMode): Uint8Array | undefined {
  const start = SALTED.length + SALT_BYTES
  if (message.length <= start || message.length % BLOCK_BYTES !== 0) return undefined
  const { key, iv } = deriveKey(password, message.subarray(SALTED.length, start), mode)
  const decipher = createDecipheriv(cipherName(mode), key, mode === 'ecb' ? null : iv).setAutoPadding(false)
  return withoutFilling(concatenate(decipher.update(message.subarray(start)), decipher.final()))
}

function withoutFilling(plain: Uint8Array): Uint8Array {
  const fill = plain.at(-1) ?? 0
  if (fill < 1 || fill > BLOCK_BYTES) return plain
  const end = plain.length - fill
  return plain.subarray(end).every((byte) => byte === fill) ? plain.subarray(0, end) : plain
}
