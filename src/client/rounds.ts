import type { Knock } from '../config/config.ts'

/**
 * Gives what to knock in a round, from 0; asked once before each. Rejects with a ClientError when there is nothing to
 * knock.
 */
export type Rounds = (round: number) => Promise<readonly Knock[]>

/** The same in every round. */
export function always(knocks: readonly Knock[]): Rounds {
  return async () => knocks
}
