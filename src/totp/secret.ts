/** The hash functions of RFC 6238, 1.2. */
export type Algorithm = 'SHA1' | 'SHA256' | 'SHA512'
export const ALGORITHMS: readonly Algorithm[] = ['SHA1', 'SHA256', 'SHA512']

/** The secret of a TOTP code (RFC 6238). */
export interface TotpSecret {
  readonly key: Uint8Array
  readonly algorithm: Algorithm
  /** The number of digits, 6 to 8. */
  readonly digits: number
  /** The length of a period, in seconds. */
  readonly periodS: number
}
