import { parseArgs } from 'node:util'
import { formatAddress, parseAddress } from '../../packet/address.ts'
import type { Address } from '../../packet/address.ts'
import { CONFIG_DEFAULT } from '../check.ts'

/** The arguments of `postern replay`. */
export interface ReplayArguments {
  /** The capture; `-` is standard input. */
  readonly file: string
  readonly config: string
  /** The addresses of the server; `undefined`: every destination address. */
  readonly own: readonly Address[] | undefined
  /** The sources to show; `undefined`: all. */
  readonly sources: ReadonlySet<string> | undefined
  readonly onlyIp4: boolean
  readonly all: boolean
  readonly json: boolean
  readonly help: boolean
}

/** A command line that cannot be used. */
export class UsageError extends Error {}

/** The help of `postern replay`. */
export const HELP = `usage: postern replay [-c FILE] [options] CAPTURE

Runs a capture through the doors of a config, and shows what would have
happened, when and why. Runs no command, uses up no one-time sequence, changes
nothing and needs no privilege. CAPTURE is a pcap or pcapng file, or - for
standard input.

  -c, --config FILE    the config; default: ${CONFIG_DEFAULT}
  --own ADDRESS        an address of the server, may be repeated; default: every
                       address that a packet is sent to
  --source ADDRESS     show only this source, may be repeated
  -a, --all            show also each packet that changed nothing, and why
  -4, --only-ip-v4     ignore IPv6, as knockd -4
  --json               print one event a line, and a summary at the end
  -h, --help           show this help

exit status: 0 the whole capture was read, 1 not all of it, or frames
were cut too short, 2 usage, 78 the config cannot be used

  tcpdump -i eth0 -w knock.pcap 'tcp or udp' & knock HOST 7000 8000 9000
  postern replay -c knockd.conf knock.pcap
  zcat week.pcap.gz | postern replay --source 192.0.2.7 --all -
`

/** Reads the command line. @throws UsageError */
export function readArguments(args: readonly string[]): ReplayArguments {
  const { values, positionals } = parse(args)
  const help = values.help === true
  const [file] = positionals
  if (!help && (file === undefined || positionals.length > 1)) {
    throw new UsageError(`replay takes one capture file\n  postern replay -c ${values.config ?? CONFIG_DEFAULT} FILE`)
  }
  return {
    file: file ?? '-',
    config: values.config ?? CONFIG_DEFAULT,
    own: values.own?.map((text) => addressOf('--own', text)),
    sources: values.source === undefined ? undefined : new Set(values.source.map((text) => sourceText(text))),
    onlyIp4: values['only-ip-v4'] === true,
    all: values.all === true,
    json: values.json === true,
    help,
  }
}

interface Parsed {
  readonly values: {
    readonly config?: string
    readonly own?: string[]
    readonly source?: string[]
    readonly all?: boolean
    readonly json?: boolean
    readonly 'only-ip-v4'?: boolean
    readonly help?: boolean
  }
  readonly positionals: readonly string[]
}

function parse(args: readonly string[]): Parsed {
  try {
    return parseArgs({
      args: [...args],
      options: {
        config: { type: 'string', short: 'c' },
        own: { type: 'string', multiple: true },
        source: { type: 'string', multiple: true },
        all: { type: 'boolean', short: 'a' },
        'only-ip-v4': { type: 'boolean', short: '4' },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
      allowPositionals: true,
      strict: true,
    })
  } catch (error) {
    const [message = ''] = (error as Error).message.split('. ')
    throw new UsageError(message.charAt(0).toLowerCase() + message.slice(1))
  }
}

function addressOf(option: string, text: string): Address {
  const address = parseAddress(text)
  if (address === undefined)
    throw new UsageError(`${option}: invalid address ${text}\n  as in 192.0.2.1 or 2001:db8::1`)
  return address
}

function sourceText(text: string): string {
  return formatAddress(addressOf('--source', text))
}
