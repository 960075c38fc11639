import type { Address } from '../packet/address.ts'
import type { Level } from './line.ts'

/** Something that happened. Its fields are those of its line in JSON. */
export type LogEvent = KnockEvent | OpeningEvent | CommandEvent | DaemonEvent

/** An event that packets of a source cause. Unknown sources can cause all but `open`, so the log limits those. */
export type KnockEvent = Readonly<
  /** A source reached a stage of a door. */
  | { kind: 'stage'; source: Address; door: string; stage: number }
  /** A source took longer for a sequence than its door allows. */
  | { kind: 'sequence-timeout'; source: Address; door: string; stage: number }
  /** A source scans ports. Doors that a scan could open ignore it; 0 seconds: there is no such door. */
  | { kind: 'scan'; source: Address; ignoredSeconds: number }
  /** A source sends wrong codes, perhaps behind the correct sequence, and is ignored for a while. */
  | { kind: 'wrong-codes'; source: Address; ignoredSeconds: number; behindSequence: boolean }
  /** A door stays shut although all its knocks were made, because of packets to other ports or wrong codes. */
  | { kind: 'withheld'; source: Address; door: string; stage: number; reason: 'strays' | 'codes'; strays: number }
  /** A knock or packet opened nothing. Only `-D` and JSON show the reason. `replay`: the packet was used before. */
  | ({ kind: 'explanation'; source: Address; door?: string | undefined; reason: string; replay?: true } & OfKnock)
  /**
   * A door opens. The claimed user is named in a packet without proof. `tookMs`: milliseconds since the capture of the
   * last knock or of the packet.
   */
  | ({ kind: 'open'; source: Address; door: string; claimedUser?: string | undefined; tookMs?: number } & ForUser &
      FromHost)
>

/** An event of an opening or of a user's access. Its source is text, as in the journal. */
export type OpeningEvent = Readonly<
  /** Ports are open: `what` has the ports, and the network or the target if it is not the source alone. */
  | ({ kind: 'opened'; what: string; seconds: number } & OfOpening & ForUser & FromHost)
  | ({ kind: 'closed'; what: string } & OfOpening)
  /** An opening lasts for longer: by a knock, or by a connection of its source. */
  | ({ kind: 'extended'; seconds: number; connected?: true } & OfOpening & ForUser)
  /** A door stays shut, although its secret was right. The cause is what the system or another part said. */
  | ({ kind: 'refused'; level: Level; reason?: string | undefined; cause?: string | undefined } & OfDoor & ForUser)
  /** A one-time secret came again, or somebody else was faster. */
  | ({ kind: 'used-before'; secret: 'code' | 'sequence' } & OfDoor & ForUser)
  /** A packet that a known key opened, and no door grants what it asks for. `to` is its port, as in `udp/62201`. */
  | ({ kind: 'rejected'; packet: string; to: string; reason: string; user: string; claimedUser?: string } & FromAny)
  /** The list of one-time sequences is used up, unreadable, low, or has used ones again. */
  | { kind: 'list'; door: string; left: number; usedAgain: boolean; cause?: string | undefined }
  /** Something about an opening or a command is not as it should be. `about`: a command did not run to its end. */
  | ({ kind: 'trouble'; level: Level; what: string; cause?: string | undefined; about?: 'command' } & OfDoor)
  /** A door without stop command opened not long ago, or has its rule already. */
  | ({ kind: 'skipped'; reason: 'cooldown' | 'in place' } & OfOpening)
  /** A user or a source may no longer hold openings. */
  | ({ kind: 'revoked' } & OfDoor & ForUser)
  /** An operator did it. Without source or door, all are meant; without `by`, it was root. */
  | ({ kind: 'by-hand'; action: 'opened' | 'closed' | 'forgiven'; by?: string | undefined } & OfAny)
>

/** An event of a door's command. Replay makes events of commands and ports that would have been. */
export type CommandEvent = Readonly<
  | { kind: 'command'; door: string; command: string }
  | { kind: 'status'; door: string; status: number }
  | { kind: 'output'; door: string; output: string }
  /** The time of an opening by commands is over. */
  | ({ kind: 'command-timeout' } & OfOpening)
  | ({ kind: 'would-run'; command: string } & OfOpening)
  | ({ kind: 'would-be'; message: string } & OfOpening)
>

/** An event of the daemon itself. */
export type DaemonEvent = Readonly<
  | { kind: 'starting'; interfaces: readonly string[] }
  | { kind: 'shutting-down' }
  | { kind: 're-reading'; file: string }
  | { kind: 're-opening'; file: string }
  /** Lines about unknown sources were too many. */
  | { kind: 'left-out'; lines: number }
  /** A message that is no event of a door. A hint may follow on a line of its own. */
  | { kind: 'notice'; level: Level; text: string }
>

interface OfKnock {
  stage?: number
  knock?: string
}
interface OfAny {
  source?: string | undefined
  door?: string | undefined
}
type OfDoor = OfAny & { door: string }
type FromAny = OfAny & { source: string }
type OfOpening = OfDoor & FromAny

/** The host of the fleet that told of the opening; absent: it was made here. */
interface FromHost {
  from?: string | undefined
}

/** The user that the key or secret proves, if the door has several. */
interface ForUser {
  user?: string | undefined
}
