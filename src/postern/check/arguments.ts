import { command } from '../../cli/command.ts'
import { CONFIG_DEFAULT, JSON_OUTPUT } from '../../cli/option.ts'
import type { Options, Values } from '../../cli/option.ts'
import { atMostOne } from '../../cli/value.ts'

const OPTIONS = {
  strict: { help: 'exit with 1 if there are warnings' },
  json: JSON_OUTPUT,
} as const satisfies Options

/** The arguments of `postern check`. */
export type CheckArguments = Values<typeof OPTIONS> & { readonly file: string }

/** `postern check` */
export const CHECK = command({
  name: 'postern check',
  summary: 'find every fault of a config, and say what would be right',
  about: `Finds every fault of a config and says what would be right; and shows for each
of fwknop's keys what its door and stanza allow. Changes nothing, and needs no
privilege; as root it also shows what is wrong with the machine's rules as far
as that needs no trial, and which hidden ports the config would expose.`,
  operands: { text: '[FILE]', kinds: ['config'], help: `the config; default: ${CONFIG_DEFAULT}` },
  options: OPTIONS,
  exits: { 0: 'usable', 1: 'usable but with warnings (--strict)', 78: 'the config cannot be used' },
  examples: `  postern check
  postern check --strict ./knockd.conf && systemctl reload knockd`,
  read: (values, words): CheckArguments => ({
    ...values,
    file: atMostOne(words, 'check takes one file') ?? CONFIG_DEFAULT,
  }),
  run: async () => (await import('./check.ts')).check,
})
