import { readOnlyLine } from '../text/lines.ts'
import type { Read } from '../text/read.ts'
import { fromBase32, toBase32 } from './base32.ts'
import { ALGORITHMS } from './secret.ts'
import type { Algorithm, TotpSecret } from './secret.ts'

/** The default digits and period of a URI, which every app supports. */
const DIGITS_DEFAULT = 6
const PERIOD_DEFAULT_S = 30
export const DIGITS_MIN = 6
export const DIGITS_MAX = 8
export const PERIOD_MIN_S = 5
export const PERIOD_MAX_S = 3_600
/** The minimum length of a key, in bytes: 128 bits (RFC 4226, 4, R6). */
export const KEY_MIN_BYTES = 16
/** The maximum length of a key, in bytes: the block of SHA-512. */
export const KEY_MAX_BYTES = 128
/** The maximum size of a secret's file, in bytes. */
export const SECRET_FILE_MAX_BYTES = 4_096

/**
 * Reads the file of a secret. Apart from comments (`#`) and blank lines it has one line. The line is an otpauth URI
 * (Google's Key Uri Format) or a base32 key, whose codes have 8 digits.
 */
export function readSecret(text: string): Read<TotpSecret> {
  const none = { message: 'contains no secret', hint: 'postern keygen totp DOOR makes one' }
  const line = readOnlyLine(text, none, 'one otpauth URI, or one key in base32')
  if ('message' in line) return line
  return line.value.includes(':') ? readUri(line.value) : withKey(line.value, 'SHA1', DIGITS_MAX, PERIOD_DEFAULT_S)
}

function readUri(text: string): Read<TotpSecret> {
  const match = /^otpauth:\/\/totp\/[^?]*\?(.*)$/i.exec(text)
  if (match === null)
    return { message: 'is not an otpauth URI of a time-based code', hint: 'it begins with `otpauth://totp/`' }
  const query = new Map(
    match[1]!.split('&').map((pair): [string, string] => {
      const [name = '', value = ''] = pair.split('=')
      return [name.toLowerCase(), decoded(value)]
    }),
  )
  const algorithm = (query.get('algorithm') ?? 'SHA1').toUpperCase().replace('-', '') as Algorithm
  if (!ALGORITHMS.includes(algorithm)) return { message: 'names an unknown algorithm', hint: ALGORITHMS.join(', ') }
  const digits = Number(query.get('digits') ?? DIGITS_DEFAULT)
  if (!Number.isInteger(digits) || digits < DIGITS_MIN || digits > DIGITS_MAX) {
    return { message: 'has an invalid number of digits', hint: `${DIGITS_MIN} to ${DIGITS_MAX} digits` }
  }
  const periodS = Number(query.get('period') ?? PERIOD_DEFAULT_S)
  if (!Number.isInteger(periodS) || periodS < PERIOD_MIN_S || periodS > PERIOD_MAX_S) {
    return { message: 'has an invalid period', hint: `${PERIOD_MIN_S} to ${PERIOD_MAX_S} seconds` }
  }
  return withKey(query.get('secret') ?? '', algorithm, digits, periodS)
}

function withKey(text: string, algorithm: Algorithm, digits: number, periodS: number): Read<TotpSecret> {
  const key = fromBase32(text)
  if (key === undefined)
    return { message: 'has a key that is not base32', hint: 'base32 has letters a to z and digits 2 to 7' }
  if (key.length < KEY_MIN_BYTES) {
    return { message: 'has a key that is too short', hint: `${KEY_MIN_BYTES} bytes at least: 26 letters` }
  }
  if (key.length > KEY_MAX_BYTES)
    return { message: 'has a key that is too long', hint: `at most ${KEY_MAX_BYTES} bytes` }
  return { value: { key, algorithm, digits, periodS } }
}

/** Returns the otpauth URI of a secret, for a file or a QR code. */
export function secretUri({ key, algorithm, digits, periodS }: TotpSecret, host: string, door: string): string {
  const label = `${encodeURIComponent(host)}:${encodeURIComponent(door)}`
  const query = `secret=${toBase32(key)}&issuer=${encodeURIComponent(host)}`
  return `otpauth://totp/${label}?${query}&algorithm=${algorithm}&digits=${digits}&period=${periodS}`
}

/**
 * Returns an otpauth URI without the parameters that have their default value (Google's Key Uri Format). It is the same
 * secret for every app, and makes a smaller QR code.
 */
export function shortUri(uri: string): string {
  return uri.replaceAll(/&(?:algorithm=SHA1|digits=6|period=30)(?=&|$)/g, '')
}

/** Invalid percent-encoding stays unchanged. The reader of the value refuses it. */
function decoded(value: string): string {
  try {
    return decodeURIComponent(value)
  } catch {
    return value
  }
}
