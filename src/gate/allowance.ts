import { STRAYS_PER_KNOCK } from '../config/config.ts'

/** Knocks whose strays are allowed only with time: with three knocks a scan at full speed is left 16. */
export const KNOCKS_EARNED = 2
/** Strays that each second since the first knock allows more. */
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
  const atOnce = STRAYS_PER_KNOCK * Math.max(1, knocks - KNOCKS_EARNED)
  return Math.min(STRAYS_PER_KNOCK * (knocks - 1), atOnce + (STRAYS_PER_S * ms) / 1_000)
}
