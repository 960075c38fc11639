import { isIP } from 'node:net'
import { parseArgs } from 'node:util'
import { parseDuration } from '../../config/duration.ts'
import { parseAddress } from '../../packet/address.ts'
import { readPorts } from '../../spa/fwknop/request.ts'
import type { Port } from '../../spa/fwknop/request.ts'
import { UsageError } from '../fault.ts'
import { parseVerify, type Services } from '../port.ts'
import type { Claim, SpaCommon, SpaRequest } from './request.ts'

/** The longest time that a door can be asked to stay open: a day, in milliseconds. */
const OPEN_MAX_MS = 86_400_000
const PORT_MAX = 65_535
/** The most packets after the first. */
const RETRY_MAX = 1_000

const PROTOCOLS = ['postern', 'fwknop', 'knockknock'] as const
type Protocol = (typeof PROTOCOLS)[number]

/** The options of `knock --spa` for all kinds of packets. */
export const SPA_OPTIONS = {
  spa: { type: 'boolean' },
  ipv4: { type: 'boolean', short: '4' },
  ipv6: { type: 'boolean', short: '6' },
  verbose: { type: 'boolean', short: 'v' },
  version: { type: 'boolean', short: 'V' },
  help: { type: 'boolean', short: 'h' },
  source: { type: 'string' },
  verify: { type: 'string' },
  retry: { type: 'string' },
  claim: { type: 'string', short: 'a' },
  port: { type: 'string', short: 'p' },
  for: { type: 'string', short: 'f' },
  access: { type: 'string', short: 'A' },
  config: { type: 'string' },
  door: { type: 'string' },
  key: { type: 'string' },
  'server-key': { type: 'string' },
  stanza: { type: 'string', short: 'n' },
  'rc-file': { type: 'string' },
  'no-rc-file': { type: 'boolean' },
  'key-file': { type: 'string' },
  command: { type: 'string', short: 'C' },
  nat: { type: 'string', short: 'N' },
  'nat-local': { type: 'boolean' },
  'nat-port': { type: 'string' },
  user: { type: 'string', short: 'U' },
  profile: { type: 'string' },
} as const

type Option = keyof typeof SPA_OPTIONS

/** Options that only some kinds of packets have. */
const ONLY: Partial<Record<Option, readonly Protocol[]>> = {
  for: ['postern', 'fwknop'],
  claim: ['postern', 'fwknop'],
  port: ['postern', 'fwknop'],
  access: ['postern', 'fwknop'],
  config: ['postern'],
  door: ['postern'],
  key: ['postern'],
  'server-key': ['postern'],
  stanza: ['fwknop'],
  'rc-file': ['fwknop'],
  'no-rc-file': ['fwknop'],
  'key-file': ['fwknop'],
  command: ['fwknop'],
  nat: ['fwknop'],
  'nat-local': ['fwknop'],
  'nat-port': ['fwknop'],
  user: ['fwknop'],
  profile: ['knockknock'],
}

/** Returns true if a command line asks for a single packet instead of knocks. */
export function wantsSpa(argv: readonly string[]): boolean {
  const end = argv.indexOf('--')
  return argv.slice(0, end < 0 ? argv.length : end).includes('--spa')
}

/** A parsed command line of `knock --spa`. */
export type SpaCommand =
  | { readonly kind: 'help' }
  | { readonly kind: 'version' }
  | { readonly kind: 'spa'; readonly request: SpaRequest }

/**
 * Parses `--spa [postern|fwknop|knockknock] HOST …`. The host may be omitted if a stanza of ~/.fwknoprc names it.
 *
 * @throws UsageError for the first fault
 */
