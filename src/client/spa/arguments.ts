import { isIP } from 'node:net'
import { command } from '../../cli/command.ts'
import { DONE } from '../../cli/exit-code.ts'
import { UsageError } from '../../cli/fault.ts'
import { HELP, VERSION_FLAG } from '../../cli/option.ts'
import type { Options, Values } from '../../cli/option.ts'
import { PORT_MAX, duration, wholeNumber } from '../../cli/value.ts'
import { SPA_MAX_AGE_MAX_MS } from '../../config/config.ts'
import { parseAddress } from '../../packet/address.ts'
import { readPorts } from '../../peer/fwknop/request.ts'
import type { Port } from '../../peer/fwknop/request.ts'
import { FAMILIES, RETRY_MAX, VERIFY, familyOf, verifiedPort } from '../arguments.ts'
import { servicePort } from '../services.ts'
import { SPA_PORT_DEFAULT } from './request.ts'
import type { Claim, SpaCommon, SpaRequest } from './request.ts'

/** The longest time that a door can be asked to stay open: a day, in milliseconds. */
const OPEN_MAX_MS = 86_400_000

const PROTOCOLS = ['postern', 'fwknop', 'knockknock'] as const
type Protocol = (typeof PROTOCOLS)[number]

const readPort = wholeNumber(1, PORT_MAX)

/** The options of postern's and fwknop's packets. */
const SEALED_OPTIONS = {
  claim: {
    heading: "Postern's and fwknop's:",
    short: 'a',
    value: 'ADDRESS',
    kind: 'source',
    read: parseClaim,
    help: 'open for this address; `source`: for the address that the packet seems to come from. Default: the address this machine sends from, or `source` if that is private',
  },
  access: { short: 'A', value: 'PORTS', read: accessPorts, help: 'the ports to open: tcp/22,udp/53' },
  for: { short: 'f', value: 'TIME', read: duration(1_000, OPEN_MAX_MS), help: 'how long: 30s, 10m' },
  port: { short: 'p', value: 'PORT', read: readPort, help: `UDP port to send to; default: ${SPA_PORT_DEFAULT}` },
} as const satisfies Options

const POSTERN_OPTIONS = {
  config: { heading: "Postern's:", value: 'FILE', kind: 'file', help: 'default: ~/.config/postern/config' },
  door: { value: 'NAME', kind: 'door', help: 'the door to open' },
  key: { value: 'FILE', kind: 'file', help: 'your secret key' },
  'server-key': { value: 'KEY', help: "the server's public key" },
  'max-age': {
    value: 'TIME',
    read: duration(0, SPA_MAX_AGE_MAX_MS),
    help: "the door's SPA_Max_Age, if it is 0 or above 10m",
  },
} as const satisfies Options

const FWKNOP_OPTIONS = {
  stanza: { heading: "fwknop's:", short: 'n', value: 'NAME', help: 'stanza of ~/.fwknoprc; default: HOST' },
  'rc-file': { value: 'FILE', kind: 'file', help: 'default: ~/.fwknoprc; --no-rc-file: none' },
  'no-rc-file': {},
  'key-file': { value: 'FILE', kind: 'file', help: 'keys as `fwknop --key-gen` prints them' },
  command: { short: 'C', value: 'TEXT', help: 'a command instead of ports' },
  nat: { short: 'N', value: 'HOST:PORT', help: 'forward the port to a host behind the server' },
  'nat-local': { help: "forward it to the server's own port" },
  'nat-port': { value: 'PORT', read: readPort, help: 'the port outside, with one of those two' },
  user: { short: 'U', value: 'NAME', kind: 'user', help: 'the user name in the packet' },
} as const satisfies Options

const KNOCKKNOCK_OPTIONS = {
  profile: {
    heading: "knockknock's, which needs root:",
    value: 'FOLDER',
    kind: 'folder',
    help: 'default: ~/.knockknock/HOST',
  },
} as const satisfies Options

/** The options of `knock --spa` for all kinds of packets. */
export const SPA_OPTIONS = {
  spa: {},
  ipv4: { ...FAMILIES.ipv4, heading: 'all packets:' },
  ipv6: FAMILIES.ipv6,
  source: { value: 'SOURCE', kind: 'interface', help: "send from this address, or this interface's address" },
  verify: VERIFY,
  retry: {
    value: 'N',
    read: wholeNumber(0, RETRY_MAX),
    help: 'with --verify: send up to N more until it is open',
  },
  verbose: { short: 'v', help: 'print which files were read, and the time of the clock' },
  version: VERSION_FLAG,
  help: HELP,
  ...SEALED_OPTIONS,
  ...POSTERN_OPTIONS,
  ...FWKNOP_OPTIONS,
  ...KNOCKKNOCK_OPTIONS,
} as const satisfies Options

/** The options that only some kinds of packets have. */
const ONLY: readonly (readonly [Options, readonly Protocol[]])[] = [
  [SEALED_OPTIONS, ['postern', 'fwknop']],
  [POSTERN_OPTIONS, ['postern']],
  [FWKNOP_OPTIONS, ['fwknop']],
  [KNOCKKNOCK_OPTIONS, ['knockknock']],
]

