import { decodeBase64, encodeBase64 } from '../../spa/base64.ts'
import { asciiBytes, latin1Text } from '../../spa/bytes.ts'
import { digestOf, matchDigest } from './digest.ts'
import type { DigestName } from './digest.ts'

/** The message types of protocol 3.0.0. */
export const COMMAND = 0
export const ACCESS = 1
export const NAT_ACCESS = 2
export const TIMED_ACCESS = 3
export const TIMED_NAT_ACCESS = 4
export const LOCAL_NAT_ACCESS = 5
export const TIMED_LOCAL_NAT_ACCESS = 6
export type MessageType = 0 | 1 | 2 | 3 | 4 | 5 | 6

/** The protocol version that Postern's client writes, like fwknop 2.6. */
export const PROTOCOL_VERSION = '3.0.0'
/** The longest open time that a client can ask for, in seconds. */
export const TIMEOUT_MAX_S = 65_536
const RANDOM_DIGITS = 16
const USER_MAX_CHARS = 63
const TIMESTAMP_MAX_CHARS = 12
const VERSION_MAX_CHARS = 8
/** The maximum lengths of the base64 fields, in characters of the encoded text. */
const USER_FIELD_MAX_CHARS = 64
const MESSAGE_FIELD_MAX_CHARS = 256
const NAT_FIELD_MAX_CHARS = 128
const SERVER_AUTH_FIELD_MAX_CHARS = 64

/** The fields of a packet's plain text, not yet interpreted. */
export interface Fields {
  /** A random number of 16 decimal digits. */
  readonly random: string
  readonly user: string
  /** The time of the packet, in seconds since 1970. */
  readonly timestamp: number
  readonly version: string
  readonly type: MessageType
  /** An address and ports, or an address and a command. */
  readonly message: string
  /** An address and a port behind the server, for the NAT types only. */
  readonly nat: string | undefined
  /** An obsolete field. */
  readonly serverAuth: string | undefined
  /** Seconds that the door stays open, for the timed types only; 0 means the server's default. */
  readonly timeoutS: number
}

/** The plain text of a packet, and its digest. */
export interface PlainText {
  readonly fields: Fields
  readonly digest: DigestName
  /** The text before the digest, which differs in every packet. */
  readonly text: string
}

/** Returns true if packets of this type name an address behind the server. */
export function hasNat(type: MessageType): boolean {
  return type === NAT_ACCESS || type >= TIMED_NAT_ACCESS
}

/** Returns true if packets of this type name an open time. */
export function hasTimeout(type: MessageType): boolean {
  return type === TIMED_ACCESS || type === TIMED_NAT_ACCESS || type === TIMED_LOCAL_NAT_ACCESS
}

/** Encodes the fields with their digest. The caller must have checked the fields with {@link fieldFault}. */
export function encodeFields(fields: Fields, digest: DigestName): string {
  const { random, user, timestamp, version, type, message, nat, serverAuth, timeoutS } = fields
  const words = [random, base64(user), String(timestamp), version, String(type), base64(message)]
  if (hasNat(type)) words.push(base64(nat ?? ''))
  if (serverAuth !== undefined) words.push(base64(serverAuth))
  if (hasTimeout(type)) words.push(String(timeoutS))
  const text = words.join(':')
  return `${text}:${digestOf(digest, text)}`
}

/** Decodes a decrypted text. A text with a fault usually comes from a client without the key. */
export function decodeFields(bytes: Uint8Array): PlainText | { readonly fault: string } {
  if (!bytes.every((byte) => byte >= 0x20 && byte <= 0x7e)) return { fault: 'not a text' }
  const plain = latin1Text(bytes)
  if (!/^[0-9]{16}:/.test(plain)) return { fault: 'does not begin with 16 digits' }
  const end = plain.lastIndexOf(':')
  const text = plain.slice(0, end)
  const digest = matchDigest(text, plain.slice(end + 1))
  if (digest === undefined) return { fault: 'the digest does not fit' }
  const fields = split(text)
  if ('fault' in fields) return fields
  const fault = fieldFault(fields)
  return fault === undefined ? { fields, digest, text } : { fault }
}

