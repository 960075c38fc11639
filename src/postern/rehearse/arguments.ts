import { command } from '../../cli/command.ts'
import { UsageError } from '../../cli/fault.ts'
import { CONFIG_DEFAULT, INTERFACES, JSON_OUTPUT } from '../../cli/option.ts'
import type { Options } from '../../cli/option.ts'
import { PORT_MAX, atMostOne } from '../../cli/value.ts'
import { parseAddress } from '../../packet/address.ts'
import type { Address } from '../../packet/address.ts'
import type { OpenedPort } from '../../twin/ports.ts'

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
}

const OPTIONS = {
  config: { short: 'c', value: 'FILE', kind: 'config', help: `the config; default: ${CONFIG_DEFAULT}` },
  interface: INTERFACES,
  door: { value: 'NAME', kind: 'door', many: true, help: 'try only this door; may be repeated' },
  port: {
    value: 'DOOR=PORT',
    many: true,
    read: doorPort,
    help: 'the port that a door opens, where its command does not name it: --port ssh=tcp/22',
  },
  from: {
    value: 'ADDRESS',
    kind: 'source',
    many: true,
    read: fromAddress,
    help: "knock from the /24 or /64 of this address; default: near this machine's own; once for each family",
  },
  full: { help: 'wait for all times as the config has them; default: long ones are shortened' },
  'run-anyway': { help: 'try also doors whose commands reach beyond a namespace' },
  json: JSON_OUTPUT,
} as const satisfies Options

/** `postern rehearse` */
export const REHEARSE = command({
  name: 'postern rehearse',
  summary: "try a config on a copy of this machine's firewall: what opens, what shuts again, what does not work",
  forms: ['[-c FILE] [OPTION]...'],
  about: `Tries a config on a copy of this machine's firewall: knocks at each of its doors
as a stranger would, and shows what opens, what shuts again, and what does not
work. The copy lives in network namespaces of its own; the rules of this machine
are not touched. Needs root.`,
  // The config may be given as a word too.
  operands: { text: '', kinds: ['config'] },
  options: OPTIONS,
  exits: { 0: 'all good', 1: 'problems found, or not tried', 78: 'the config cannot be used' },
  examples: `  sudo postern rehearse
  sudo postern rehearse -c ./knockd.conf --door ssh --from 203.0.113.9`,
  read: (values, words): Asked => {
    const files = [...(values.config === undefined ? [] : [values.config]), ...words]
    const ports = new Map<string, readonly OpenedPort[]>()
    for (const { door, opened } of values.port) ports.set(door, [...(ports.get(door) ?? []), opened])
    return {
      file: atMostOne(files, 'rehearse takes one file') ?? CONFIG_DEFAULT,
      interfaces: values.interface.flat(),
      doors: values.door,
      ports,
      from: values.from,
      full: values.full,
      runAnyway: values['run-anyway'],
      json: values.json,
    }
  },
  run: async () => (await import('./rehearse.ts')).rehearse,
})

function doorPort(text: string): { readonly door: string; readonly opened: OpenedPort } {
  const [, door = '', protocol, digits] = /^(.+)=(tcp|udp)\/([0-9]{1,5})$/.exec(text) ?? []
  const port = Number(digits)
  if (protocol === undefined || port < 1 || port > PORT_MAX) throw new UsageError(`not DOOR=tcp/PORT: ${text}`)
  return { door, opened: { protocol: protocol as 'tcp' | 'udp', port, listensAt: port } }
}

function fromAddress(text: string): Address {
  const read = parseAddress(text)
  if (read === undefined) throw new UsageError(`not an address: ${text}`)
  return read
}
