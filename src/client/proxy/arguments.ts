import { command } from '../../cli/command.ts'
import { UsageError } from '../../cli/fault.ts'
import type { Options } from '../../cli/option.ts'
import { PORT_MAX } from '../../cli/value.ts'

const OPTIONS = {
  config: { short: 'c', value: 'FILE', kind: 'file', help: 'default: ~/.config/postern/config' },
  'pass-fd': { short: 'F', help: 'hand over the connection itself, and end' },
  verbose: { short: 'v', help: 'print on standard error what is sent' },
} as const satisfies Options

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

/** `postern proxy` */
export const PROXY = command({
  name: 'postern proxy',
  summary: "knock, connect and pass on: ssh's ProxyCommand",
  forms: ['[OPTION]... HOST PORT'],
  about: `Knocks as the section of HOST in ~/.config/postern/config says, connects to PORT
as soon as it is open, and passes on what comes in and goes out. Connects
without a knock where HOST has no section. For ssh, and all that runs over it,
in ~/.ssh/config:

  Host gate.example.org
      ProxyCommand postern proxy -F %h %p
      ProxyUseFdpass yes

Without -F and the last line all data passes through this program, which is
slower; other programs than ssh, and systems other than Linux, need that.`,
  options: OPTIONS,
  operands: { text: 'HOST PORT', kinds: ['host'] },
  notes: `The section of a host says how it is opened (postern.config(5)):

  [gate.example.org]
  Knock     = 5127,8841:udp,2309`,
  exits: { 0: 'the connection has ended, or is handed over', 1: 'it could not be made, or broke' },
  hint: 'postern proxy HOST PORT; see postern proxy --help',
  read: (values, [host = '', port, ...rest]): ProxyRequest => {
    if (host === '') throw new UsageError('no host given')
    if (port === undefined) throw new UsageError('no port given')
    if (rest.length > 0) throw new UsageError('too many words')
    if (!/^[0-9]{1,5}$/.test(port) || Number(port) < 1 || Number(port) > PORT_MAX) {
      throw new UsageError(`not a port: ${port}`, `1 to ${PORT_MAX}`)
    }
    const { config: configFile, 'pass-fd': passFd, verbose } = values
    return { host, port: Number(port), configFile, passFd, verbose }
  },
  run: async () => (await import('./proxy.ts')).proxy,
})
