import { parseArgs } from 'node:util'
import { UsageError } from '../fault.ts'

const PORT_MAX = 65_535

/** All options. */
export const PROXY_OPTIONS = {
  config: { type: 'string', short: 'c' },
  'pass-fd': { type: 'boolean', short: 'F' },
  verbose: { type: 'boolean', short: 'v' },
  help: { type: 'boolean', short: 'h' },
} as const

/** The destination of a connection, and the config for opening it. */
export interface ProxyRequest {
  readonly host: string
  /** TCP port. */
  readonly port: number
  /** The config file; `undefined` for ~/.config/postern/config. */
  readonly configFile: string | undefined
  /** True to pass the connection itself through standard output. */
  readonly passFd: boolean
  readonly verbose: boolean
}

/** Parses `[OPTION]... HOST PORT`. Returns `undefined` for help. @throws UsageError for the first fault */
export function parseProxy(argv: readonly string[]): ProxyRequest | undefined {
  const { values, positionals } = parseOptions(argv)
  if (values.help === true) return undefined
  const [host = '', port, ...rest] = positionals
  if (host === '') throw new UsageError('no host given', HINT)
  if (port === undefined) throw new UsageError('no port given', HINT)
  if (rest.length > 0) throw new UsageError('too many words', HINT)
  if (!/^[0-9]{1,5}$/.test(port) || Number(port) < 1 || Number(port) > PORT_MAX) {
    throw new UsageError(`not a port: ${port}`, `1 to ${PORT_MAX}`)
  }
  return {
    host,
    port: Number(port),
    configFile: values.config,
    passFd: values['pass-fd'] === true,
    verbose: values.verbose === true,
  }
}

const HINT = 'postern proxy HOST PORT; see postern proxy --help'

function parseOptions(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options: PROXY_OPTIONS, strict: true, allowPositionals: true })
  } catch (error) {
    const [sentence = ''] = (error as Error).message.split(/\. |\n/)
    throw new UsageError(sentence.charAt(0).toLowerCase() + sentence.slice(1), HINT)
  }
}
