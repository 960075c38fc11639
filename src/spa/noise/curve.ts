import { createPrivateKey, createPublicKey, diffieHellman } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { encodeBase64 } from '../base64.ts'

/** Bytes of a private key, of a public key and of a shared secret (RFC 7748, 5). */
export const KEY_BYTES = 32

/** An X25519 key in DER is these bytes and then the key (RFC 8410, 4 and 7). */
const PUBLIC_HEAD = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x6e, 0x03, 0x21, 0x00]
const PRIVATE_HEAD = [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x6e, 0x04, 0x22, 0x04, 0x20]

/** A private key, ready for use, and the public key that belongs to it. */
export interface KeyPair {
  readonly privateKey: KeyObject
  readonly publicKey: Uint8Array
}

/** The pair of a private key of 32 bytes, which may be any. Throws a RangeError for another length. */
export function keyPairOf(secret: Uint8Array): KeyPair {
  if (secret.length !== KEY_BYTES) throw new RangeError('a private key has 32 bytes')
  const privateKey = createPrivateKey({ ...der(PRIVATE_HEAD, secret), type: 'pkcs8' })
  const publicKey = createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(PUBLIC_HEAD.length)
  return { privateKey, publicKey: Uint8Array.from(publicKey) }
}

/** X25519. `undefined` for a public key that makes the same secret with every private one (RFC 7748, 6.1). */
export function sharedSecret({ privateKey }: KeyPair, publicKey: Uint8Array): Uint8Array | undefined {
  const key = createPublicKey({ ...der(PUBLIC_HEAD, publicKey), type: 'spki' })
  try {
    return diffieHellman({ privateKey, publicKey: key })
  } catch {
    return undefined
  }
}

function der(head: readonly number[], key: Uint8Array): { key: string; format: 'der'; encoding: 'base64' } {
  return { key: encodeBase64(Uint8Array.of(...head, ...key)), format: 'der', encoding: 'base64' }
}
