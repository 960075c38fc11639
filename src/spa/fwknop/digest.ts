import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { encodeBase64 } from '../base64.ts'
import { asciiBytes } from '../bytes.ts'

/** The digests of fwknop's protocol, by the names its configuration has for them, in lower case. */
export type DigestName = 'md5' | 'sha1' | 'sha256' | 'sha384' | 'sha512' | 'sha3_256' | 'sha3_512'

/** All of them; where two have the same length, the one that is tried first stands first. */
export const DIGEST_NAMES: readonly DigestName[] = ['md5', 'sha1', 'sha256', 'sha384', 'sha512', 'sha3_256', 'sha3_512']

/** What both sides take where nothing is said. */
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

/** Characters of a digest in base64 without `=`. */
export function digestChars(name: DigestName): number {
  return Math.ceil((DIGESTS[name].bytes * 4) / 3)
}

/** The digest of an ASCII text, in base64 without `=`. */
export function digestOf(name: DigestName, text: string): string {
  return encodeBase64(createHash(DIGESTS[name].node).update(asciiBytes(text)).digest())
}

/** Which digest of the text this is; `undefined`: none. It tells that a decryption came out right, not who wrote it. */
export function matchDigest(text: string, digest: string): DigestName | undefined {
  return DIGEST_NAMES.find((name) => digestChars(name) === digest.length && digestOf(name, text) === digest)
}

/** The HMAC (RFC 2104) of an ASCII text, in base64 without `=`. */
export function hmacOf(name: DigestName, key: Uint8Array, text: string): string {
  return encodeBase64(createHmac(DIGESTS[name].node, key).update(asciiBytes(text)).digest())
}

/** Whether this is the HMAC (RFC 2104) of a text, in a time that depends on their lengths alone. */
export function isHmac(name: DigestName, key: Uint8Array, text: Uint8Array, hmac: Uint8Array): boolean {
  const right = createHmac(DIGESTS[name].node, key).update(text).digest()
  return right.length === hmac.length && timingSafeEqual(right, hmac)
}
