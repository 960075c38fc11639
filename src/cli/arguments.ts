import { parseArgs } from 'node:util'
import { nearest } from '../text/nearest.ts'
import { UsageError } from './fault.ts'
import { HELP } from './option.ts'
import type { Option, Options, Values } from './option.ts'

/** The words of a command line: help and version go before everything else. */
export type Given<O extends Options> =
  | { readonly kind: 'help' }
  | { readonly kind: 'version' }
  | { readonly kind: 'given'; readonly values: Values<O>; readonly words: readonly string[] }

/**
 * Reads the options of a command line. Every command has `-h` and `--help`.
 *
 * @param takesWords true if the command has operands
 * @throws UsageError for the first fault
 */
export function readOptions<O extends Options>(options: O, argv: readonly string[], takesWords: boolean): Given<O> {
  const known: Options = { help: HELP, ...options }
  const { values, positionals } = parse(known, argv, takesWords)
  if (values['help'] === true) return { kind: 'help' }
  if (values['version'] === true) return { kind: 'version' }
  const read = Object.entries(options).map(([name, option]) => [name, readValue(name, option, values[name])])
  return { kind: 'given', values: Object.fromEntries(read) as Values<O>, words: positionals }
}

type Raw = string | boolean | (string | boolean)[] | undefined

interface Parsed {
  readonly values: Readonly<Record<string, Raw>>
  readonly positionals: readonly string[]
}

function parse(options: Options, argv: readonly string[], allowPositionals: boolean): Parsed {
  const types = Object.entries(options).map(([name, { short, value, many = false }]) => [
    name,
    { type: value === undefined ? 'boolean' : 'string', multiple: many, ...(short === undefined ? {} : { short }) },
  ])
  try {
    return parseArgs({ args: [...argv], options: Object.fromEntries(types), allowPositionals, strict: true })
  } catch (cause) {
    // Only the first sentence is kept. The advice about positional arguments after it does not apply.
    const [sentence = ''] = (cause as Error).message.split(/\.(?:\s|$)/)
    const message = sentence.charAt(0).toLowerCase() + sentence.slice(1)
    const [, word] = /^unknown option '--([^']+)'/.exec(message) ?? []
    const meant = word === undefined ? undefined : nearest(word, Object.keys(options))
    throw new UsageError(message, meant === undefined ? undefined : `did you mean: --${meant}`, cause)
  }
}

function readValue(name: string, option: Option, raw: Raw): unknown {
  if (option.value === undefined) return raw === true
  if (option.many === true) return ((raw ?? []) as string[]).map((text) => readText(name, option, text))
  const text = (raw as string | undefined) ?? option.default
  return text === undefined ? undefined : readText(name, option, text)
}

function readText(name: string, { read, kind }: Option, text: string): unknown {
  if (read === undefined) {
    if (typeof kind !== 'object' || kind.includes(text)) return text
    throw new UsageError(`--${name} is ${kind.join(' or ')}`)
  }
  try {
    return read(text)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    throw new UsageError(`--${name}: ${error.message}`, error.hint, error.cause)
  }
}
