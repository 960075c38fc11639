import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPublicKey,
  diffieHellman,
  hkdfSync,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { isRecord } from '../text/record.ts'
import { publicKeyOf } from './hosts.ts'
import type { Versions } from './least-versions.ts'
import { openSigned, signText } from './signed.ts'
import type { Signer } from './signed.ts'

/** The first word of a token, which has its version. */
const PREFIX = 'postern1.'
/** Most characters of a token: a terminal takes lines of 4,096 (termios(3)), and an own authority's certificates may be longer. */
export const TOKEN_MAX_CHARS = 16_384
/** Bytes of a token's secret and of its number. */
const SECRET_BYTES = 32
const ID_BYTES = 8
/** Bytes of the checksum at the end of a token, which tells an incomplete one. */
const CHECK_BYTES = 4
/** Most characters of a request and of an answer in etcd. */
export const MESSAGE_MAX_CHARS = 65_536
const IV_BYTES = 12
const TAG_BYTES = 16
const CIPHER = 'aes-256-gcm'
const FINGERPRINT_CHARS = 16

/** An invitation, as the token has it. */
export interface Invitation {
  readonly fleet: string
  readonly host: string
  readonly endpoints: readonly string[]
  /** The time at which it expires, in milliseconds since 1970, by the operator's clock. */
  readonly until: number
  /** The number of the invitation in etcd, in hexadecimal digits. */
  readonly id: string
  readonly secret: Buffer
  /** The Ed25519 key of the operator who signs the answer, 32 bytes in base64. */
  readonly operator: string
  /** PEM: the authority of etcd's certificates. */
  readonly ca: string
  /** PEM: a client certificate for the time of the invitation, and its key; `undefined`: the host has its own. */
  readonly client: { readonly cert: string; readonly key: string } | undefined
  readonly login: { readonly name: string; readonly password: string } | undefined
}

/** The request of a host, which the token's secret authenticates. */
export interface JoinRequest {
  /** The Ed25519 key with which the host will sign, 32 bytes in base64. */
  readonly sign: string
  /** The public key of its TLS certificate in PEM; absent: it has a certificate. */
  readonly tls?: string
  /** An X25519 public key in base64 (DER, SPKI), for this answer alone. */
  readonly dh: string
  /** The clock of the host, in milliseconds since 1970. */
  readonly at: number
}

/** The answer of the operator. */
export type JoinAnswer =
  | { readonly refused: string }
  | {
      /** PEM; absent: the host has a certificate. */
      readonly cert?: string
      readonly ca: string
      /** The fleet's key in base64. */
      readonly fleetKey: string
      readonly endpoints: readonly string[]
      readonly operators: readonly { readonly name: string; readonly key: string }[]
      readonly groups: readonly string[]
      /** The newest versions that the operator knows: the host refuses older ones. */
      readonly least: Versions
      readonly login?: { readonly name: string; readonly password: string }
    }

/** The answer to a host that the operator accepts. */
export type Accepted = Exclude<JoinAnswer, { readonly refused: string }>

/** Makes the number and the secret of an invitation. @param random returns random bytes */
export function newInvitation(random: (bytes: number) => Buffer = randomBytes): Pick<Invitation, 'id' | 'secret'> {
  return { id: random(ID_BYTES).toString('hex'), secret: random(SECRET_BYTES) }
}

/** Formats a token: one word. */
export function tokenOf({
  fleet,
  host,
  endpoints,
  until,
  id,
  secret,
  operator,
  ca,
  client,
  login,
}: Invitation): string {
  const authorities = blocksOf(ca)
  const head = JSON.stringify({ fleet, host, endpoints, until, id, operator, authorities: authorities.length, login })
  const own = client === undefined ? [] : [...blocksOf(client.cert), ...blocksOf(client.key)]
  const bytes = Buffer.concat(
    [Buffer.from(head), secret, ...authorities, ...own].flatMap((part) => [lengthOf(part), part]),
  )
  return PREFIX + Buffer.concat([bytes, checkOf(bytes)]).toString('base64url')
}

