import type { Address } from '../packet/address.ts'
import type { Level } from './line.ts'

/** Something that happened. Its fields are those of its line in JSON. */
export type LogEvent = KnockEvent | OpeningEvent | CommandEvent | DaemonEvent

/** An event that packets of a source cause. Unknown sources can cause all but `open`, so the log limits those. */
export type KnockEvent =
  StageReached | SequenceTimeout | PortScan | WrongCodes | OpeningWithheld | Explanation | DoorOpens

/** An event of an opening or of a user's access. Its source is text, as in the journal. */
export type OpeningEvent =
  | PortsOpened
  | PortsClosed
  | OpeningExtended
  | OpeningRefused
  | OpeningTrouble
  | StartSkipped
  | AccessRevoked
  | ChangedByHand

/** An event of a door's command. Replay makes events of commands and ports that would have been. */
export type CommandEvent = CommandRuns | CommandTimeout | CommandStatus | CommandOutput | WouldRun | WouldBe

/** An event of the daemon itself. */
export type DaemonEvent =
  Starting | ShuttingDown | FileAgain<'re-reading'> | FileAgain<'re-opening'> | LinesLeftOut | Notice

/** A source reached a stage of a door. */
interface StageReached extends OfKnock<'stage'> {
  readonly door: string
  readonly stage: number
}

/** A source took longer for a sequence than its door allows. */
interface SequenceTimeout extends OfKnock<'sequence-timeout'> {
  readonly door: string
  readonly stage: number
}

/** A source scans ports. Doors that a scan could open ignore it; 0 seconds: there is no such door. */
interface PortScan extends OfKnock<'scan'> {
  readonly ignoredSeconds: number
}

/** A source sends wrong codes and is ignored for a while. */
interface WrongCodes extends OfKnock<'wrong-codes'> {
  readonly ignoredSeconds: number
  /** True if the codes came after the correct sequence. */
  readonly behindSequence: boolean
}

/** A source made all knocks of a door. The door stays shut because of other packets before or between them. */
interface OpeningWithheld extends OfKnock<'withheld'> {
  readonly door: string
  readonly stage: number
  readonly reason: 'strays' | 'codes'
  /** The number of packets to other ports between the knocks. */
  readonly strays: number
}

/** A knock or packet opened nothing. Only `-D` and JSON show the reason. */
interface Explanation extends OfKnock<'explanation'> {
  readonly stage?: number
  readonly knock?: string
  readonly door?: string | undefined
  readonly reason: string
}

/** A door opens. */
interface DoorOpens extends OfKnock<'open'> {
  readonly door: string
  /** The user that the key or secret proves, if the door has several. */
  readonly user?: string | undefined
  /** The user that a packet names without proof. */
  readonly claimedUser?: string | undefined
}

/** Ports are open to a source for some seconds. */
interface PortsOpened extends OfOpening<'opened'> {
  /** The ports, and the network or the target if it is not the source alone. */
  readonly what: string
  readonly seconds: number
  readonly user?: string | undefined
}

/** Ports are closed again. */
interface PortsClosed extends OfOpening<'closed'> {
  readonly what: string
}

/** An opening lasts for more seconds than it did. */
interface OpeningExtended extends OfOpening<'extended'> {
  readonly seconds: number
  readonly user?: string | undefined
  /** True if a connection of the source extended it, and no knock. */
  readonly connected?: true
}

/** A door stays shut, although its secret was right. */
interface OpeningRefused extends Partial<OfOpening<string>> {
  readonly kind: 'refused'
  readonly level: Level
  readonly door: string
  readonly user?: string | undefined
  /** The bound or step at fault. */
  readonly reason?: string
  /** The message of the system, or the change that came first. */
  readonly cause?: string
}

/** Something about an opening or a command is not as it should be. */
interface OpeningTrouble extends Partial<OfOpening<string>> {
  readonly kind: 'trouble'
  readonly level: Level
  readonly door: string
  readonly what: string
  /** The message of the system. */
  readonly cause?: string
}

/** A door without stop command opened not long ago, or has its rule already. */
interface StartSkipped extends OfOpening<'skipped'> {
  readonly reason: 'cooldown' | 'in place'
}

/** A user, or a source, may no longer hold openings. */
interface AccessRevoked extends Partial<OfOpening<string>> {
  readonly kind: 'revoked'
  readonly door: string
  readonly user?: string | undefined
}

/** An operator opened or closed a door, or forgave a source. Without source or door, all are meant. */
interface ChangedByHand {
  readonly kind: 'by-hand'
  readonly action: 'opened' | 'closed' | 'forgiven'
  readonly source?: string | undefined
  readonly door?: string | undefined
  /** The operator, if it was not root. */
  readonly by?: string | undefined
}

/** A command starts. */
interface CommandRuns {
  readonly kind: 'command'
  readonly door: string
  readonly command: string
}

/** The time of an opening by commands is over. */
interface CommandTimeout extends OfOpening<'command-timeout'> {}

/** A command exited with a status other than 0. */
interface CommandStatus {
  readonly kind: 'status'
  readonly door: string
  readonly status: number
}

/** A command printed a line. */
interface CommandOutput {
  readonly kind: 'output'
  readonly door: string
  readonly output: string
}

/** A command that a replay does not run. */
interface WouldRun extends OfOpening<'would-run'> {
  readonly command: string
}

/** A state of ports that a replay does not make. */
interface WouldBe extends OfOpening<'would-be'> {
  readonly message: string
}

/** The daemon listens. */
interface Starting {
  readonly kind: 'starting'
  readonly interfaces: readonly string[]
}

/** The daemon ends. */
interface ShuttingDown {
  readonly kind: 'shutting-down'
}

/** The daemon reads its config, or opens its log, again. */
interface FileAgain<Kind> {
  readonly kind: Kind
  readonly file: string
}

/** Lines about unknown sources were too many. */
interface LinesLeftOut {
  readonly kind: 'left-out'
  readonly lines: number
}

/** A message that is no event of a door. A hint may follow on a line of its own. */
interface Notice {
  readonly kind: 'notice'
  readonly level: Level
  readonly text: string
}

interface OfKnock<Kind> {
  readonly kind: Kind
  readonly source: Address
}

interface OfOpening<Kind> {
  readonly kind: Kind
  readonly source: string
  readonly door: string
}
