import { sign, verify } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { isRecord } from '../text/record.ts'

/** Most characters of a signed text. etcd takes requests of 1.5 MiB. */
export const SIGNED_MAX_CHARS = 1_048_576

/** Somebody who signs: an operator or a host, by the name that others know. */
export interface Signer {
  readonly name: string
  /** An Ed25519 private key (RFC 8032). */
  readonly key: KeyObject
}

/** A text that was not signed by somebody who may. The message says why (lower case, no full stop). */
export class SignatureError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'SignatureError'
  }
}

/** A value that was signed, and its signer. */
export interface Opened {
  readonly by: string
  readonly body: unknown
}

/**
 * Signs a value for one key of the fleet in etcd. The key is part of what is signed, and holds the fleet's name: so a text
 * that is copied to another key, or to another fleet, is refused there.
 *
 * @param body a value for JSON
 */
export function signText(place: string, body: unknown, { name, key }: Signer): string {
  const text = JSON.stringify(body)
  const signature = sign(null, signedBytes(place, name, text), key).toString('base64url')
  return JSON.stringify({ by: name, body: text, signature })
}

/**
 * Checks the signature of a text from etcd.
 *
 * @param keyOf returns the public key of a signer who may sign here; `undefined`: nobody of that name may
 * @throws SignatureError
 */
export function openSigned(place: string, text: string, keyOf: (name: string) => KeyObject | undefined): Opened {
  const { by, text: body, signature } = partsOf(text)
  const key = keyOf(by)
  if (key === undefined) throw new SignatureError('it is signed by somebody who may not')
  if (!verify(null, signedBytes(place, by, body), key, Buffer.from(signature, 'base64url'))) {
    throw new SignatureError('the signature is wrong')
  }
  return { by, body: parse(body) }
}

/** Reads a text whose signature was checked before. @throws SignatureError if it is no signed text */
export function readSigned(text: string): Opened {
  const { by, text: body } = partsOf(text)
  return { by, body: parse(body) }
}

function partsOf(signed: string): { readonly by: string; readonly text: string; readonly signature: string } {
  if (signed.length > SIGNED_MAX_CHARS) throw new SignatureError('the signed text is too long')
  const parsed = parse(signed)
  if (!isRecord(parsed)) throw new SignatureError('this is not a signed text')
  const { by, body, signature } = parsed
  if (typeof by !== 'string' || typeof body !== 'string' || typeof signature !== 'string') {
    throw new SignatureError('this is not a signed text')
  }
  return { by, text: body, signature }
}

/** Each part is preceded by its length, so that no two places, names and texts give the same bytes. */
function signedBytes(place: string, name: string, text: string): Buffer {
  const parts = ['postern fleet 1', place, name, text].map((part) => Buffer.from(part))
  return Buffer.concat(parts.flatMap((part) => [Buffer.from(`${part.length}\n`), part]))
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new SignatureError('this is not a signed text')
  }
}