/** Reads a token. The message of a fault says what is wrong with it. */
export function readToken(text: string): Invitation | { readonly message: string } {
  if (!text.startsWith(PREFIX)) return { message: `this is not a token: it begins with ${PREFIX}` }
  const bytes = Buffer.from(text.slice(PREFIX.length), 'base64url')
  const [content, check] = [bytes.subarray(0, -CHECK_BYTES), bytes.subarray(-CHECK_BYTES)]
  const incomplete = { message: 'the token is not complete: copy all of it' }
  if (text.length > TOKEN_MAX_CHARS || !checkOf(content).equals(check)) return incomplete
  const [head, secret, ...blocks] = partsOf(content)
  const fields = jsonOf(String(head))
  if (!isHead(fields) || secret?.length !== SECRET_BYTES) return incomplete
  const { authorities, login, ...rest } = fields
  const [cert, key] = blocks.slice(authorities)
  return {
    ...rest,
    secret,
    ca: blocks
      .slice(0, authorities)
      .map((block) => pemOf('CERTIFICATE', block))
      .join(''),
    client: cert && key && { cert: pemOf('CERTIFICATE', cert), key: pemOf('PRIVATE KEY', key) },
    login,
  }
}

/** Formats a message to the operator, authenticated by the token's secret. */
export function authenticated(invitation: Secret, body: unknown): string {
  const text = JSON.stringify(body)
  return JSON.stringify({ body: text, mac: macOf(invitation, text).toString('base64url') })
}

/** Reads a message to the operator; `undefined`: its writer does not know the token's secret. */
export function readAuthenticated(invitation: Secret, text: string): unknown {
  const parsed = jsonOf(text)
  if (!isRecord(parsed)) return undefined
  const { body, mac } = parsed
  if (typeof body !== 'string' || typeof mac !== 'string') return undefined
  const [given, right] = [Buffer.from(mac, 'base64url'), macOf(invitation, body)]
  return given.length === right.length && timingSafeEqual(given, right) ? jsonOf(body) : undefined
}

/** Reads the request of a host; `undefined`: it is malformed. */
export function readRequest(body: unknown): JoinRequest | undefined {
  if (!isRecord(body)) return undefined
  const { sign, tls, dh, at } = body
  if (typeof sign !== 'string' || publicKeyOf(sign) === undefined) return undefined
  if (typeof dh !== 'string' || typeof at !== 'number' || !Number.isSafeInteger(at)) return undefined
  if (tls === undefined) return { sign, dh, at }
  return typeof tls === 'string' ? { sign, tls, dh, at } : undefined
}

/**
 * Signs and encrypts the answer to the host that asked: only who has the private half of the host's key can read it, and
 * only the operator whose key is in the token can have made it. A thief of the token has its secret, too.
 *
 * @param own an X25519 key pair for this answer alone
 * @throws Error if the host's key is malformed
 */
export function sealAnswer(invitation: Secret, answer: JoinAnswer, to: string, own: KeyPair, signer: Signer): string {
  const iv = randomBytes(IV_BYTES)
  const cipher = createCipheriv(CIPHER, boxKey(invitation, own.privateKey, to), iv)
  const box = Buffer.concat([
    iv,
    cipher.update(signText(placeOf(invitation, to), answer, signer)),
    cipher.final(),
    cipher.getAuthTag(),
  ])
  return JSON.stringify({ dh: exported(own.publicKey), box: box.toString('base64url') })
}

