import type { OpeningStatus } from '../control/message.ts'
import type { Address } from '../packet/address.ts'
import type { Grant } from './grant.ts'
import type { May } from './held.ts'

/**
 * An opener opens and closes doors for all who ask: sequences, packets, operators. The guard and the commands are an opener
 * each, and together they are one. No method throws: failures are logged.
 */
export interface Opener {
  /**
   * Prepares an opening while its secret is being used up, so that less is left to do afterwards. Nothing opens, and
   * nothing is recorded. The grant may still be refused. An opener with nothing to prepare lacks this.
   */
  prepare?(grant: Grant): void
  /**
   * Opens a door, or extends its opening. An opening is never shortened. It is in the journal before it begins, or as
   * soon as the kernel keeps its end.
   *
   * @param opened called once the door opens or is open already, before commands are logged; not called if it stays shut
   * @returns false if the door stays shut
   */
  open(grant: Grant, opened: () => void): Promise<boolean>
  /** The number of openings. */
  readonly count: number
  /** Lists the openings, at most `max` of them (default: all). */
  list(max?: number): readonly OpeningStatus[]
  /** Closes the openings of a door and a source; `undefined` matches any. @returns the number of closed openings */
  close(door: string | undefined, source: Address | undefined): Promise<number>
  /**
   * Closes the openings that none of their holders may keep, and takes out the holders that may not. Resolves once they
   * are closed.
   */
  release(may: May): Promise<void>
}
