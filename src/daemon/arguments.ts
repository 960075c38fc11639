import { parseArgs } from 'node:util'

/** What the command line asks for. */
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
}

/** Where knockd's config is if nothing else is said. */
export const CONFIG_DEFAULT = '/etc/knockd.conf'

/** A command line that cannot be used. */
export class UsageError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'UsageError'
  }
}

/** Reads knockd's command line. @throws UsageError */
export function parseArguments(argv: readonly string[]): Arguments {
  const { values } = parse(argv)
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
  }
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      strict: true,
      allowPositionals: false,
      options: {
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
      },
    })
  } catch (cause) {
    const [first = ''] = (cause as Error).message.split('. ')
    throw new UsageError(
      first.replace(/\.$/, '').replace(/^[A-Z]/, (letter) => letter.toLowerCase()),
      { cause },
    )
  }
}
