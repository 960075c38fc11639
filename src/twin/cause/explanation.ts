import type { CommandText, PlacedDoor } from '../../lint/placed-door.ts'
import type { Fault } from '../../text/fault.ts'
import type { Word } from '../../lint/shell.ts'
import type { Family } from '../../packet/address.ts'
import type { Port, Remedy } from '../../remedy/remedies.ts'
import type { Culprit } from './culprit.ts'
import type { Observation } from '../observation.ts'

/** The facts for explanations. */
export interface Context {
  readonly doors: ReadonlyMap<string, PlacedDoor>
  /** The faults that `postern check` finds in the config. */
  readonly faults: readonly Fault[]
  /** The interface that the knocks come in on. */
  readonly watched: string
  /** Returns the path of a program on this machine, by its name. */
  readonly programAt: (name: string) => string | undefined
  /** Returns the command with which the firewall allows a guarded port; `undefined` if no command is safe. */
  readonly allow: (port: Port, culprit: Culprit) => Remedy | undefined
  /** Returns the command that hides ports which everybody reaches. */
  readonly hide: (ports: readonly Port[]) => Remedy
  /** The line of `Scan_Ports` in the config; `undefined` if it is missing. */
  readonly scanPortsLine: number | undefined
}

/** An explanation of a fault. The default of `place` is the place of the door. */
export interface Explanation {
  readonly place?: { readonly line: number; readonly column: number }
  readonly message: string
  readonly hint?: string
}

/** Formats a door's ports: `tcp/22, udp/53`. */
export function portNames({ ports }: Pick<Observation, 'ports'>): string {
  return ports.map(({ protocol, port }) => `${protocol}/${port}`).join(', ')
}

/** Returns the start or stop command of a door for a family, as the config has it. */
export function commandOf(door: PlacedDoor, part: 'start' | 'stop', family: Family): CommandText | undefined {
  return door.commands[`${part}${family}`]
}

/** Returns the place of a command, or of its word at an offset. */
export function placeOf(command: CommandText | undefined, offset = 0): Pick<Explanation, 'place'> {
  return command === undefined ? {} : { place: { line: command.line, column: command.column + offset } }
}

/** Returns the first word of a command that matches, with the next word. */
export function wordsAt(command: CommandText | undefined, fits: RegExp): readonly [Word, Word | undefined] | undefined {
  const words = command?.script.commands.flat() ?? []
  const at = words.findIndex(({ text }) => fits.test(text))
  return at < 0 ? undefined : [words[at]!, words[at + 1]]
}

export function placeName({ where, chain }: Pick<Culprit, 'where' | 'chain'>): string {
  return `chain ${chain} of ${where}`
}

/** Puts a rule in backticks. It is not cut, because a part of a rule means nothing. */
export function quoteRule(rule: string): string {
  return `\`${rule}\``
}
