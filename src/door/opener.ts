import type { Address } from '../packet/address.ts'
import type { Grant } from './grant.ts'
import type { May } from './held.ts'

/** An opening, for lists of what is open. */
export interface OpeningStatus {
  readonly door: string
  readonly source: string
  /** The user who opened it last, if the door has several users. */
  readonly user: string | undefined
  /** The user that the last packet named without proof. The journal does not have it. */
  readonly claimedUser: string | undefined
  /** The open ports; empty for commands. */
  readonly services: readonly string[]
  /** The target that connections are forwarded to; absent: no forwarding. */
  readonly forward?: string | undefined
  readonly leftMs: number
}

/**
 * An opener opens and closes doors for all who ask: sequences, packets, operators. The guard and the commands are an opener
 * each, and together they are one. No method throws: failures are logged.
 */
export interface Opener {
  /**
   * Opens a door, or extends its opening. An opening is never shortened. It is in the journal before it begins, or as
   * soon as the kernel keeps its end.
   *
   * @param opened called once the door opens or is open already, before commands run; not called if it stays shut
   * @returns false if the door stays shut
   */
  open(grant: Grant, opened: () => void): Promise<boolean>
  /** Lists what is open. */
  list(): readonly OpeningStatus[]
  /** Closes the openings of a door and a source; `undefined` matches any. @returns the number of closed openings */
  close(door: string | undefined, source: Address | undefined): Promise<number>
  /** Closes the openings that none of their holders may keep, and takes out the holders that may not. */
  release(may: May): void
}
