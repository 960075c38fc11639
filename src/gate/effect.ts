import type { Address } from '../packet/address.ts'
import type { Protocol } from '../packet/packet.ts'
import type { Secret } from './secret.ts'

/** What the gate decided. It does nothing itself: whoever called it carries these out, in order. */
export type Effect = Staged | Opened | Withheld | Broken | TimedOut | Scanning | Guessing | Passed

/** A source reached a stage of sequences of each of these doors: they begin alike. */
export interface Staged {
  readonly kind: 'stage'
  readonly source: Address
  /** Names, each once. */
  readonly doors: readonly string[]
  readonly stage: number
}

/** A secret was shown whole: its door opens for the source. */
export interface Opened {
  readonly kind: 'open'
  readonly source: Address
  readonly secret: Secret
  /** Of the last knock: where it was sent, and how. */
  readonly destination: Address
  readonly protocol: Protocol
  readonly port: number
  /** When the last knock was captured, milliseconds since 1970. */
  readonly time: number
}

/** A wrong knock discarded an attempt. */
export interface Broken {
  readonly kind: 'broken'
  readonly source: Address
  /** Names, each once. */
  readonly doors: readonly string[]
  /** The stage the attempt had reached. */
  readonly stage: number
  readonly protocol: Protocol
  readonly port: number
}

/** An attempt took longer than its door allows. */
export interface TimedOut {
  readonly kind: 'timeout'
  readonly source: Address
  /** Names, each once. */
  readonly doors: readonly string[]
  readonly stage: number
}

/** A secret was shown whole, but amid too many strays, or after too many wrong codes: its door stays shut. */
export interface Withheld {
  readonly kind: 'withheld'
  readonly source: Address
  readonly door: string
  readonly stage: number
  readonly why: 'strays' | 'codes'
  /** Packets to other ports between the first and the last knock. */
  readonly strays: number
}

/** A source touched too many ports that are in no sequence: sequences that a scan makes in passing ignore it. */
export interface Scanning {
  readonly kind: 'scan'
  readonly source: Address
  /** The furthest stage that was dropped; 0 where no attempt was under way. */
  readonly stage: number
  /** Milliseconds it is ignored for; 0: no sequence is one that a scan makes in passing. */
  readonly ignoredMs: number
}

/** A source knocked at too many ports of wrong codes: doors with codes ignore it until it has regained one. */
export interface Guessing {
  readonly kind: 'guesses'
  readonly source: Address
  /** Whether the codes are behind a sequence, which the source knows. */
  readonly behind: boolean
  /** Milliseconds it is ignored for. */
  readonly ignoredMs: number
}

/** A packet that changed nothing, and why. Only given where the gate was asked to explain itself. */
export interface Passed {
  readonly kind: 'passed'
  readonly source: Address
  readonly protocol: Protocol
  readonly port: number
  readonly reason: 'retransmitted' | 'second try' | 'ignored source' | 'flags' | 'no part of a sequence'
}
