import { command } from '../../cli/command.ts'
import type { Command } from '../../cli/command.ts'
import { UsageError } from '../../cli/fault.ts'
import type { CommandGroup } from '../../cli/group.ts'
import { CONFIG, INTERFACES } from '../../cli/option.ts'
import type { Options, Values } from '../../cli/option.ts'

/** The shells with completion. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const
/** The kinds of values that only the machine at hand knows. The scripts ask for them when somebody completes one. */
export const ASKED_KINDS = ['door', 'user', 'interface', 'source', 'ignored'] as const

const OPTIONS = {
  values: {
    value: 'KIND',
    kind: ASKED_KINDS,
    help: `print the names of a kind, one a line: ${ASKED_KINDS.join(', ')}`,
  },
  config: CONFIG,
  interface: INTERFACES,
} as const satisfies Options

type OptionValues = Values<typeof OPTIONS>

/** A request for the names of a kind. */
export interface ValuesRequest {
  readonly kind: (typeof ASKED_KINDS)[number]
  /** The path of knockd's config. */
  readonly config: string
  /** The `-i` of the daemon; empty: the only daemon of that config. */
  readonly interfaces: readonly string[]
}

/** The arguments of `postern completion`: the shell whose script is printed, or the names to print. */
export type CompletionArguments = { readonly shell: (typeof SHELLS)[number] } | { readonly values: ValuesRequest }

/**
 * Makes the row of `postern completion`.
 *
 * @param table returns the commands of postern. The row is in that table, so it cannot import it.
 */
export function completionOf(table: () => CommandGroup): Command {
  return command({
    name: 'postern completion',
    summary: 'print the completion of commands, options and values for a shell',
    forms: ['bash|zsh|fish', '--values KIND [-c FILE] [-i NAME]...'],
    about: `Prints the script with which a shell completes the commands postern, knock and
knockd, their options, and doors, users, interfaces and addresses. The packages
install it. Changes nothing and needs no privilege. Names that the user who
types may not read are not offered.`,
    options: OPTIONS,
    operands: { text: '', kinds: [SHELLS] },
    exits: { 0: 'printed' },
    examples: `  eval "$(postern completion bash)"
  postern completion zsh > ~/.zfunc/_postern
  postern completion fish > ~/.config/fish/completions/postern.fish
  postern completion --values door -c ./knockd.conf`,
    read: (values, words): CompletionArguments =>
      values.values === undefined ? shellOf(words) : valuesOf(values, words),
    run: async () => {
      const { completion } = await import('./completion.ts')
      return async (asked, output) => await completion(asked, table(), output)
    },
  })
}

function shellOf([word, ...more]: readonly string[]): CompletionArguments {
  const shell = SHELLS.find((each) => each === word)
  if (shell !== undefined && more.length === 0) return { shell }
  throw new UsageError(`${word === undefined ? 'missing' : 'not a'} shell`, 'bash, zsh or fish')
}

function valuesOf(
  { values: kind, config, interface: names }: OptionValues,
  words: readonly string[],
): CompletionArguments {
  if (words.length > 0) throw new UsageError('--values takes no shell')
  return { values: { kind: kind!, config, interfaces: names.flat() } }
}
