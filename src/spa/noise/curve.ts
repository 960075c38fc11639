import { createPrivateKey, createPublicKey, diffieHellman } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { encodeBase64 } from '../base64.ts'

/** The length of a private key, a public key and a shared secret, in bytes (RFC 7748, 5). */
export const KEY_BYTES = 32

/** The DER prefixes of X25519 keys, each followed by the key (RFC 8410, 4 and 7). */
const PUBLIC_HEAD = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x6e, 0x03, 0x21, 0x00]
const PRIVATE_HEAD = [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x6e, 0x04, 0x22, 0x04, 0x20]

/** A private key and its public key. */
export interface KeyPair {
  readonly privateKey: KeyObject
  readonly publicKey: Uint8Array
}

/**
 * Returns the key pair of a private key, which may be any 32 bytes.
 *
 * @throws RangeError for another length
 */
export function keyPairOf(secret: Uint8Array): KeyPair {
  if (secret.length !== KEY_BYTES) throw new RangeError('a private key has 32 bytes')
  const privateKey = createPrivateKey({ ...der(PRIVATE_HEAD, secret), type: 'pkcs8' })
  const publicKey = createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(PUBLIC_HEAD.length)
  return { privateKey, publicKey: Uint8Array.from(publicKey) }
}

/**
 * Computes X25519. Returns `undefined` for a public key that makes the same secret with every private key (RFC 7748,
 * 6.1).
 */
export function sharedSecret({ privateKey }: KeyPair, publicKey: Uint8Array): Uint8Array | undefined {
  // OpenSSL takes ten times as long to read a key in DER as in a JWK (RFC 8037, 2).
  const x = encodeBase64(publicKey).replaceAll('+', '-').replaceAll('/', '_')
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x }, format: 'jwk' })
  try {
    return diffieHellman({ privateKey, publicKey: key })
  } catch {
    return undefined
  }
}

function der(head: readonly number[], key: Uint8Array): { key: string; format: 'der'; encoding: 'base64' } {
  return { key: encodeBase64(Uint8Array.of(...head, ...key)), format: 'der', encoding: 'base64' }
}
