import type { Family } from '../packet/address.ts'
import type { Culprit } from './cause/culprit.ts'
import type { Answer } from './orders.ts'
import type { OpenedPort } from './ports.ts'
import type { DoorTimes } from './rehearsed-config.ts'
import type { RuleLine, Rules } from './rules.ts'

/** A command that the daemon ran for the knocker. */
export interface CommandRun {
  readonly part: 'start' | 'stop'
  /** The text that the shell got. */
  readonly text: string
  readonly status: number
  /** The lines that the command printed. */
  readonly output: readonly string[]
}

/** The observations of one door over one family. */
export interface Observation {
  readonly door: string
  readonly family: Family
  readonly ports: readonly OpenedPort[]
  readonly times: DoorTimes
  /** The address that knocked. */
  readonly source: string | undefined
  /** The answer of each port to an unknown source before the knock. */
  readonly before: readonly Answer[]
  /** True if the door does anything for this family. */
  readonly meant: boolean
  /** True if the door is shut automatically after its time. */
  readonly shutsItself: boolean
  /** True if the door shuts ports that another door has opened. */
  readonly shuts: boolean
  /** True if another door has let the knocker in before. */
  readonly inside: boolean
  /** True if the daemon logged that the door opens. */
  readonly seen: boolean
  /** For each port the milliseconds from the knock to the connection; `null` if it stayed shut. Later ports have 0. */
  readonly opened: readonly (number | null)[]
  /** The answer of each port to another source while the door was open. */
  readonly others: readonly Answer[]
  /** True if an established connection survived the deadline; `undefined` if there was none. */
  readonly survived: boolean | undefined
  /** Milliseconds until the port was shut; `null` if it is still open; `undefined` if nothing shuts it. */
  readonly closed: number | null | undefined
  /** True if the attempt opened the door, which is a fault; `undefined` if it could not be tried. */
  readonly wrongOrder: boolean | undefined
  readonly slowKnock: boolean | undefined
  readonly portScan: boolean | undefined
  readonly commands: readonly CommandRun[]
  /** The rules that the opening added, and all rules in force while the door was open. */
  readonly added: readonly RuleLine[]
  readonly rulesOpen: Rules | undefined
  /** The rules that were left over after closing, and those of the machine that were gone. */
  readonly left: readonly RuleLine[]
  readonly lost: readonly RuleLine[]
  /** The rules that took the packets to a shut port, and those of a connection that did not survive. */
  readonly culprit: Culprit | undefined
  readonly sessionCulprit: Culprit | undefined
  /** The rules that the packets to a shut port matched. */
  readonly passed: readonly RuleLine[]
  /** The reason why nothing was tried; `undefined` if the door was tried. */
  readonly notTried: string | undefined
}
