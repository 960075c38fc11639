import { hmac } from '@noble/hashes/hmac.js'
import { sha1 } from '@noble/hashes/legacy.js'
import { sha256, sha512 } from '@noble/hashes/sha2.js'
import { counterOf, truncated } from '../../../../totp/period.ts'
import type { TotpSecret } from '../../../../totp/secret.ts'

const HASHES = { SHA1: sha1, SHA256: sha256, SHA512: sha512 } as const

/** Returns the code of a period (RFC 6238, 4), also where the browser has no WebCrypto. */
export function codeOf(secret: TotpSecret, period: number): string {
  return truncated(hmac(HASHES[secret.algorithm], secret.key, counterOf(period)), secret)
}
