import { createPrivateKey, createPublicKey, diffieHellman } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { decodeBase64, encodeBase64 } from '../base64.ts'

/** Bytes of a private key, of a public key and of a shared secret (RFC 7748, 5). */
export const KEY_BYTES = 32

/** A private key, ready for use, and the public key that belongs to it. */
export interface KeyPair {
  readonly privateKey: KeyObject
  readonly publicKey: Uint8Array
}

/** The pair of a private key of 32 bytes, which may be any. Throws a RangeError for another length. */
export function keyPairOf(secret: Uint8Array): KeyPair {
  if (secret.length !== KEY_BYTES) throw new RangeError('a private key has 32 bytes')
  // Node wants the public half to be there, and derives it itself.
  const jwk = { kty: 'OKP', crv: 'X25519', d: toBase64Url(secret), x: '' }
  const privateKey = createPrivateKey({ key: jwk, format: 'jwk' })
  const { x = '' } = createPublicKey(privateKey).export({ format: 'jwk' })
  return { privateKey, publicKey: fromBase64Url(x) }
}

/** X25519. `undefined` for a public key that makes the same secret with every private one (RFC 7748, 6.1). */
export function sharedSecret({ privateKey }: KeyPair, publicKey: Uint8Array): Uint8Array | undefined {
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x: toBase64Url(publicKey) }, format: 'jwk' })
  try {
    return diffieHellman({ privateKey, publicKey: key })
  } catch {
    return undefined
  }
}

function toBase64Url(bytes: Uint8Array): string {
  return encodeBase64(bytes).replaceAll('+', '-').replaceAll('/', '_')
}

function fromBase64Url(text: string): Uint8Array {
  return decodeBase64(text.replaceAll('-', '+').replaceAll('_', '/')) ?? new Uint8Array(KEY_BYTES)
}
