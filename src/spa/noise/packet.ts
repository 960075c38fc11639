import { createHash, timingSafeEqual } from 'node:crypto'
import { asciiBytes, concatenate } from '../bytes.ts'
import { CLAIM_BYTES, decodeClaim, encodeClaim } from './claim.ts'
import type { Claim, DatedClaim } from './claim.ts'
import { keyPairOf } from './curve.ts'
import type { KeyPair } from './curve.ts'
import { HANDSHAKE_BYTES, readMessage, writeMessage } from './handshake.ts'
import { HASH, hmac } from './symmetric.ts'

/** Mixed into every handshake: another version of the format is another prologue, and is not understood. */
const PROLOGUE = asciiBytes('postern spa 1')
/** What the key of the outer code is derived with, beside the server's public key. */
const MAC1_LABEL = asciiBytes('postern mac1')
/** Bytes of the outer code. */
export const MAC1_BYTES = 16
/** Bytes of every packet. */
export const POSTERN_PACKET_BYTES = MAC1_BYTES + HANDSHAKE_BYTES + CLAIM_BYTES

/** A server's key pair, with what is derived from it once. */
export interface ServerKey {
  readonly pair: KeyPair
  readonly mac1Key: Uint8Array
}

/** The server's key, ready for use. */
export function serverKeyOf(secret: Uint8Array): ServerKey {
  const pair = keyPairOf(secret)
  return { pair, mac1Key: mac1KeyOf(pair.publicKey) }
}

function mac1KeyOf(publicKey: Uint8Array): Uint8Array {
  return createHash(HASH).update(MAC1_LABEL).update(publicKey).digest()
}

/** What a client needs for a packet. */
export interface Sealing {
  readonly user: KeyPair
  /** The server's public key. */
  readonly server: Uint8Array
  readonly claim: Claim
  /** Milliseconds since 1970, whole or not: later than in any packet before, or the server takes it for a replay. */
  readonly unixMs: number
  /** 32 random bytes, for this packet alone. */
  readonly random: Uint8Array
}

/** A packet, or why there is none. */
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

/** Whether whoever sent this knows our public key. Costs a hash of the packet at most, and no public-key work. */
export function isForServer({ mac1Key }: ServerKey, packet: Uint8Array): boolean {
  if (packet.length !== POSTERN_PACKET_BYTES) return false
  return timingSafeEqual(packet.subarray(0, MAC1_BYTES), mac1Of(mac1Key, packet.subarray(MAC1_BYTES)))
}

/** What a packet comes to. None of it says whether it is new or allowed. */
export type Opened<User> =
  | { readonly user: User; readonly claim: DatedClaim }
  /** Not ours, as far as can be told; or from somebody who knows our public key and has no key that is known here. */
  | { readonly mismatch: 'not-for-us' | 'forged' | 'unknown-key' }
  /** From a known user, whose client is another than ours. */
  | { readonly user: User; readonly fault: string }

/** Opens a packet. `find` says who a public key belongs to; `undefined`: nobody. Never throws, whatever the bytes. */
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
