import type { Held } from '../door/held.ts'
import type { Verdict } from '../secret/authenticator.ts'

export type { Verdict } from '../secret/authenticator.ts'

/** A judge of who may hold a door, by the current secrets. */
export interface HolderJudge {
  /** Judges a holder by what is known now, without waiting. */
  mayHold(held: Held): Verdict
}
