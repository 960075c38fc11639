import { STRAYS_PER_KNOCK } from '../config/config.ts'

/** The first knock has no strays before it, and those of the last come with time: a scan at full speed has none. */
export const KNOCKS_WITHOUT = 2
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
  const atOnce = STRAYS_PER_KNOCK * Math.max(1, knocks - KNOCKS_WITHOUT)
  return Math.min(STRAYS_PER_KNOCK * (knocks - 1), atOnce + (STRAYS_PER_S * ms) / 1_000)
}