/** Returns true if a command line asks for a single packet instead of knocks. */
export function wantsSpa(argv: readonly string[]): boolean {
  const end = argv.indexOf('--')
  return argv.slice(0, end < 0 ? argv.length : end).includes('--spa')
}

/** `knock --spa`. The host may be omitted if a stanza of ~/.fwknoprc names it. */
export const KNOCK_SPA = command({
  name: 'knock --spa',
  forms: ['[OPTION]... HOST', 'fwknop [OPTION]... HOST', 'knockknock [OPTION]... HOST PORT'],
  about: `Asks HOST to open a door by one encrypted packet, and prints the address that it
asked for. HOST does not answer. Default: Postern's own packet, with the
settings for HOST in ~/.config/postern/config.`,
  options: SPA_OPTIONS,
  operands: {
    text: '[fwknop | knockknock] HOST [PORT]',
    kinds: ['host'],
    words: { postern: ['host'], fwknop: ['host'], knockknock: ['host'] },
  },
  notes: `examples:
  knock --spa gate.example.org && ssh gate.example.org
  knock --spa fwknop -n gate
  knock --spa fwknop -A tcp/22 --key-file gate.keys gate.example.org`,
  exits: { 0: 'sent', 1: 'not resolvable, not sent or not open' },
  hint: 'see knock --help',
  read: spaRequest,
  run: async () => {
    const { sendSpa } = await import('./spa.ts')
    return async (request: SpaRequest, { out, err }) => {
      await sendSpa(request, { print: (line) => out(`${line}\n`), notice: (line) => err(`knock: ${line}\n`) })
      return DONE
    }
  },
})

type SpaValues = Values<typeof SPA_OPTIONS>

/** Makes a request of `[postern|fwknop|knockknock] HOST …`. @throws UsageError for the first fault */
function spaRequest(values: SpaValues, words: readonly string[]): SpaRequest {
  const named = PROTOCOLS.find((protocol) => protocol === words[0])
  const protocol = named ?? 'postern'
  const [given, ...rest] = named === undefined ? words : words.slice(1)
  for (const [options, protocols] of ONLY) {
    const option = Object.keys(options).find((name) => ![undefined, false].includes(values[name as 'nat-local']))
    if (option === undefined || protocols.includes(protocol)) continue
    throw new UsageError(`--${option} is not for ${protocol}`, `it is for: knock --spa ${protocols.join(' or ')}`)
  }
  const host = given ?? (protocol === 'fwknop' ? values.stanza : undefined)
  if (host === undefined || host === '') throw new UsageError('no host given')
  const common: SpaCommon = {
    host,
    family: familyOf(values),
    source: values.source,
    claim: values.claim,
    port: values.port,
    seconds: values.for === undefined ? undefined : Math.ceil(values.for / 1_000),
    verify: verifiedPort(values, 'it sends again until that port is open', servicePort),
    retry: values.retry ?? 0,
    verbose: values.verbose,
  }
  return requestOf(protocol, common, values, rest)
}

function requestOf(protocol: Protocol, common: SpaCommon, values: SpaValues, rest: readonly string[]): SpaRequest {
  if (protocol === 'knockknock') {
    const [port, ...more] = rest
    if (port === undefined || more.length > 0) {
      throw new UsageError('the port to be opened is missing', 'knock --spa knockknock HOST PORT')
    }
    return { ...common, protocol, open: portNumber(port), profile: values.profile }
  }
  if (rest.length > 0) throw new UsageError('too many words', 'ports to open are given as -A tcp/22,udp/53')
  const { access } = values
  if (access !== undefined && (values.door !== undefined || values.command !== undefined)) {
    throw new UsageError('--access excludes --door and --command', 'a packet asks for one thing')
  }
  if (protocol === 'postern') {
    const { config: configFile, door, key: keyFile, 'server-key': serverKey, 'max-age': maxAgeMs } = values
    return { ...common, protocol, access, configFile, door, keyFile, serverKey, maxAgeMs }
  }
  return {
    ...common,
    protocol,
    access,
    rcFile: values['no-rc-file'] ? null : values['rc-file'],
    stanza: values.stanza,
    keyFile: values['key-file'],
    command: values.command,
    nat: values.nat,
    natLocal: values['nat-local'],
    natPort: values['nat-port'],
    user: values.user,
  }
}

/** Reads the operand of knockknock. @throws UsageError */
function portNumber(text: string): number {
  try {
    return readPort(text)
  } catch (error) {
    throw new UsageError(`PORT: ${(error as Error).message}`, (error as UsageError).hint)
  }
}

function accessPorts(text: string): readonly Port[] {
  const ports = readPorts(text)
  if (ports !== undefined) return ports
  throw new UsageError('not a list of ports', 'such as tcp/22 or tcp/22,udp/53')
}

/** Reads the value of `--claim`: `source` or an address. @throws UsageError for anything else */
export function parseClaim(text: string): Claim {
  if (text === 'source' || text === '0.0.0.0' || text === '::') return { kind: 'source' }
  const address = isIP(text) === 0 ? undefined : parseAddress(text)
  if (address !== undefined) return { kind: 'address', address }
  throw new UsageError(
    `not an address: ${text || '(empty)'}`,
    'an IPv4 or IPv6 address, or `source`: wherever the packet seems to come from',
  )
}
