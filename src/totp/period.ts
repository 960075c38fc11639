import type { TotpSecret } from './secret.ts'

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

/** Returns the message whose HMAC makes the code of a period (RFC 4226, 5.2: eight bytes, big-endian). */
export function counterOf(period: number): Uint8Array {
  const counter = new Uint8Array(COUNTER_BYTES)
  const view = new DataView(counter.buffer)
  view.setUint32(0, Math.floor(period / WORD))
  view.setUint32(4, period % WORD)
  return counter
}

/** Returns the code of an HMAC of {@link counterOf} (RFC 4226, 5.3). */
export function truncated(hmac: Uint8Array, { digits }: Pick<TotpSecret, 'digits'>): string {
  const at = hmac[hmac.length - 1]! & 15
  const bits = new DataView(hmac.buffer, hmac.byteOffset, hmac.length).getUint32(at) & 0x7fffffff
  return String(bits % 10 ** digits).padStart(digits, '0')
}
