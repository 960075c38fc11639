/** The default path of knockd's config. */
export const CONFIG_DEFAULT = '/etc/knockd.conf'

/**
 * The things that a value or an operand names, for completion; or the words that it can be. `config`: knockd's config,
 * whose doors and users are completed. `source`: an address with an opening. `ignored`: an ignored address.
 */
export type Kind =
  'config' | 'file' | 'folder' | 'host' | 'door' | 'user' | 'interface' | 'source' | 'ignored' | readonly string[]

/** An option of a command. Its long name is its key in {@link Options}. */
export interface Option {
  readonly short?: string
  /** The text in the help, without the default. An option without a text is not listed. */
  readonly help?: string
  /** The heading of a new block of options in the help; empty for a blank line alone. */
  readonly heading?: string
  /** The value's placeholder in the help. An option without one is a flag. */
  readonly value?: string
  readonly kind?: Kind
  /** True if the option may be repeated. */
  readonly many?: true
  /** The text that is read if the option is not given. */
  readonly default?: string
  /** Reads the value. It throws UsageError without the option's name, which is put in front of the message. */
  readonly read?: (text: string) => unknown
  /** The option without which this one has no meaning. */
  readonly within?: string
}

/** The options of a command by their long names, in the order of the help. */
export type Options = Readonly<Record<string, Option>>

type ReadValue<O> = O extends { readonly read: (text: string) => infer T }
  ? T
  : O extends { readonly kind: readonly (infer W)[] }
    ? W
    : string

type ValueOf<O> = O extends { readonly value: string }
  ? O extends { readonly many: true }
    ? readonly ReadValue<O>[]
    : O extends { readonly default: string }
      ? ReadValue<O>
      : ReadValue<O> | undefined
  : boolean

/** The values of options by their long names: flags are booleans, options that may be repeated are lists. */
export type Values<O extends Options> = { readonly [Name in keyof O]: ValueOf<O[Name]> }

/** The option for the config. */
export const CONFIG = {
  short: 'c',
  value: 'FILE',
  kind: 'config',
  default: CONFIG_DEFAULT,
  help: 'the config',
} as const satisfies Option

/** The option for interfaces, several in a word or in several options. */
export const INTERFACES = {
  short: 'i',
  value: 'NAME',
  kind: 'interface',
  many: true,
  read: (text: string): readonly string[] => text.split(',').map((name) => name.trim()),
  help: 'the interface that knockd gets with -i, if any',
} as const satisfies Option

/** The flag for output that programs read. */
export const JSON_OUTPUT = { help: 'print one JSON document' } as const satisfies Option

/** The flag for the help, which every command has. */
export const HELP = { short: 'h', help: 'show this help' } as const satisfies Option

/** The flag for the version. */
export const VERSION_FLAG = { short: 'V', help: 'show the version' } as const satisfies Option
