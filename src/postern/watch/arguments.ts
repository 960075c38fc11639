import { command } from '../../cli/command.ts'
import { UsageError } from '../../cli/fault.ts'
import type { Options, Values } from '../../cli/option.ts'
import { DAEMON } from '../control/arguments.ts'
import { CHOICE, choiceOf } from '../events/arguments.ts'

const OPTIONS = {
  plain: { help: 'print a line an event instead, as for a screen reader; commands are typed' },
  ...CHOICE,
  ...DAEMON,
} as const satisfies Options

/** The arguments of `postern watch`. */
export type WatchArguments = Values<typeof OPTIONS>

/** `postern watch` */
export const WATCH = command({
  name: 'postern watch',
  summary: 'show a running knockd live: what is open, who knocks, and keys to act',
  about: `Shows a running knockd live in the terminal: doors and what is open, with the
time left; attempts under way, and who is ignored; packets and knocks a second;
the last events; and what knockd complains of. Keys open, extend, close and
forgive; ? lists them. Without a terminal, or with TERM=dumb, it is --plain.`,
  options: OPTIONS,
  operands: { text: '' },
  exits: { 0: 'it was quit', 1: 'knockd cannot be asked' },
  examples: `  postern watch
  postern watch --door ssh --plain`,
  read: (values, words): WatchArguments => {
    if (words.length > 0) throw new UsageError('watch takes no operand')
    choiceOf(values)
    return values
  },
  run: async () => (await import('./watch.ts')).watch,
})
