import type { Family } from '../../packet/address.ts'
import type { Culprit } from './culprit.ts'
import type { Answer } from './orders.ts'
import type { OpenedPort } from './ports.ts'
import type { DoorTimes } from './rehearsed-config.ts'
import type { RuleLine, Rules } from './rules.ts'

/** A command that the daemon ran for the knocker. */
export interface CommandRun {
  readonly part: 'start' | 'stop'
  /** As the shell got it. */
  readonly text: string
  readonly status: number
  /** What it printed, a line each. */
  readonly output: readonly string[]
}

/** What was seen of one door over one family. */
export interface Observation {
  readonly door: string
  readonly family: Family
  readonly ports: readonly OpenedPort[]
  readonly times: DoorTimes
  /** The address that knocked. */
  readonly source: string | undefined
  /** Each port's answer to a stranger before the knock. */
  readonly before: readonly Answer[]
  /** Whether the door does anything for this family. */
  readonly meant: boolean
  /** Whether it is shut by itself after its time. */
  readonly shutsItself: boolean
  /** Whether it is there to shut what another door has opened. */
  readonly shuts: boolean
  /** Whether the knocker has been let in before by such another door. */
  readonly inside: boolean
  /** Whether the daemon said that the door opens. */
  readonly seen: boolean
  /** For each port milliseconds from the last knock to the connection; `null`: it stayed shut. Later ports say 0. */
  readonly opened: readonly (number | null)[]
  /** Each port's answer to somebody else while the door was open. */
  readonly others: readonly Answer[]
  /** Whether an established connection went on after the deadline; `undefined`: there was none. */
  readonly survived: boolean | undefined
  /** Milliseconds that the port stayed open beyond its time; `null`: it still is; `undefined`: it does not shut itself. */
  readonly closed: number | null | undefined
  /** Whether each opened the door, which it must not; `undefined`: it could not be tried. */
  readonly wrongOrder: boolean | undefined
  readonly slowKnock: boolean | undefined
  readonly portScan: boolean | undefined
  readonly commands: readonly CommandRun[]
  /** Rules that the opening added, and those in force with it. */
  readonly added: readonly RuleLine[]
  readonly rulesOpen: Rules | undefined
  /** Rules that were left over when it was closed, and those of the machine that were gone. */
  readonly left: readonly RuleLine[]
  readonly lost: readonly RuleLine[]
  /** What took the packets when the port stayed shut, and those of the connection that did not survive. */
  readonly culprit: Culprit | undefined
  readonly sessionCulprit: Culprit | undefined
  /** The rules that the packets fitted when the port stayed shut. */
  readonly passed: readonly RuleLine[]
  /** Why nothing was tried at all. */
  readonly notTried: string | undefined
}
