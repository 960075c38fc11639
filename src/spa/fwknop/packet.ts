import { encodeBase64, isBase64Char } from '../base64.ts'
import { asciiBytes, latin1Text } from '../bytes.ts'
import { hmacOf } from './digest.ts'
import type { DigestName } from './digest.ts'
import { decrypt, encrypt, SALT_BYTES } from './rijndael.ts'
import type { CipherMode } from './rijndael.ts'

/** Shortest and longest packet fwknopd looks at, in bytes. */
export const PACKET_MIN_BYTES = 140
export const PACKET_MAX_BYTES = 1_500
/** From this length on fwknopd takes a packet for a GnuPG one, in characters. */
export const GNUPG_MIN_CHARS = 400
/** What every Rijndael packet would begin with: the base64 of `Salted__`, as far as it does not depend on the salt. */
const RIJNDAEL_PREFIX = 'U2FsdGVkX1'
/** The same for what GnuPG makes: the first packet of a message to an RSA key of 2,048 bits or so (RFC 4880, 5.1). */
const GNUPG_PREFIX = 'hQ'

/** The key of the HMAC, and which it is. */
export interface Hmac {
  readonly key: Uint8Array
  readonly digest: DigestName
}

/** The key of Rijndael, and how it is used. */
export interface Rijndael {
  readonly key: Uint8Array
  readonly mode: CipherMode
}

/** How a text is encrypted on its way. */
export type Envelope = 'rijndael' | 'gnupg'

/** What stands in front of a text before it is sent, and is left out on its way. */
export const PREFIXES: Readonly<Record<Envelope, string>> = { rijndael: RIJNDAEL_PREFIX, gnupg: GNUPG_PREFIX }

/** A plain text as a packet. `salt` is 8 random bytes. */
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
 * What gpg made of a plain text, as a packet; `undefined` where it cannot be one, since its key is not an RSA or ElGamal
 * key of the usual size: fwknop leaves out two characters that only such a message has.
 */
export function sealGnupg(message: Uint8Array, hmac: Hmac | undefined): Uint8Array | undefined {
  return encodeBase64(message.subarray(0, 3)).startsWith(GNUPG_PREFIX) ? seal(message, 'gnupg', hmac) : undefined
}

function seal(message: Uint8Array, envelope: Envelope, hmac: Hmac | undefined): Uint8Array {
  const full = encodeBase64(message)
  const mac = hmac === undefined ? '' : hmacOf(hmac.digest, hmac.key, full)
  return asciiBytes(full.slice(PREFIXES[envelope].length) + mac)
}

/** A packet's text, if it can be fwknop's at all: its length, its characters, and no prefix that clients leave out. */
export function readWire(packet: Uint8Array): string | undefined {
  if (packet.length < PACKET_MIN_BYTES || packet.length > PACKET_MAX_BYTES) return undefined
  // Bytes first: most datagrams are other people's, and end here at one of the first.
  for (let index = 0; index < packet.length; index++) if (!isBase64Char(packet[index]!)) return undefined
  const wire = latin1Text(packet)
  if (wire.startsWith(RIJNDAEL_PREFIX)) return undefined
  return wire.length > GNUPG_MIN_CHARS && wire.startsWith(GNUPG_PREFIX) ? undefined : wire
}

/** The bytes that were encrypted; they make sense only if the key was the right one. */
export function openRijndael(message: Uint8Array, { key, mode }: Rijndael): Uint8Array | undefined {
  return decrypt(message, key, mode)
}
