import { createHmac } from 'node:crypto'

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

const COUNTER_BYTES = 8
const WORD = 2 ** 32
/**
 * Returns the number of the period at a time (RFC 6238, 4.2: T0 is 0).
 *
 * @param now milliseconds since 1970
 */
export function periodAt({ periodS }: Pick<TotpSecret, 'periodS'>, now: number): number {
  return Math.floor(now / (periodS * 1000))
}

/** Returns the code of a period (RFC 4226, 5.3; RFC 6238, 4). */
export function codeOf({ key, algorithm, digits }: TotpSecret, period: number): string {
  const counter = new Uint8Array(COUNTER_BYTES)
  const view = new DataView(counter.buffer)
  view.setUint32(0, Math.floor(period / WORD))
  view.setUint32(4, period % WORD)
  const hash = createHmac(algorithm.toLowerCase(), key).update(counter).digest()
  const at = hash[hash.length - 1]! & 15
  const bits = new DataView(hash.buffer, hash.byteOffset, hash.length).getUint32(at) & 0x7fffffff
  return String(bits % 10 ** digits).padStart(digits, '0')
}
