import type { CommandText } from '../../config/command.ts'
import type { Fault } from '../../config/config.ts'
import type { DoorText } from '../../config/door.ts'
import type { Word } from '../../config/shell.ts'
import type { Family } from '../../packet/address.ts'
import type { Port, Remedy } from '../../remedy/remedies.ts'
import type { Culprit } from './culprit.ts'
import type { Observation } from './observation.ts'

/** What an explanation leans on. */
export interface Context {
  readonly doors: ReadonlyMap<string, DoorText>
  /** What `postern check` has to say of the config. */
  readonly faults: readonly Fault[]
  /** The interface that the knocks come in on. */
  readonly watched: string
  /** Where a program is on this machine, by its name. */
  readonly programAt: (name: string) => string | undefined
  /** How the firewall that takes packets to a guarded port allows it; `undefined`: there is no safe command. */
  readonly allow: (port: Port, culprit: Culprit) => Remedy | undefined
  /** How ports are hidden that everybody reaches. */
  readonly hide: (ports: readonly Port[]) => Remedy
  /** The line of `Scan_Ports`, where the config has it. */
  readonly scanPortsLine: number | undefined
}

/** A message in the making: `place` is that of the door where nothing else is at fault. */
export interface Said {
  readonly place?: { readonly line: number; readonly column: number }
  readonly message: string
  readonly hint?: string
}

/** A door's ports as people write them. */
export function portNames({ ports }: Pick<Observation, 'ports'>): string {
  return ports.map(({ protocol, port }) => `${protocol}/${port}`).join(', ')
}

/** The command of a part as it stands in the config. */
export function commandOf(door: DoorText, part: 'start' | 'stop', family: Family): CommandText | undefined {
  return door.commands[`${part}${family}`]
}

/** Where a command stands, or the word of it at an offset. */
export function placeOf(command: CommandText | undefined, offset = 0): Pick<Said, 'place'> {
  return command === undefined ? {} : { place: { line: command.line, column: command.column + offset } }
}

/** The first word of a command that fits, with the word behind it. */
export function wordsAt(command: CommandText | undefined, fits: RegExp): readonly [Word, Word | undefined] | undefined {
  const words = command?.script.commands.flat() ?? []
  const at = words.findIndex(({ text }) => fits.test(text))
  return at < 0 ? undefined : [words[at]!, words[at + 1]]
}

export function placeName({ where, chain }: Pick<Culprit, 'where' | 'chain'>): string {
  return `chain ${chain} of ${where}`
}

/** A rule in backticks, whole: a rule that is cut says nothing. */
export function quoteRule(rule: string): string {
  return `\`${rule}\``
}
