import { createHash } from 'node:crypto'
import { encodeBase64 } from '../../spa/base64.ts'
import { asciiBytes } from '../../spa/bytes.ts'
import { openEnvelope } from './envelope.ts'
import type { Mismatch } from './envelope.ts'
import { decodeFields } from './fields.ts'
import { openRijndael, readWire } from './packet.ts'
import type { Hmac, Rijndael } from './packet.ts'
import { readRequest } from './request.ts'
import type { Request } from './request.ts'

/** The hash function of the digest that detects a replay. */
const REPLAY_HASH = 'sha256'

/** The contents of a fwknop packet, not yet checked for replay or permission. */
export interface Spa {
  /** The name that the client gave. Any holder of the key can write any name. */
  readonly user: string
  /** The time of the packet, in seconds since 1970. */
  readonly timestamp: number
  readonly request: Request
  /**
   * The digest to remember against replay, in base64. It is the same for the same plain text, however that was
   * encrypted. fwknopd remembers the packet's text, which can be altered without changing its meaning if there is no
   * HMAC.
   */
  readonly replayDigest: string
}

/** The result of opening a packet. Only a `fault` shows that the packet was meant for this key. */
export type OpenedSpa =
  { readonly spa: Spa } | { readonly mismatch: Mismatch | 'not-fwknop' } | { readonly fault: string }

/**
 * Opens a packet with one stanza's keys. It checks length and characters, then the HMAC, and decrypts last. Never
 * throws.
 */
export function openSpa(packet: Uint8Array, rijndael: Rijndael, hmac: Hmac | undefined): OpenedSpa {
  const wire = readWire(packet)
  if (wire === undefined) return { mismatch: 'not-fwknop' }
  const envelope = openEnvelope(wire, 'rijndael', hmac)
  return 'mismatch' in envelope ? envelope : openMessage(envelope.message, rijndael)
}

/** Opens the message of an envelope whose HMAC, if any, has been checked. Never throws. */
export function openMessage(message: Uint8Array, rijndael: Rijndael): OpenedSpa {
  const plain = openRijndael(message, rijndael)
  return plain === undefined ? { mismatch: 'not-an-envelope' } : readSpa(plain)
}

/** Reads a decrypted text. For GnuPG packets, gpg has decrypted the text and checked its signature. */
export function readSpa(plain: Uint8Array): { readonly spa: Spa } | { readonly fault: string } {
  const decoded = decodeFields(plain)
  if ('fault' in decoded) return decoded
  const { user, timestamp } = decoded.fields
  const request = readRequest(decoded.fields)
  if ('fault' in request) return request
  const replayDigest = encodeBase64(createHash(REPLAY_HASH).update(asciiBytes(decoded.text)).digest())
  return { spa: { user, timestamp, request, replayDigest } }
}
