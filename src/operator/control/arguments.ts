import { parseArgs } from 'node:util'
import { CONFIG_DEFAULT } from '../check.ts'
import { parseDuration } from '../../config/duration.ts'
import { BY_HAND_MAX_MS } from '../../control/message.ts'

/** The arguments of the commands that talk to the daemon. */
export interface ControlArguments {
  readonly config: string
  readonly interfaces: readonly string[]
  readonly door: string | undefined
  readonly source: string | undefined
  readonly forMs: number | undefined
  readonly all: boolean
  readonly json: boolean
  readonly help: boolean
}

/** A command line that cannot be used. */
export class UsageError extends Error {}

/** The error of a session whose address, for which to open, is uncertain. */
export class SourceError extends Error {
  /** The command to type. */
  readonly hint: string

  constructor(message: string, hint: string) {
    super(message)
    this.name = 'SourceError'
    this.hint = hint
  }
}

/** The options of each command beside `-c`, `-i` and `-h`. */
const OPTIONS = {
  open: { source: { type: 'string' }, for: { type: 'string' } },
  forgive: {},
  close: { source: { type: 'string' }, all: { type: 'boolean' } },
  status: { json: { type: 'boolean' } },
  'accept-loss': {},
} as const

/** Reads the command line of one of these commands. @throws UsageError */
export function readArguments(command: keyof typeof OPTIONS, args: readonly string[]): ControlArguments {
  const { values, positionals } = parse(command, args)
  const { config = CONFIG_DEFAULT, interface: names = [], source, for: time, all = false, json = false } = values
  if (positionals.length > (command === 'status' ? 0 : 1)) {
    const what = command === 'forgive' ? 'address' : 'door'
    throw new UsageError(command === 'status' ? 'status takes no operand' : `${command} takes one ${what} at most`)
  }
  return {
    config,
    interfaces: names.flatMap((name) => name.split(',')).map((name) => name.trim()),
    door: command === 'forgive' ? undefined : positionals[0],
    source: command === 'forgive' ? positionals[0] : source,
    forMs: time === undefined ? undefined : readTime(time),
    all,
    json,
    help: values.help === true,
  }
}

interface Parsed {
  readonly values: {
    readonly config?: string
    readonly interface?: string[]
    readonly source?: string
    readonly for?: string
    readonly all?: boolean
    readonly json?: boolean
    readonly help?: boolean
  }
  readonly positionals: readonly string[]
}

function parse(command: keyof typeof OPTIONS, args: readonly string[]): Parsed {
  try {
    return parseArgs({
      args: [...args],
      options: {
        config: { type: 'string', short: 'c' },
        interface: { type: 'string', short: 'i', multiple: true },
        help: { type: 'boolean', short: 'h' },
        ...OPTIONS[command],
      },
      allowPositionals: true,
      strict: true,
    }) as Parsed
  } catch (error) {
    const [message = ''] = (error as Error).message.split('. ')
    throw new UsageError(message.charAt(0).toLowerCase() + message.slice(1), { cause: error })
  }
}

function readTime(text: string): number {
  const result = parseDuration(text, 1, BY_HAND_MAX_MS)
  if ('value' in result) return result.value
  throw new UsageError(`--for: ${text} ${result.message}\n  ${result.hint}`)
}
