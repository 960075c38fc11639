import { asciiBytes, concatenate } from '../bytes.ts'
import { CLAIM_BYTES, decodeClaim, encodeClaim } from './claim.ts'
import type { Claim, DatedClaim } from './claim.ts'
import { keyPairOf, sharedSecret } from './curve.ts'
import type { KeyPair } from './curve.ts'
import { HANDSHAKE_BYTES, readMessage, writeMessage } from './handshake.ts'
import { USER_TAG_BYTES, VERSION, minuteOf, tagKeyOf, tagOf } from './tag.ts'

/** Packets of another version of the format have another prologue, and are not understood. */
const PROLOGUE = asciiBytes(VERSION)
/** The length of every packet, in bytes. */
export const POSTERN_PACKET_BYTES = USER_TAG_BYTES + HANDSHAKE_BYTES + CLAIM_BYTES

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
  /** False if the tag has no minute, as the server's SPA_Max_Age demands. Default: true. */
  readonly withMinute?: boolean
}

/** Makes a packet, or returns the reason why it cannot be made. */
export function sealClaim({
  user,
  server,
  claim,
  unixMs,
  random,
  withMinute = true,
}: Sealing): { readonly packet: Uint8Array<ArrayBuffer> } | { readonly fault: string } {
  const encoded = encodeClaim(claim, unixMs)
  if ('fault' in encoded) return encoded
  const secret = sharedSecret(user, server)
  const written = writeMessage(user, keyPairOf(random), server, PROLOGUE, encoded.bytes)
  if (secret === undefined || written === undefined) return { fault: 'invalid public key of the server' }
  const tag = tagOf(tagKeyOf(secret, server, user.publicKey), withMinute ? minuteOf(unixMs) : undefined)
  return { packet: concatenate(tag, written.message) }
}

/** The result of opening a packet, not yet checked for replay or permission. */
export type Opened<User> =
  | { readonly user: User; readonly claim: DatedClaim }
  /** The packet is of another format, or its sender is not the expected one. */
  | { readonly mismatch: 'forged' | 'unknown-key' }
  /** The packet is from a known user, with a client other than Postern's. */
  | { readonly user: User; readonly fault: string }

/**
 * Opens a packet, whose tag it does not read. Never throws, whatever the bytes.
 *
 * @param find returns the owner of a public key, or `undefined`
 * @param secret the shared secret of the server's key and the only key that `find` accepts, if it is known already
 */
export function openClaim<User>(
  server: KeyPair,
  packet: Uint8Array,
  find: (publicKey: Uint8Array) => User | undefined,
  secret?: Uint8Array,
): Opened<User> {
  if (packet.length !== POSTERN_PACKET_BYTES) return { mismatch: 'forged' }
  const read = readMessage(server, PROLOGUE, packet.subarray(USER_TAG_BYTES), find, secret)
  if ('mismatch' in read) return read
  const claim = decodeClaim(read.payload)
  return 'fault' in claim ? { user: read.user, fault: claim.fault } : { user: read.user, claim }
}
