import type { Knock } from '../config/config.ts'

/**
 * Returns the knocks of a round, counted from 0. It is called once before each round, and rejects with a ClientError if
 * there is nothing to knock.
 */
export type Rounds = (round: number) => Promise<readonly Knock[]>

/** Returns the same knocks in every round. */
export function always(knocks: readonly Knock[]): Rounds {
  return async () => knocks
}