/** Decrypts the answer; `undefined`: it was made by somebody else than the operator, or for another host. */
export function openAnswer(
  invitation: Secret & Pick<Invitation, 'operator'>,
  text: string,
  own: KeyPair,
): JoinAnswer | undefined {
  const parsed = jsonOf(text)
  if (!isRecord(parsed) || typeof parsed['dh'] !== 'string' || typeof parsed['box'] !== 'string') return undefined
  try {
    const box = Buffer.from(parsed['box'], 'base64url')
    const decipher = createDecipheriv(
      CIPHER,
      boxKey(invitation, own.privateKey, parsed['dh']),
      box.subarray(0, IV_BYTES),
    )
    decipher.setAuthTag(box.subarray(-TAG_BYTES))
    const body = Buffer.concat([decipher.update(box.subarray(IV_BYTES, -TAG_BYTES)), decipher.final()])
    const place = placeOf(invitation, exported(own.publicKey))
    // Only the operator can have signed it.
    return openSigned(place, body.toString(), () => publicKeyOf(invitation.operator)).body as JoinAnswer
  } catch {
    return undefined
  }
}

/** Formats the fingerprint of a host's key, which both sides show. */
export function fingerprint(key: string): string {
  const digits = createHash('sha256').update(Buffer.from(key, 'base64')).digest('hex').slice(0, FINGERPRINT_CHARS)
  return digits.match(/.{4}/g)!.join('-')
}

/** The parts of an invitation that authenticate its messages. */
export type Secret = Pick<Invitation, 'fleet' | 'host' | 'id' | 'secret'>

interface KeyPair {
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
}

/** Formats an X25519 public key in base64 (DER, SPKI). */
export function exported(key: KeyObject): string {
  return key.export({ format: 'der', type: 'spki' }).toString('base64')
}

function boxKey(invitation: Secret, own: KeyObject, other: string): Buffer {
  const publicKey = createPublicKey({ key: Buffer.from(other, 'base64'), format: 'der', type: 'spki' })
  const shared = diffieHellman({ privateKey: own, publicKey })
  return Buffer.from(hkdfSync('sha256', shared, invitation.secret, contextOf('answer', invitation), 32))
}

/** The place of an answer that is signed: it is for the host that has a key, and for nobody else. */
function placeOf(invitation: Secret, to: string): string {
  return `${contextOf('answer', invitation)} ${to}`
}

function macOf(invitation: Secret, body: string): Buffer {
  const key = Buffer.from(hkdfSync('sha256', invitation.secret, '', contextOf('request', invitation), 32))
  return createHmac('sha256', key).update(body).digest()
}

function contextOf(what: string, { fleet, host, id }: Secret): string {
  return `postern fleet join 1 ${what} ${fleet} ${host} ${id}`
}

interface Head extends Omit<Invitation, 'secret' | 'ca' | 'client'> {
  readonly authorities: number
}

function isHead(value: unknown): value is Head {
  if (!isRecord(value)) return false
  const { fleet, host, endpoints, until, id, operator, authorities } = value
  const isText = [fleet, host, id, ...(Array.isArray(endpoints) ? endpoints : [undefined])].every(isString)
  if (typeof operator !== 'string' || publicKeyOf(operator) === undefined) return false
  return isText && typeof until === 'number' && typeof authorities === 'number'
}

function isString(value: unknown): value is string {
  return typeof value === 'string'
}

function lengthOf(part: Buffer): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(part.length)
  return length
}

function partsOf(bytes: Buffer): readonly Buffer[] {
  const parts: Buffer[] = []
  for (let at = 0; at + 2 <= bytes.length;) {
    const length = bytes.readUInt16BE(at)
    parts.push(bytes.subarray(at + 2, at + 2 + length))
    at += 2 + length
  }
  return parts
}

function checkOf(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest().subarray(0, CHECK_BYTES)
}

/** Returns the bytes of each block of PEM (RFC 7468). */
function blocksOf(pem: string): readonly Buffer[] {
  const blocks = pem.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----([^-]+)-----END \1-----/g)
  return [...blocks].map(([, , text = '']) => Buffer.from(text, 'base64'))
}

function pemOf(label: string, bytes: Buffer): string {
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}

function jsonOf(text: string): unknown {
  if (text.length > MESSAGE_MAX_CHARS) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
