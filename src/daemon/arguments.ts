import { command } from '../cli/command.ts'
import { UsageError } from '../cli/fault.ts'
import { CONFIG, CONFIG_DEFAULT, HELP, INTERFACES, VERSION_FLAG } from '../cli/option.ts'
import type { Options } from '../cli/option.ts'

/** The arguments of knockd. */
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
  /** True if only the files of the config's `User` are to be prepared. */
  readonly forUser: boolean
  /** Words that are neither options nor values of options. knockd ignores them. */
  readonly ignored: readonly string[]
}

const OPTIONS = {
  interface: {
    ...INTERFACES,
    help: "listen on this interface, may be repeated; any is all of them. Default: eth0, or the default route's",
  },
  config: CONFIG,
  daemon: { short: 'd', help: 'go into the background once it listens' },
  lookup: { short: 'l', help: 'log host names beside addresses' },
  pidfile: {
    short: 'p',
    value: 'FILE',
    kind: 'file',
    help: 'the pid file of -d, unless the config has a PidFile; default: /var/run/knockd.pid',
  },
  logfile: { short: 'g', value: 'FILE', kind: 'file', help: 'log to this file, unless the config has a LogFile' },
  'only-ip-v4': { short: '4', help: 'ignore IPv6' },
  verbose: { short: 'v', help: 'print on standard output what is logged' },
  debug: { short: 'D', help: 'log why knocks fail' },
  'for-user': { help: 'prepare, as root, the files of a daemon that starts as the User of the config' },
  version: VERSION_FLAG,
  help: HELP,
} as const satisfies Options

/** `knockd` */
export const KNOCKD = command({
  name: 'knockd',
  forms: ['[OPTION]...'],
  about: `Listens for knocks, and opens the doors of its config to anyone who sends the
correct knock.`,
  options: OPTIONS,
  operands: { text: '' },
  notes: `examples:
  postern check ${CONFIG_DEFAULT} && knockd -d
  knockd -i eth0 -i wg0 -v -D -c ./knockd.conf`,
  exits: { 0: 'done', 1: 'failure', 78: 'the config cannot be used' },
  examples: `signals: HUP reads the config again, USR2 opens the log file again; INT and TERM
close what is open, and end it`,
  hint: 'knockd --help lists the options',
  complete: (argv) => {
    const end = argv.indexOf('--')
    return argv.map((word, index) => (end >= 0 && index > end ? word : whole(word)))
  },
  read: (values, ignored): Arguments => ({
    interfaces: values.interface.flat(),
    daemon: values.daemon,
    config: values.config,
    debug: values.debug,
    lookup: values.lookup,
    pidFile: values.pidfile,
    logFile: values.logfile,
    verbose: values.verbose,
    onlyIp4: values['only-ip-v4'],
    forUser: values['for-user'],
    ignored,
  }),
  run: async () => (await import('./knockd.ts')).listen,
})

/** Completes an abbreviated long option if only one option begins with it (getopt_long(3)). @throws UsageError */
function whole(word: string): string {
  const [, cut = '', rest = ''] = /^--([^=]+)(.*)$/s.exec(word) ?? []
  const [name, ...more] = Object.keys(OPTIONS).filter((option) => cut !== '' && option.startsWith(cut))
  if (more.length > 0)
    throw new UsageError(`--${cut} may be ${[name, ...more].map((each) => `--${each}`).join(' or ')}`)
  return name === undefined ? word : `--${name}${rest}`
}
