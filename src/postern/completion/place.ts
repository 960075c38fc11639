import type { Command } from '../../cli/command.ts'
import { HELP_COMMAND_TEXT, lastWord } from '../../cli/group.ts'
import type { CommandGroup } from '../../cli/group.ts'
import { HELP, VERSION_FLAG } from '../../cli/option.ts'
import type { Kind, Options } from '../../cli/option.ts'

/** A place in a command line: the words that have been typed up to it, and what can follow them. */
export interface Place {
  /** The words from the program on, as in `postern firewall apply`. */
  readonly name: string
  /** The words that lead on: to the place `NAME WORD`, if there is one. */
  readonly words: readonly Choice[]
  readonly options: readonly PlaceOption[]
  /** The kind of each operand. Further ones are not completed. */
  readonly operands: readonly Kind[]
}

/** A word that can be typed, and its text in a list of choices. */
export interface Choice {
  readonly word: string
  readonly text: string
}

/** An option with all its names: `-c` and `--config`. */
export interface PlaceOption {
  readonly flags: readonly string[]
  readonly text: string
  /** The placeholder of the value; `undefined` for a flag. */
  readonly value: string | undefined
  /** The kind of the value, if it can be completed. */
  readonly kind: Kind | undefined
  /** True if it may be repeated. */
  readonly many: boolean
}

/** The options that every group of commands has. */
const GROUP_OPTIONS = { help: HELP } as const satisfies Options
const PROGRAM_OPTIONS = { version: VERSION_FLAG, help: HELP } as const satisfies Options

/** Returns the places in the command lines of commands and groups. */
export function placesOf(rows: readonly (Command | CommandGroup)[]): readonly Place[] {
  return rows.flatMap((row) => ('commands' in row ? placesOfGroup(row) : placesOfCommand(row)))
}

function placesOfGroup({ name, commands }: CommandGroup): readonly Place[] {
  const isProgram = !name.includes(' ')
  const help = isProgram ? helpPlaces(`${name} help`, commands) : []
  const words = [...commands.map(choiceOf), ...(isProgram ? [{ word: 'help', text: HELP_COMMAND_TEXT }] : [])]
  const options = optionsOf(isProgram ? PROGRAM_OPTIONS : GROUP_OPTIONS)
  return [{ name, words, options, operands: [] }, ...placesOf(commands), ...help]
}

/** Returns the places after `help`, which only names of commands follow. */
function helpPlaces(name: string, rows: CommandGroup['commands']): readonly Place[] {
  const below = rows.flatMap((row) =>
    'commands' in row ? helpPlaces(`${name} ${lastWord(row.name)}`, row.commands) : [],
  )
  return [{ name, words: rows.map(choiceOf), options: [], operands: [] }, ...below]
}

function placesOfCommand({ name, options: own, operands }: Command): readonly Place[] {
  const words = operands?.words ?? {}
  const options = optionsOf('help' in own ? own : { ...own, help: HELP })
  const after = Object.entries(words).map(([word, kinds]) => ({
    name: `${name} ${word}`,
    words: [],
    options,
    operands: kinds,
  }))
  const choices = Object.keys(words).map((word) => ({ word, text: '' }))
  return [{ name, words: choices, options, operands: operands?.kinds ?? [] }, ...after]
}

function choiceOf({ name, summary = '' }: Command | CommandGroup): Choice {
  return { word: lastWord(name), text: summary }
}

function optionsOf(options: Options): readonly PlaceOption[] {
  return Object.entries(options).map(([name, { short, help = '', value, kind, many = false }]) => ({
    flags: [...(short === undefined ? [] : [`-${short}`]), `--${name}`],
    text: help,
    value,
    kind,
    many,
  }))
}

/** Returns the flags whose values say where names come from: they are handed on to `postern completion --values`. */
export function sourceFlags({ options }: Place): readonly string[] {
  return options.flatMap(({ kind, flags }) => (kind === 'config' || flags.includes('--interface') ? flags : []))
}
