import { createHash, timingSafeEqual } from 'node:crypto'
import { asciiBytes, concatenate } from '../bytes.ts'
import { CLAIM_BYTES, decodeClaim, encodeClaim } from './claim.ts'
import type { Claim, DatedClaim } from './claim.ts'
import { keyPairOf } from './curve.ts'
import type { KeyPair } from './curve.ts'
import { HANDSHAKE_BYTES, readMessage, writeMessage } from './handshake.ts'
import { HASH, hmac } from './symmetric.ts'

/**
 * The prologue of every handshake. Another version of the format has another prologue, and its packets are not
 * understood.
 */
const PROLOGUE = asciiBytes('postern spa 1')
/** The label that derives the key of the outer code, together with the server's public key. */
const MAC1_LABEL = asciiBytes('postern mac1')
/** The length of the outer code, in bytes. */
export const MAC1_BYTES = 16
/** The length of every packet, in bytes. */
export const POSTERN_PACKET_BYTES = MAC1_BYTES + HANDSHAKE_BYTES + CLAIM_BYTES

/** A server's key pair, and the values derived from it. */
export interface ServerKey {
  readonly pair: KeyPair
  readonly mac1Key: Uint8Array
}

/** Prepares the server's key for use. */
export function serverKeyOf(secret: Uint8Array): ServerKey {
  const pair = keyPairOf(secret)
  return { pair, mac1Key: mac1KeyOf(pair.publicKey) }
}

function mac1KeyOf(publicKey: Uint8Array): Uint8Array {
  return createHash(HASH).update(MAC1_LABEL).update(publicKey).digest()
}

/** The input for a packet of a client. */
export interface Sealing {
  readonly user: KeyPair
  readonly server: Uint8Array
  readonly claim: Claim
  /**
   * The time in milliseconds since 1970, which may have a fraction. It must be later than in all earlier packets, which
   * the server would otherwise treat as a replay.
   */
  readonly unixMs: number
  /** 32 random bytes for this packet alone. */
  readonly random: Uint8Array
}

/** Makes a packet, or returns the reason why it cannot be made. */
export function sealClaim({
  user,
  server,
  claim,
  unixMs,
  random,
}: Sealing): { readonly packet: Uint8Array<ArrayBuffer> } | { readonly fault: string } {
  const encoded = encodeClaim(claim, unixMs)
  if ('fault' in encoded) return encoded
  const written = writeMessage(user, keyPairOf(random), server, PROLOGUE, encoded.bytes)
  if (written === undefined) return { fault: 'invalid public key of the server' }
  return { packet: concatenate(mac1Of(mac1KeyOf(server), written.message), written.message) }
}

function mac1Of(key: Uint8Array, message: Uint8Array): Uint8Array {
  return hmac(key, message).subarray(0, MAC1_BYTES)
}

/**
 * Returns true if the sender of this packet knows the server's public key. It costs at most a hash of the packet, and
 * no public-key work.
 */
export function isForServer({ mac1Key }: ServerKey, packet: Uint8Array): boolean {
  if (packet.length !== POSTERN_PACKET_BYTES) return false
  return timingSafeEqual(packet.subarray(0, MAC1_BYTES), mac1Of(mac1Key, packet.subarray(MAC1_BYTES)))
}

/** The result of opening a packet, not yet checked for replay or permission. */
export type Opened<User> =
  | { readonly user: User; readonly claim: DatedClaim }
  /** The packet is not in Postern's format as far as can be told, or its sender has no known key. */
  | { readonly mismatch: 'not-for-us' | 'forged' | 'unknown-key' }
  /** The packet is from a known user, with a client other than Postern's. */
  | { readonly user: User; readonly fault: string }

/**
 * Opens a packet. Never throws, whatever the bytes.
 *
 * @param find returns the owner of a public key, or `undefined`
 */
export function openClaim<User>(
  server: ServerKey,
  packet: Uint8Array,
  find: (publicKey: Uint8Array) => User | undefined,
): Opened<User> {
  if (!isForServer(server, packet)) return { mismatch: 'not-for-us' }
  const read = readMessage(server.pair, PROLOGUE, packet.subarray(MAC1_BYTES), find)
  if ('mismatch' in read) return read
  const claim = decodeClaim(read.payload)
  return 'fault' in claim ? { user: read.user, fault: claim.fault } : { user: read.user, claim }
}
