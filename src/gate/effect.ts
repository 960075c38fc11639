import type { Knock } from '../config/config.ts'
import type { Address } from '../packet/address.ts'
import type { KnockProtocol } from '../packet/packet.ts'
import type { GateSequence } from './sequence.ts'

/** A decision of the gate. The gate does nothing itself: its caller carries out the effects in order. */
export type Effect = Staged | Opened | Withheld | Broken | TimedOut | Scanning | Guessing | IgnoredPacket

/** A position in the sequences of one or more doors that a source has reached. */
interface AtStage {
  readonly source: Address
  /** The names of the doors, without duplicates. */
  readonly doors: readonly string[]
  readonly stage: number
}

/** A source reached a stage. The sequences of all these doors begin with the same knocks. */
export interface Staged extends AtStage {
  readonly kind: 'stage'
}

/** A source completed a sequence, so its door opens for the source. */
export interface Opened {
  readonly kind: 'open'
  readonly source: Address
  readonly secret: GateSequence
  /** The destination of the last knock. */
  readonly destination: Address
  /** The protocol and port of the last knock; 0 for a ping. */
  readonly protocol: KnockProtocol
  readonly port: number
  /** The capture time of the last knock, in milliseconds since 1970. */
  readonly time: number
}

/** A wrong knock discarded an attempt. */
export interface Broken extends AtStage {
  readonly kind: 'broken'
  readonly knock: Knock
}

/** An attempt took longer than its door allows. */
export interface TimedOut extends AtStage {
  readonly kind: 'timeout'
}

/** A source completed a sequence, but with too many strays or wrong codes, so its door stays closed. */
export interface Withheld {
  readonly kind: 'withheld'
  readonly source: Address
  readonly door: string
  readonly stage: number
  readonly why: 'strays' | 'codes'
  /** Packets to other ports between the first and the last knock. */
  readonly strays: number
}

/** A source touched too many ports outside all sequences. Sequences that a port scan could complete now ignore it. */
export interface Scanning {
  readonly kind: 'scan'
  readonly source: Address
  /** The furthest stage of the attempts that were dropped; 0 if there were none. */
  readonly stage: number
  /** Milliseconds for which the source is ignored; 0 if no sequence could be completed by a port scan. */
  readonly ignoredMs: number
}

/** A source tried too many wrong codes. Doors with codes ignore it until it has regained a try. */
export interface Guessing {
  readonly kind: 'guesses'
  readonly source: Address
  /** True if the codes come after a sequence, which the source knows. */
  readonly behind: boolean
  /** Milliseconds for which the source is ignored. */
  readonly ignoredMs: number
}

/** A packet that changed nothing, with the reason. The gate returns it only if `explain` is set. */
export interface IgnoredPacket {
  readonly kind: 'ignored'
  readonly source: Address
  readonly knock: Knock
  readonly reason: 'retransmitted' | 'second try' | 'ignored source' | 'flags' | 'no part of a sequence'
}