function split(text: string): Fields | { readonly fault: string } {
  const [random = '', userField = '', timestamp = '', version = '', type = '', ...rest] = text.split(':')
  if (!/^[0-9]{1,12}$/.test(timestamp)) return { fault: 'the time is not a number' }
  if (!/^[0-6]$/.test(type)) return { fault: 'there is no such message type' }
  const kind = Number(type) as MessageType
  const timeout = hasTimeout(kind) ? rest.pop() : undefined
  if (timeout !== undefined && !/^[0-9]{1,5}$/.test(timeout)) return { fault: 'the open time is not a number' }
  const [messageField, natField, authField, ...tooMany] = hasNat(kind) ? rest : [rest[0], undefined, ...rest.slice(1)]
  if (messageField === undefined || tooMany.length > 0) return { fault: 'too few or too many fields' }
  if (hasNat(kind) && natField === undefined) return { fault: 'the NAT field is missing' }
  const user = unbase64(userField, USER_FIELD_MAX_CHARS)
  const message = unbase64(messageField, MESSAGE_FIELD_MAX_CHARS)
  const nat = natField === undefined ? undefined : unbase64(natField, NAT_FIELD_MAX_CHARS)
  const serverAuth = authField === undefined ? undefined : unbase64(authField, SERVER_AUTH_FIELD_MAX_CHARS)
  if (user === undefined || message === undefined) return { fault: 'a field is not base64 of a text' }
  if ((natField !== undefined && nat === undefined) || (authField !== undefined && serverAuth === undefined)) {
    return { fault: 'a field is not base64 of a text' }
  }
  const timeoutS = Number(timeout ?? 0)
  return { random, user, timestamp: Number(timestamp), version, type: kind, message, nat, serverAuth, timeoutS }
}

/** Returns the fault in the values of the fields, or `undefined`. */
export function fieldFault(fields: Fields): string | undefined {
  const { random, user, timestamp, version, type, message, nat, serverAuth, timeoutS } = fields
  if (random.length !== RANDOM_DIGITS || !/^[0-9]+$/.test(random)) return 'the random value is not 16 digits'
  if (user === '' || user.length > USER_MAX_CHARS || base64(user).length > USER_FIELD_MAX_CHARS) {
    return 'the user name is empty or too long'
  }
  if (!/^[ -~]+$/.test(user) || /["/\\[\]:;=,+*?<>|]/.test(user)) return 'the user name has characters it cannot have'
  if (!Number.isSafeInteger(timestamp) || timestamp < 0 || String(timestamp).length > TIMESTAMP_MAX_CHARS) {
    return 'the time is out of range'
  }
  if (!/^[!-9;-~]+$/.test(version) || version.length > VERSION_MAX_CHARS) return 'the version is empty or too long'
  if (!isText(message, MESSAGE_FIELD_MAX_CHARS)) return 'the message is empty or too long'
  if (hasNat(type) !== (nat !== undefined)) return 'the NAT field does not fit the message type'
  if (nat !== undefined && !isText(nat, NAT_FIELD_MAX_CHARS)) return 'the NAT field is empty or too long'
  if (serverAuth !== undefined && !isText(serverAuth, SERVER_AUTH_FIELD_MAX_CHARS)) {
    return 'the server authentication is empty or too long'
  }
  if (!Number.isInteger(timeoutS) || timeoutS < 0 || timeoutS > TIMEOUT_MAX_S) return 'the open time is out of range'
  return timeoutS > 0 && !hasTimeout(type) ? 'the open time does not fit the message type' : undefined
}

function isText(text: string, fieldMaxChars: number): boolean {
  return /^[ -~]+$/.test(text) && base64(text).length <= fieldMaxChars
}

function base64(text: string): string {
  return encodeBase64(asciiBytes(text))
}

function unbase64(field: string, maxChars: number): string | undefined {
  if (field.length > maxChars) return undefined
  const bytes = decodeBase64(field)
  if (bytes === undefined || !bytes.every((byte) => byte >= 0x20 && byte <= 0x7e)) return undefined
  return latin1Text(bytes)
}
