import { parseArgs } from 'node:util'
import type { Address } from '../../packet/address.ts'
import { parseAddress } from '../../packet/address.ts'
import { CONFIG_DEFAULT } from '../check.ts'
import type { OpenedPort } from './ports.ts'

export const HELP = `usage: postern rehearse [-c FILE] [OPTION]...

Tries a config on a copy of this machine's firewall: knocks at each of its doors
as a stranger would, and shows what opens, what shuts again, and what does not
work. The copy lives in network namespaces of its own; the rules of this machine
are not touched. Needs root.

  -c, --config FILE     the config; default: ${CONFIG_DEFAULT}
  -i, --interface NAME  the interface that knockd gets with -i, if any
      --door NAME       try only this door; may be repeated
      --port DOOR=PORT  the port that a door opens, where its command does not
                        name it: --port ssh=tcp/22
      --from ADDRESS    knock from the /24 or /64 of this address; default:
                        near this machine's own; once for each family
      --full            wait for all times as the config has them; default: long
                        ones are shortened
      --run-anyway      try also doors whose commands reach beyond a namespace
      --json            print one JSON document
  -h, --help            show this help

exit status: 0 all good, 1 problems found, or not tried, 2 usage,
78 the config cannot be used

  sudo postern rehearse
  sudo postern rehearse -c ./knockd.conf --door ssh --from 203.0.113.9
`

/** The arguments of `postern rehearse`. */
export interface Asked {
  readonly file: string
  readonly interfaces: readonly string[]
  readonly doors: readonly string[]
  readonly ports: ReadonlyMap<string, readonly OpenedPort[]>
  readonly from: readonly Address[]
  readonly full: boolean
  readonly runAnyway: boolean
  readonly json: boolean
  readonly help: boolean
}

/** Reads the command line. The field `usage` is the fault of an invalid one. */
export function parse(args: readonly string[]): Asked | { readonly usage: string } {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: {
        config: { type: 'string', short: 'c' },
        interface: { type: 'string', short: 'i', multiple: true, default: [] },
        door: { type: 'string', multiple: true, default: [] },
        port: { type: 'string', multiple: true, default: [] },
        from: { type: 'string', multiple: true, default: [] },
        full: { type: 'boolean', default: false },
        'run-anyway': { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
      allowPositionals: true,
      strict: true,
    })
    const [file, ...more] = [...(values.config === undefined ? [] : [values.config]), ...positionals]
    if (more.length > 0) return { usage: 'rehearse takes one file' }
    const ports = readPorts(values.port)
    if ('usage' in ports) return ports
    const from = values.from.map((text) => parseAddress(text))
    if (from.includes(undefined)) return { usage: `--from: not an address: ${values.from[from.indexOf(undefined)]}` }
    return {
      file: file ?? CONFIG_DEFAULT,
      interfaces: values.interface.flatMap((names) => names.split(',')).map((name) => name.trim()),
      doors: values.door,
      ports: ports.ports,
      from: from.filter((address) => address !== undefined),
      full: values.full,
      runAnyway: values['run-anyway'],
      json: values.json,
      help: values.help,
    }
  } catch (error) {
    const [message = ''] = (error as Error).message.split('. ')
    return { usage: message.charAt(0).toLowerCase() + message.slice(1) }
  }
}

const PORT_MAX = 65_535

function readPorts(
  texts: readonly string[],
): { readonly ports: ReadonlyMap<string, readonly OpenedPort[]> } | { readonly usage: string } {
  const ports = new Map<string, readonly OpenedPort[]>()
  for (const text of texts) {
    const match = /^(.+)=(tcp|udp)\/([0-9]{1,5})$/.exec(text)
    const port = Number(match?.[3])
    if (match === null || port < 1 || port > PORT_MAX) return { usage: `--port: not DOOR=tcp/PORT: ${text}` }
    const [, door = '', protocol] = match
    const opened = { protocol: protocol as 'tcp' | 'udp', port, listensAt: port }
    ports.set(door, [...(ports.get(door) ?? []), opened])
  }
  return { ports }
}
