import { nearest } from '../text/nearest.ts'
import { VERSION } from '../version.ts'
import { runCommand } from './command.ts'
import type { Command } from './command.ts'
import { DONE, USAGE } from './exit-code.ts'
import { faultText } from './fault.ts'
import { lists } from './help.ts'
import type { Entry } from './help.ts'
import type { Output } from './output.ts'

/** A program or command that has subcommands. */
export interface CommandGroup {
  /** The words that run it, as in `postern firewall`. */
  readonly name: string
  readonly summary?: string
  readonly about?: string
  /** The rows of the commands in the order of the help. */
  readonly commands: readonly (Command | CommandGroup)[]
  /** A text below the options. */
  readonly notes?: string
}

/**
 * Runs the command that `argv` names first, and returns the exit code. `--version` after command names prints the
 * version; `help` before them means `--help` after them. Only the command that runs is loaded.
 */
export async function runGroup(group: CommandGroup, argv: readonly string[], output: Output): Promise<number> {
  const [word, ...args] = argv
  if (isVersion(argv)) {
    output.out(`postern ${VERSION}\n`)
    return DONE
  }
  if (word === '-h' || word === '--help' || (word === 'help' && args.length === 0)) {
    output.out(groupHelp(group))
    return DONE
  }
  if (word === 'help') return await runGroup(group, [...args, '--help'], output)
  const named = new Map(group.commands.map((row) => [lastWord(row.name), row]))
  const row = named.get(word ?? '')
  if (row !== undefined) return await ('commands' in row ? runGroup : runCommand)(row as never, args, output)
  const meant = word === undefined ? undefined : nearest(word, named.keys())
  const message = word === undefined ? 'missing command' : 'no such command'
  const hint = meant === undefined ? `${group.name} --help lists them` : `did you mean: ${group.name} ${meant}`
  output.err(faultText(group.name, message, hint))
  return USAGE
}

/** Returns the help of a group: its commands with their operands, and the options that all groups have. */
export function groupHelp({ name, about, commands, notes }: CommandGroup): string {
  const program = !name.includes(' ')
  const entries = commands.map((row): Entry => {
    const words = 'commands' in row ? '' : (row.operands?.text ?? '')
    return { label: `${lastWord(row.name)} ${words}`.trimEnd(), text: row.summary ?? '' }
  })
  const help = { label: '-h, --help', text: program ? 'show this help' : 'show this help; each command has its own' }
  const parts = [
    `usage: ${name} COMMAND [ARGUMENT]...`,
    about,
    lists([
      { heading: '', entries: [...entries, ...(program ? [HELP_COMMAND] : [])] },
      { heading: '', entries: [...(program ? [VERSION_OPTION] : []), help] },
    ]),
    notes,
  ]
  return `${parts.filter((part) => part !== undefined).join('\n\n')}\n`
}

/** The text of the command `help`, which every program with commands has. */
export const HELP_COMMAND_TEXT = 'show the help of a command'
const HELP_COMMAND: Entry = { label: 'help [COMMAND]', text: HELP_COMMAND_TEXT }
const VERSION_OPTION: Entry = { label: '-V, --version', text: 'show the version' }

/** Returns the word that names a command within its group. */
export function lastWord(name: string): string {
  return name.slice(name.lastIndexOf(' ') + 1)
}

/** Returns true if `argv` consists of command names and a final `--version`. */
function isVersion(argv: readonly string[]): boolean {
  const last = argv.at(-1)
  return (last === '-V' || last === '--version') && argv.slice(0, -1).every((word) => !word.startsWith('-'))
}
