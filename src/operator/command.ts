import { nearest } from '../text/nearest.ts'
import { VERSION } from '../version.ts'
import { USAGE } from './check.ts'
import type { Output } from './check.ts'

/** Runs a command with the arguments after its name, and returns the exit code. */
export type Run = (args: readonly string[], output: Output) => Promise<number>

/** A program or command that has subcommands. */
export interface CommandGroup {
  /** The words that run it, as in `postern firewall`. */
  readonly name: string
  readonly help: string
  /** The loaders of the commands. Only the command that runs is loaded. */
  readonly commands: Readonly<Record<string, () => Promise<Run>>>
}

/**
 * Runs the command that `argv` names first, and returns the exit code. `--version` after command names prints the
 * version; `help` before them means `--help` after them.
 */
export async function runCommand(group: CommandGroup, argv: readonly string[], output: Output): Promise<number> {
  const [word, ...args] = argv
  const { name, help, commands } = group
  if (isVersion(argv)) {
    output.out(`postern ${VERSION}\n`)
    return 0
  }
  if (word === '-h' || word === '--help' || (word === 'help' && args.length === 0)) {
    output.out(help)
    return 0
  }
  if (word === 'help') return await runCommand(group, [...args, '--help'], output)
  const load = word === undefined || !Object.hasOwn(commands, word) ? undefined : commands[word]
  if (load !== undefined) return await (await load())(args, output)
  const meant = word === undefined ? undefined : nearest(word, Object.keys(commands))
  output.err(
    `${name}: ${word === undefined ? 'missing command' : 'no such command'}\n` +
      `  ${meant === undefined ? `${name} --help lists them` : `did you mean: ${name} ${meant}`}\n`,
  )
  return USAGE
}

/** Returns true if `argv` consists of command names and a final `--version`. */
function isVersion(argv: readonly string[]): boolean {
  const last = argv.at(-1)
  return (last === '-V' || last === '--version') && argv.slice(0, -1).every((word) => !word.startsWith('-'))
}
