import { STRAYS_PER_KNOCK } from '../config/config.ts'

/**
 * Knocks without an immediate allowance of strays: none come before the first knock, and those of the last are earned
 * over time. A full-speed scan has no time to earn them.
 */
export const KNOCKS_WITHOUT = 2
/** Strays allowed for each second since the first knock. */
export const STRAYS_PER_S = 30
/** The most strays to code ports that an attempt may have while it waits for its code. */
export const CODE_STRAYS_MAX = 8

/**
 * Returns how many strays are allowed between the first and the last knock of a sequence. A stray is a packet of the
 * same source to a port outside the sequence.
 *
 * @param knocks number of knocks in the sequence
 * @param ms milliseconds from the first knock to the last
 */
export function allowedStrays(knocks: number, ms: number): number {
  const atOnce = STRAYS_PER_KNOCK * Math.max(1, knocks - KNOCKS_WITHOUT)
  return Math.min(STRAYS_PER_KNOCK * (knocks - 1), atOnce + (STRAYS_PER_S * ms) / 1_000)
}
