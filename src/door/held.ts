import type { Hold, Opening } from '../state/opening.ts'

/** Who opens by hand: the operator, whose openings no change of a file or of the config closes. */
export const BY_HAND = 'hand'

/** What somebody holds: an opening, as far as it bears on whether they may. */
export interface Held {
  readonly door: string
  /** The address it is open for, as text. */
  readonly source: string
  /** Which of the door's ports are open, as the journal has it; `undefined`: all that the door does. */
  readonly services: string | undefined
  /** Where connections are sent on to, as the journal has it. */
  readonly forward: string | undefined
  /** Which secret opened it: a mark, or {@link BY_HAND}; `undefined`: an earlier version did not write that down. */
  readonly holder: string | undefined
  readonly user: string | undefined
}

/** Whether somebody may still hold what they hold. */
export type May = (held: Held) => boolean

/** What one of an opening's holders holds. */
export function heldBy({ door, source, services, forward }: Opening, { holder, user }: Hold): Held {
  return { door, source, services, forward, holder, user }
}
