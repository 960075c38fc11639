import { createHash } from 'node:crypto'
import { encodeBase64 } from '../base64.ts'
import { asciiBytes } from '../bytes.ts'
import { openEnvelope } from './envelope.ts'
import type { Mismatch } from './envelope.ts'
import { decodeFields } from './fields.ts'
import { openRijndael, readWire } from './packet.ts'
import type { Hmac, Rijndael } from './packet.ts'
import { readRequest } from './request.ts'
import type { Request } from './request.ts'

/** Hash function of what is remembered of a packet. */
const REPLAY_HASH = 'sha256'

/** What a packet of fwknop's says. None of it says whether it is new or allowed. */
export interface Spa {
  /** The name its client gave: whoever has the key can write any. */
  readonly user: string
  /** Seconds since 1970. */
  readonly timestamp: number
  readonly request: Request
  /**
   * The same for every packet that says the same, however it was encrypted: what must be remembered against replay, in
   * base64. fwknopd remembers the packet's text, which without an HMAC can be altered and means the same.
   */
  readonly replayDigest: string
}

/** What opening a packet comes to: short of a `fault`, nothing says that it was meant for this key. */
export type OpenedSpa =
  { readonly spa: Spa } | { readonly mismatch: Mismatch | 'not-fwknop' } | { readonly fault: string }

/** Opens a packet under one stanza's keys: length and characters, the HMAC, and only then decryption. Never throws. */
export function openSpa(packet: Uint8Array, rijndael: Rijndael, hmac: Hmac | undefined): OpenedSpa {
  const wire = readWire(packet)
  if (wire === undefined) return { mismatch: 'not-fwknop' }
  const envelope = openEnvelope(wire, 'rijndael', hmac)
  return 'mismatch' in envelope ? envelope : openMessage(envelope.message, rijndael)
}

/** Opens what an envelope holds: its HMAC, if there is one, has been checked. Never throws. */
export function openMessage(message: Uint8Array, rijndael: Rijndael): OpenedSpa {
  const plain = openRijndael(message, rijndael)
  return plain === undefined ? { mismatch: 'not-an-envelope' } : readSpa(plain)
}

/** Reads a decrypted text, which for GnuPG's packets gpg has decrypted, and whose signature it has checked. */
export function readSpa(plain: Uint8Array): { readonly spa: Spa } | { readonly fault: string } {
  const decoded = decodeFields(plain)
  if ('fault' in decoded) return decoded
  const { user, timestamp } = decoded.fields
  const request = readRequest(decoded.fields)
  if ('fault' in request) return request
  const replayDigest = encodeBase64(createHash(REPLAY_HASH).update(asciiBytes(decoded.text)).digest())
  return { spa: { user, timestamp, request, replayDigest } }
}
