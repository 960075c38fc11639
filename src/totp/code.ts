import { createHmac } from 'node:crypto'
import { counterOf, truncated } from './period.ts'
import type { TotpSecret } from './secret.ts'

export { periodAt } from './period.ts'
export { ALGORITHMS } from './secret.ts'
export type { Algorithm, TotpSecret } from './secret.ts'

/** Returns the code of a period (RFC 6238, 4). A browser makes it by its own HMAC. */
export function codeOf(secret: TotpSecret, period: number): string {
  const hmac = createHmac(secret.algorithm.toLowerCase(), secret.key).update(counterOf(period)).digest()
  return truncated(hmac, secret)
}
