import type { Log } from '../log/log.ts'
import type { Address } from '../packet/address.ts'
import type { Protocol } from '../packet/packet.ts'
import type { Moment } from '../state/deadline.ts'
import type { Store } from '../state/store.ts'
import type { CommandLine, Outcome } from './command.ts'

/** The log for doors. */
export type DoorLog = Pick<Log, 'event' | 'output' | 'notice'>

/** The functions and values that openings need from their caller. */
export interface OpeningTerms {
  readonly store: Pick<Store, 'openings' | 'opened' | 'extended' | 'closed'>
  readonly runner: { run(command: CommandLine): Promise<Outcome> }
  readonly clocks: { now(): Moment }
  readonly log: DoorLog
}

/** An opening, for lists of what is open. */
export interface OpeningLeft {
  readonly door: string
  readonly source: string
  readonly user: string | undefined
  /** The user named in the packet that opened it last. The journal does not have it. */
  readonly claimedUser: string | undefined
  readonly leftMs: number
}

/** The knock that opens a door. */
export interface Knocked {
  readonly source: Address
  readonly protocol: Protocol
  /** The port of the last knock. */
  readonly port: number
  /** The user who knocked, if the door has several users. */
  readonly user?: string | undefined
  /** The secret that was used, as in {@link Hold}. */
  readonly holder?: string | undefined
  /** The user named in the packet, which nothing proves. */
  readonly claimedUser?: string | undefined
  /** The requested ports, if fewer than all of the door's, as in {@link Opening.services}. */
  readonly services?: string | undefined
  /** Called once the door opens or is already open, before its start command runs. Not called if it stays shut. */
  readonly opened?: (() => void) | undefined
}