export function parseSpa(argv: readonly string[], services: Services): SpaCommand {
  const { values, positionals } = parseOptions(argv)
  if (values.help === true) return { kind: 'help' }
  if (values.version === true) return { kind: 'version' }
  const named = PROTOCOLS.find((protocol) => protocol === positionals[0])
  const protocol = named ?? 'postern'
  const [given, ...rest] = named === undefined ? positionals : positionals.slice(1)
  for (const [option, protocols] of Object.entries(ONLY)) {
    if (values[option as Option] === undefined || protocols.includes(protocol)) continue
    throw new UsageError(`--${option} is not for ${protocol}`, `it is for: knock --spa ${protocols.join(' or ')}`)
  }
  const host = given ?? (protocol === 'fwknop' ? values.stanza : undefined)
  if (host === undefined || host === '') throw new UsageError('no host given')
  if (values.ipv4 === true && values.ipv6 === true) throw new UsageError('-4 and -6 exclude each other')
  if (values.retry !== undefined && values.verify === undefined) {
    throw new UsageError('--retry needs --verify', 'it sends again until that port is open')
  }
  const common: SpaCommon = {
    host,
    family: values.ipv4 === true ? 4 : values.ipv6 === true ? 6 : undefined,
    source: values.source,
    claim: values.claim === undefined ? undefined : parseClaim(values.claim),
    port: values.port === undefined ? undefined : parseNumber('--port', values.port, 1, PORT_MAX),
    seconds: values.for === undefined ? undefined : parseSeconds(values.for),
    verify: values.verify === undefined ? undefined : parseVerify(values.verify, services),
    retry: parseNumber('--retry', values.retry ?? '0', 0, RETRY_MAX),
    verbose: values.verbose === true,
  }
  return { kind: 'spa', request: requestOf(protocol, common, values, rest) }
}

type Values = ReturnType<typeof parseOptions>['values']

function requestOf(protocol: Protocol, common: SpaCommon, values: Values, rest: readonly string[]): SpaRequest {
  if (protocol === 'knockknock') {
    const [port, ...more] = rest
    if (port === undefined || more.length > 0) {
      throw new UsageError('the port to be opened is missing', 'knock --spa knockknock HOST PORT')
    }
    return { ...common, protocol, open: parseNumber('PORT', port, 1, PORT_MAX), profile: values.profile }
  }
  if (rest.length > 0) throw new UsageError('too many words', 'ports to open are given as -A tcp/22,udp/53')
  const access = values.access === undefined ? undefined : parseAccess(values.access)
  if (access !== undefined && (values.door !== undefined || values.command !== undefined)) {
    throw new UsageError('--access excludes --door and --command', 'a packet asks for one thing')
  }
  if (protocol === 'postern') {
    const { config: configFile, door, key: keyFile, 'server-key': serverKey } = values
    return { ...common, protocol, access, configFile, door, keyFile, serverKey }
  }
  const natPort = values['nat-port']
  return {
    ...common,
    protocol,
    access,
    rcFile: values['no-rc-file'] === true ? null : values['rc-file'],
    stanza: values.stanza,
    keyFile: values['key-file'],
    command: values.command,
    nat: values.nat,
    natLocal: values['nat-local'] === true,
    natPort: natPort === undefined ? undefined : parseNumber('--nat-port', natPort, 1, PORT_MAX),
    user: values.user,
  }
}

function parseOptions(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options: SPA_OPTIONS, strict: true, allowPositionals: true })
  } catch (error) {
    const [sentence = ''] = (error as Error).message.split(/\. |\n/)
    throw new UsageError(sentence.charAt(0).toLowerCase() + sentence.slice(1))
  }
}

function parseNumber(option: string, text: string, min: number, max: number): number {
  if (/^[0-9]{1,9}$/.test(text) && Number(text) >= min && Number(text) <= max) return Number(text)
  throw new UsageError(`${option}: not a number in range: ${text || '(empty)'}`, `${min} to ${max}`)
}

function parseSeconds(text: string): number {
  const result = parseDuration(text, 1_000, OPEN_MAX_MS)
  if ('ms' in result) return Math.ceil(result.ms / 1_000)
  throw new UsageError(`--for: ${text || '(empty)'} ${result.message}`, result.hint)
}

function parseAccess(text: string): readonly Port[] {
  const ports = readPorts(text)
  if (ports !== undefined) return ports
  throw new UsageError('--access: not a list of ports', 'such as tcp/22 or tcp/22,udp/53')
}

/** Parses the argument of `--claim`: `source` or an address. @throws UsageError for anything else */
export function parseClaim(text: string): Claim {
  if (text === 'source' || text === '0.0.0.0' || text === '::') return { kind: 'source' }
  const address = isIP(text) === 0 ? undefined : parseAddress(text)
  if (address !== undefined) return { kind: 'address', address }
  throw new UsageError(
    `--claim: not an address: ${text || '(empty)'}`,
    'an IPv4 or IPv6 address, or `source`: wherever the packet seems to come from',
  )
}
