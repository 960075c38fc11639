import { encodeBase64, isBase64Char } from '../../spa/base64.ts'
import { asciiBytes, latin1Text } from '../../spa/bytes.ts'
import { hmacOf } from './digest.ts'
import type { DigestName } from './digest.ts'
import { decrypt, encrypt, SALT_BYTES } from './rijndael.ts'
import type { CipherMode } from './rijndael.ts'

/** The shortest and the longest packet that fwknopd accepts, in bytes. */
export const PACKET_MIN_BYTES = 140
export const PACKET_MAX_BYTES = 1_500
/** The length from which fwknopd treats a packet as a GnuPG one, in characters. */
export const GNUPG_MIN_CHARS = 400
/** The common beginning of all Rijndael packets: the base64 of `Salted__` up to the salt. */
const RIJNDAEL_PREFIX = 'U2FsdGVkX1'
/** The common beginning of GnuPG packets: a message to an RSA key of about 2,048 bits (RFC 4880, 5.1). */
const GNUPG_PREFIX = 'hQ'

/** The key and the digest of an HMAC. */
export interface Hmac {
  readonly key: Uint8Array
  readonly digest: DigestName
}

/** The key and the mode of Rijndael. */
export interface Rijndael {
  readonly key: Uint8Array
  readonly mode: CipherMode
}

/** The encryption of a packet's text. */
export type Envelope = 'rijndael' | 'gnupg'

/** The prefixes that clients leave out of the packet. */
export const PREFIXES: Readonly<Record<Envelope, string>> = { rijndael: RIJNDAEL_PREFIX, gnupg: GNUPG_PREFIX }

/**
 * Encrypts a plain text into a packet.
 *
 * @param salt 8 random bytes
 */
export function sealRijndael(
  plain: string,
  { key, mode }: Rijndael,
  hmac: Hmac | undefined,
  salt: Uint8Array,
): Uint8Array {
  if (salt.length !== SALT_BYTES) throw new RangeError('a salt has 8 bytes')
  return seal(encrypt(asciiBytes(plain), key, salt, mode), 'rijndael', hmac)
}

/**
 * Makes a packet of a message that gpg encrypted. Returns `undefined` if its key is not an RSA or ElGamal key of the
 * usual size: fwknop omits two characters that only such a message has.
 */
export function sealGnupg(message: Uint8Array, hmac: Hmac | undefined): Uint8Array | undefined {
  return encodeBase64(message.subarray(0, 3)).startsWith(GNUPG_PREFIX) ? seal(message, 'gnupg', hmac) : undefined
}

function seal(message: Uint8Array, envelope: Envelope, hmac: Hmac | undefined): Uint8Array {
  const full = encodeBase64(message)
  const mac = hmac === undefined ? '' : hmacOf(hmac.digest, hmac.key, full)
  return asciiBytes(full.slice(PREFIXES[envelope].length) + mac)
}

/**
 * Returns a packet's text if it can be from fwknop. It checks the length, the characters, and that the prefix is
 * omitted.
 */
export function readWire(packet: Uint8Array): string | undefined {
  if (packet.length < PACKET_MIN_BYTES || packet.length > PACKET_MAX_BYTES) return undefined
  // The bytes come first, because most datagrams are not from fwknop and fail at one of the first bytes.
  for (let index = 0; index < packet.length; index++) if (!isBase64Char(packet[index]!)) return undefined
  const wire = latin1Text(packet)
  if (wire.startsWith(RIJNDAEL_PREFIX)) return undefined
  return wire.length > GNUPG_MIN_CHARS && wire.startsWith(GNUPG_PREFIX) ? undefined : wire
}

/** Decrypts a message. The bytes are meaningful only if the key was right. */
export function openRijndael(message: Uint8Array, { key, mode }: Rijndael): Uint8Array | undefined {
  return decrypt(message, key, mode)
}
