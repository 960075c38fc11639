import { concatenate } from '../bytes.ts'
import { KEY_BYTES, sharedSecret } from './curve.ts'
import type { KeyPair } from './curve.ts'
import { Symmetric, TAG_BYTES } from './symmetric.ts'

/**
 * The bytes of a message besides its payload: the ephemeral key, the sender's encrypted key with a tag, and the
 * payload's tag.
 */
export const HANDSHAKE_BYTES = KEY_BYTES + KEY_BYTES + TAG_BYTES + TAG_BYTES

/** A message of pattern X (Noise, revision 34, 7.4: `e, es, s, ss`), and the hash of the handshake. */
export interface Written {
  readonly message: Uint8Array<ArrayBuffer>
  readonly hash: Uint8Array
}

/**
 * Writes the only message of the handshake. Each message needs a new ephemeral pair. Returns `undefined` if the
 * recipient's key makes no secret.
 */
export function writeMessage(
  sender: KeyPair,
  ephemeral: KeyPair,
  recipient: Uint8Array,
  prologue: Uint8Array,
  payload: Uint8Array,
): Written | undefined {
  const state = new Symmetric(prologue)
  state.mixHash(recipient)
  state.mixHash(ephemeral.publicKey)
  const first = sharedSecret(ephemeral, recipient)
  const second = sharedSecret(sender, recipient)
  if (first === undefined || second === undefined) return undefined
  state.mixKey(first)
  const identity = state.encrypt(sender.publicKey)
  state.mixKey(second)
  const sealed = state.encrypt(payload)
  return { message: concatenate(ephemeral.publicKey, identity, sealed), hash: state.hash }
}

/** The result of reading a message. `forged` means that the sender knows the server's public key at most. */
export type Read<User> =
  | {
      /** The sender that `find` returned. The sender has proved to hold the private key. */
      readonly user: User
      readonly payload: Uint8Array
      readonly hash: Uint8Array
    }
  | { readonly mismatch: 'forged' | 'unknown-key' }

/**
 * Reads the message. `find` gets the sender's public key before the second half of the work. The sender has not yet
 * proved to hold its private key then.
 *
 * @param known the shared secret with the only sender that `find` accepts, if it is known already
 */
export function readMessage<User>(
  recipient: KeyPair,
  prologue: Uint8Array,
  message: Uint8Array,
  find: (publicKey: Uint8Array) => User | undefined,
  known?: Uint8Array,
): Read<User> {
  const forged: Read<User> = { mismatch: 'forged' }
  if (message.length < HANDSHAKE_BYTES) return forged
  const ephemeral = message.subarray(0, KEY_BYTES)
  const identityEnd = KEY_BYTES + KEY_BYTES + TAG_BYTES
  const state = new Symmetric(prologue)
  state.mixHash(recipient.publicKey)
  state.mixHash(ephemeral)
  const first = sharedSecret(recipient, ephemeral)
  if (first === undefined) return forged
  state.mixKey(first)
  const sender = state.decrypt(message.subarray(KEY_BYTES, identityEnd))
  if (sender === undefined) return forged
  const user = find(sender)
  if (user === undefined) return { mismatch: 'unknown-key' }
  const second = known ?? sharedSecret(recipient, sender)
  if (second === undefined) return forged
  state.mixKey(second)
  const payload = state.decrypt(message.subarray(identityEnd))
  return payload === undefined ? forged : { user, payload, hash: state.hash }
}
