import { createHash, createHmac } from 'node:crypto'
import { encodeBase64 } from '../../spa/base64.ts'
import { asciiBytes } from '../../spa/bytes.ts'
import type { HashFunction } from '../../spa/hmac.ts'

/** The digests of fwknop's protocol, by their names in its configuration, in lower case. */
export type DigestName = 'md5' | 'sha1' | 'sha256' | 'sha384' | 'sha512' | 'sha3_256' | 'sha3_512'

/** All digests. Of those with the same length, the first one is tried first. */
export const DIGEST_NAMES: readonly DigestName[] = ['md5', 'sha1', 'sha256', 'sha384', 'sha512', 'sha3_256', 'sha3_512']

/** The default digest of fwknop's client and server. */
export const DIGEST_DEFAULT: DigestName = 'sha256'

/** The digests' names in Node.js, and the bytes of a digest and of a block (RFC 1321; FIPS 180-4, 1; FIPS 202, B.3). */
export const DIGESTS: Readonly<Record<DigestName, HashFunction>> = {
  md5: { node: 'md5', bytes: 16, blockBytes: 64 },
  sha1: { node: 'sha1', bytes: 20, blockBytes: 64 },
  sha256: { node: 'sha256', bytes: 32, blockBytes: 64 },
  sha384: { node: 'sha384', bytes: 48, blockBytes: 128 },
  sha512: { node: 'sha512', bytes: 64, blockBytes: 128 },
  sha3_256: { node: 'sha3-256', bytes: 32, blockBytes: 136 },
  sha3_512: { node: 'sha3-512', bytes: 64, blockBytes: 72 },
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
