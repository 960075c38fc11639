import { asciiBytes } from '../bytes.ts'
import { hmac } from './symmetric.ts'

/** The version of the format: the last byte. It is the prologue of each handshake, and begins the label of tags. */
export const VERSION = 'postern spa 2'
/** The length of a user's tag, in bytes. */
export const USER_TAG_BYTES = 16
/** The longest SPA_Max_Age whose tags contain a minute, in milliseconds. */
export const TAG_AGE_MAX_MS = 600_000

const MINUTE_MS = 60_000
const LABEL = asciiBytes(`${VERSION} tag`)
/** The number of the only block that HKDF needs here (RFC 5869, 2.3). */
const BLOCK = Uint8Array.of(1)
const WORD = 2 ** 32

/** Returns true if tags contain a minute where packets may have this age; `undefined` or 0: any age. */
export function hasMinute(maxAgeMs: number | undefined): maxAgeMs is number {
  return maxAgeMs !== undefined && maxAgeMs > 0 && maxAgeMs <= TAG_AGE_MAX_MS
}

/** Returns the minute of a time: whole minutes since 1970, of milliseconds since then. */
export function minuteOf(unixMs: number): number {
  return Math.floor(unixMs / MINUTE_MS)
}

/** Returns the time at which a minute begins, in milliseconds since 1970. */
export function minuteStart(minute: number): number {
  return minute * MINUTE_MS
}

/**
 * Derives the key of a user's tags by HKDF-SHA-256 (RFC 5869). Both public keys are its context, so that the tags of two
 * servers or users have nothing in common.
 *
 * @param secret the shared secret of the server's and the user's static keys
 */
export function tagKeyOf(secret: Uint8Array, server: Uint8Array, user: Uint8Array): Uint8Array {
  return hmac(hmac(LABEL, secret), server, user, BLOCK)
}

/** Returns a user's tag for a minute since 1970; `undefined`: the one without a minute. */
export function tagOf(key: Uint8Array, minute: number | undefined): Uint8Array {
  return hmac(key, ...(minute === undefined ? [] : [minuteBytes(minute)])).subarray(0, USER_TAG_BYTES)
}

/** Returns what a tag of a minute is the code of: eight bytes, big-endian. */
function minuteBytes(minute: number): Uint8Array {
  const bytes = new Uint8Array(8)
  const view = new DataView(bytes.buffer)
  view.setInt32(0, Math.floor(minute / WORD))
  view.setUint32(4, minute >>> 0)
  return bytes
}
