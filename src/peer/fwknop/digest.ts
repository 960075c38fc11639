import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { encodeBase64 } from '../../spa/base64.ts'
import { asciiBytes } from '../../spa/bytes.ts'

/** The digests of fwknop's protocol, by their names in its configuration, in lower case. */
export type DigestName = 'md5' | 'sha1' | 'sha256' | 'sha384' | 'sha512' | 'sha3_256' | 'sha3_512'

/** All digests. Of those with the same length, the first one is tried first. */
export const DIGEST_NAMES: readonly DigestName[] = ['md5', 'sha1', 'sha256', 'sha384', 'sha512', 'sha3_256', 'sha3_512']

/** The default digest of fwknop's client and server. */
export const DIGEST_DEFAULT: DigestName = 'sha256'

const DIGESTS: Readonly<Record<DigestName, { readonly node: string; readonly bytes: number }>> = {
  md5: { node: 'md5', bytes: 16 },
  sha1: { node: 'sha1', bytes: 20 },
  sha256: { node: 'sha256', bytes: 32 },
  sha384: { node: 'sha384', bytes: 48 },
  sha512: { node: 'sha512', bytes: 64 },
  sha3_256: { node: 'sha3-256', bytes: 32 },
  sha3_512: { node: 'sha3-512', bytes: 64 },
}

/** Returns the length of a digest in base64 without `=`, in characters. */
export function digestChars(name: DigestName): number {
  return Math.ceil((DIGESTS[name].bytes * 4) / 3)
}

/** Returns the digest of an ASCII text, in base64 without `=`. */
export function digestOf(name: DigestName, text: string): string {
  return encodeBase64(createHash(DIGESTS[name].node).update(asciiBytes(text)).digest())
}

/**
 * Returns the name of the digest that fits the text, or `undefined`. A match proves a correct decryption, but not the
 * sender.
 */
export function matchDigest(text: string, digest: string): DigestName | undefined {
  return DIGEST_NAMES.find((name) => digestChars(name) === digest.length && digestOf(name, text) === digest)
}

/** Returns the HMAC (RFC 2104) of an ASCII text, in base64 without `=`. */
export function hmacOf(name: DigestName, key: Uint8Array, text: string): string {
  return encodeBase64(createHmac(DIGESTS[name].node, key).update(asciiBytes(text)).digest())
}

/** Returns true if this is the HMAC (RFC 2104) of a text. Its time depends on the lengths alone. */
export function isHmac(name: DigestName, key: Uint8Array, text: Uint8Array, hmac: Uint8Array): boolean {
  const right = createHmac(DIGESTS[name].node, key).update(text).digest()
  return right.length === hmac.length && timingSafeEqual(right, hmac)
}
