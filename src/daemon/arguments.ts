import { parseArgs } from 'node:util'

/** The options of knockd's command line. */
export interface Arguments {
  readonly interfaces: readonly string[]
  readonly daemon: boolean
  readonly config: string
  readonly debug: boolean
  readonly lookup: boolean
  readonly pidFile: string | undefined
  readonly logFile: string | undefined
  readonly verbose: boolean
  readonly onlyIp4: boolean
  readonly version: boolean
  readonly help: boolean
  /** Words that are neither options nor values of options. knockd ignores them. */
  readonly ignored: readonly string[]
}

/** The default path of knockd's config. */
export const CONFIG_DEFAULT = '/etc/knockd.conf'

/** An invalid command line. */
export class UsageError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'UsageError'
  }
}

/** Parses knockd's command line. @throws UsageError if it is invalid */
export function parseArguments(argv: readonly string[]): Arguments {
  const { values, positionals } = parse(argv)
  return {
    interfaces: (values.interface ?? []).flatMap((names) => names.split(',')).map((name) => name.trim()),
    daemon: values.daemon === true,
    config: values.config ?? CONFIG_DEFAULT,
    debug: values.debug === true,
    lookup: values.lookup === true,
    pidFile: values.pidfile,
    logFile: values.logfile,
    verbose: values.verbose === true,
    onlyIp4: values['only-ip-v4'] === true,
    version: values.version === true,
    help: values.help === true,
    ignored: positionals,
  }
}

const OPTIONS = {
  interface: { type: 'string', short: 'i', multiple: true },
  daemon: { type: 'boolean', short: 'd' },
  config: { type: 'string', short: 'c' },
  debug: { type: 'boolean', short: 'D' },
  lookup: { type: 'boolean', short: 'l' },
  pidfile: { type: 'string', short: 'p' },
  logfile: { type: 'string', short: 'g' },
  verbose: { type: 'boolean', short: 'v' },
  'only-ip-v4': { type: 'boolean', short: '4' },
  version: { type: 'boolean', short: 'V' },
  help: { type: 'boolean', short: 'h' },
} as const

/** Completes an abbreviated long option if only one option begins with it (getopt_long(3)). @throws UsageError */
function whole(word: string): string {
  const [, cut = '', rest = ''] = /^--([^=]+)(.*)$/s.exec(word) ?? []
  const [name, ...more] = Object.keys(OPTIONS).filter((option) => cut !== '' && option.startsWith(cut))
  if (more.length > 0)
    throw new UsageError(`--${cut} may be ${[name, ...more].map((each) => `--${each}`).join(' or ')}`)
  return name === undefined ? word : `--${name}${rest}`
}

function parse(argv: readonly string[]) {
  try {
    const end = argv.indexOf('--')
    const args = argv.map((word, index) => (end >= 0 && index > end ? word : whole(word)))
    return parseArgs({ args, strict: true, allowPositionals: true, options: OPTIONS })
  } catch (cause) {
    if (cause instanceof UsageError) throw cause
    const [first = ''] = (cause as Error).message.split('. ')
    throw new UsageError(
      first.replace(/\.$/, '').replace(/^[A-Z]/, (letter) => letter.toLowerCase()),
      { cause },
    )
  }
}
