import type { Address } from '../packet/address.ts'
import type { Protocol } from '../packet/packet.ts'
import type { Moment } from '../state/deadline.ts'
import type { Store } from '../state/store.ts'
import type { CommandLine, Outcome } from './command.ts'
import type { RunLog } from './runs.ts'

/** What doors say in the log. */
export interface DoorLog extends RunLog {
  commandTimeout(source: string, door: string): void
}

/** What openings need of their surroundings. */
export interface OpeningTerms {
  readonly store: Pick<Store, 'openings' | 'opened' | 'extended' | 'closed'>
  readonly runner: { run(command: CommandLine): Promise<Outcome> }
  readonly clocks: { now(): Moment }
  readonly log: DoorLog
}

/** An opening as others are told of it. */
export interface OpeningLeft {
  readonly door: string
  readonly source: string
  readonly user: string | undefined
  /** Whom the packet that opened it last claims to be by; the journal does not have it. */
  readonly claimedUser: string | undefined
  readonly leftMs: number
}

/** The knock that opens. */
export interface Knocked {
  readonly source: Address
  readonly protocol: Protocol
  /** Of the last knock. */
  readonly port: number
  /** Whose knocks these are, where the door has several users. */
  readonly user?: string | undefined
  /** Which secret was shown, as {@link Hold} has it. */
  readonly holder?: string | undefined
  /** Whom a packet claims to be by, which nothing proves. */
  readonly claimedUser?: string | undefined
  /** Which ports were asked for, where that was not all that the door does; as {@link Opening.services} has it. */
  readonly services?: string | undefined
  /** Called once the door opens, or is open already: before its start command runs. Not if it stays shut. */
  readonly opened?: (() => void) | undefined
}
