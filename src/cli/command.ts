import { NativeCodeError } from '../native/native-code.ts'
import { VERSION } from '../version.ts'
import { readOptions } from './arguments.ts'
import { DONE, FAILED, USAGE } from './exit-code.ts'
import { Failure, UsageError, faultText } from './fault.ts'
import { helpOf, usageOf } from './help.ts'
import type { Kind, Options, Values } from './option.ts'
import type { Output } from './output.ts'

/** Runs a command, and returns the exit code. It may throw UsageError and Failure. */
export type Run<A> = (asked: A, output: Output) => Promise<number> | number

/** The words of a command line that are no options. */
export interface Operands {
  /** As in the synopsis: `[FILE]`, `HOST PORT`. */
  readonly text: string
  /** The kind of each operand, for completion. */
  readonly kinds?: readonly Kind[]
  /** The words that the first operand may be, with the kinds of the operands after each. */
  readonly words?: Readonly<Record<string, readonly Kind[]>>
  readonly help?: string
  /** True if they come before the options in the synopsis. */
  readonly first?: true
}

/** The part of a command's row that its help is printed from. */
export interface CommandHelp {
  /** The words that run it, as in `postern firewall apply`. */
  readonly name: string
  /** The text in the list of commands. */
  readonly summary?: string
  /** The synopses after the name (default: all options and operands). */
  readonly forms?: readonly string[]
  readonly about: string
  readonly options: Options
  readonly operands?: Operands
  /** A text between the options and the exit codes. */
  readonly notes?: string
  /** The meanings of the exit codes. {@link USAGE} is the same for all commands. */
  readonly exits: Readonly<Record<number, string>>
  readonly examples?: string
}

/** The row of a command in the table of commands. Loading it loads none of the code that runs the command. */
export interface Command extends CommandHelp {
  /** The hint for faults without one of their own (default: the synopsis, below any hint). Empty for none. */
  readonly hint?: string
  /** Completes abbreviated words. @throws UsageError */
  readonly complete?: (argv: readonly string[]) => readonly string[]
  /** Makes the arguments. @throws UsageError */
  readonly read: (values: never, words: readonly string[]) => unknown
  readonly run: () => Promise<Run<never>>
}

/** Makes a row: what `read` makes of the options is what `run` takes. */
export function command<const O extends Options, A>(
  row: Omit<Command, 'options' | 'read' | 'run'> & {
    readonly options: O
    readonly read: (values: Values<O>, words: readonly string[]) => A
    readonly run: () => Promise<Run<A>>
  },
): Command {
  return row
}

/** A command line that was read: help and version go before everything else. */
export type Reading =
  { readonly kind: 'help' } | { readonly kind: 'version' } | { readonly kind: 'asked'; readonly asked: unknown }

/** Reads the words after a command's name. @throws UsageError for the first fault */
export function readCommand(row: Command, argv: readonly string[]): Reading {
  const { complete, options, operands, read } = row
  const given = readOptions(options, complete?.(argv) ?? argv, operands !== undefined)
  return given.kind === 'given' ? { kind: 'asked', asked: read(given.values as never, given.words) } : given
}

/**
 * Runs a command with the words after its name, and returns the exit code. Wrong command lines and failures are printed
 * to standard error.
 *
 * @param run replaces the command's own code, for tests
 */
export async function runCommand(
  row: Command,
  argv: readonly string[],
  output: Output,
  run?: Run<never>,
): Promise<number> {
  const [program = ''] = row.name.split(' ')
  try {
    const reading = readCommand(row, argv)
    if (reading.kind === 'asked') return await (run ?? (await row.run()))(reading.asked as never, output)
    output.out(reading.kind === 'help' ? helpOf(row) : `${program} ${VERSION} (Postern)\n`)
    return DONE
  } catch (error) {
    if (error instanceof UsageError) {
      const hint = error.hint ?? (row.hint === '' ? undefined : row.hint)
      output.err(`${faultText(program, error.message, hint)}${row.hint === undefined ? usageOf(row) : ''}`)
      return USAGE
    }
    if (!(error instanceof Failure || error instanceof NativeCodeError)) throw error
    output.err(faultText(program, error.message, error.hint))
    return FAILED
  }
}
