import { STRAYS_PER_KNOCK } from '../config/config.ts'

/** Strays that are allowed from the first knock on, however little time has passed. */
export const STRAYS_FREE = 16
/** Strays that each second since the first knock allows more: a scan at full speed stays far above. */
export const STRAYS_PER_S = 30
/** Strays in the ports of codes that an attempt is allowed while it waits for its code. */
export const CODE_STRAYS_MAX = 8

/**
 * How many strays, packets of the same source to ports outside the sequence, may come between the first and the last
 * of its knocks.
 *
 * @param knocks how many knocks the sequence has
 * @param ms milliseconds from the first to the last
 */
export function allowedStrays(knocks: number, ms: number): number {
  return Math.min(STRAYS_PER_KNOCK * (knocks - 1), STRAYS_FREE + (STRAYS_PER_S * ms) / 1_000)
}
