import { periodAt } from './period.ts'
import type { TotpSecret } from './secret.ts'

/**
 * The shortest remaining validity of a code at its first knock, in milliseconds. It allows for a slow network and for
 * clock differences.
 */
export const CODE_LEFT_MIN_MS = 2_000
/**
 * A code in the first half of its period is always used, however long the knocks take. No later moment would be better.
 */
const WAIT_IN_LAST = 1 / 2

/** The code of a moment. */
export interface Moment {
  readonly period: number
  /** Milliseconds until the next code. */
  readonly leftMs: number
  /** True if the code can be knocked now; false: the next one is better. */
  readonly isGood: boolean
}

/**
 * Returns the code of a moment. It is not good if it expires soon, or if it was knocked before: a code can be used
 * once.
 *
 * @param now milliseconds since 1970
 * @param takesMs the duration of the pauses between its knocks
 * @param wasUsed returns true for a period whose code was knocked
 */
export function momentAt(
  secret: Pick<TotpSecret, 'periodS'>,
  now: number,
  takesMs: number,
  wasUsed: (period: number) => boolean,
): Moment {
  const periodMs = secret.periodS * 1_000
  const period = periodAt(secret, now)
  const leftMs = (period + 1) * periodMs - now
  const needMs = Math.min(CODE_LEFT_MIN_MS + takesMs, periodMs * WAIT_IN_LAST)
  return { period, leftMs, isGood: leftMs >= needMs && !wasUsed(period) }
}
