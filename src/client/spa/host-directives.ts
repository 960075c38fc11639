import { UsageError } from '../../cli/fault.ts'
import { SPA_MAX_AGE_MAX_MS } from '../../config/config.ts'
import { readTime } from '../../config/duration.ts'
import { Directives, row } from '../../text/directive.ts'
import type { Directive, Entries, Values } from '../../text/directive.ts'
import { anyText, mapped, oneOf, wholeNumber } from '../../text/read.ts'
import type { Reader } from '../../text/read.ts'
import { quote } from '../../text/fault.ts'
import { parseSequence } from '../../config/sequence.ts'
import type { Family } from '../../packet/address.ts'
import { readPorts } from '../../peer/fwknop/request.ts'
import type { Port } from '../../peer/fwknop/request.ts'
import { CLAIM_OPEN_MAX_S } from '../../spa/noise/claim.ts'
import { readKeyText } from '../../spa/noise/key-text.ts'
import { RETRY_MAX } from '../arguments.ts'
import { isAddress, readListAddress } from '../published/list-address.ts'
import { parseClaim } from './arguments.ts'
import type { Claim } from './request.ts'

/** The way to open a host: knocks, the next sequence of a published list, or a single packet. */
export type Way = 'knocks' | 'list' | 'packet'

/** The longest pause between two knocks in milliseconds. ssh waits in the meantime. */
export const HOST_DELAY_MAX_MS = 60_000
/** The shortest and longest wait for a port to open, in milliseconds. */
export const WAIT_MIN_MS = 100
export const WAIT_MAX_MS = 600_000

const PORT_MAX = 65_535

/** A directive of the file. */
interface HostDirective<T> extends Directive<T> {
  /** The ways that the directive belongs to; absent: all. */
  readonly ways?: readonly Way[]
  /** True if the directive by itself selects the way. */
  readonly opens?: true
}

/** The terms of a directive of one way. */
const PACKET = { ways: ['packet'] } as const
const LIST = { ways: ['list'] } as const

function host<T>(
  name: string,
  form: string,
  read: Reader<T>,
  more: Partial<Omit<HostDirective<T>, 'name' | 'form' | 'read'>> = {},
): HostDirective<T> {
  return { ...row(name, form, read), ...more }
}

const readAccess: Reader<readonly Port[]> = (text) => {
  const value = readPorts(text)
  if (value !== undefined) return { value }
  return { message: `${quote(text)} is not a list of ports`, hint: 'as in tcp/22,udp/53' }
}

const readFrom: Reader<URL | string> = (text) => {
  if (!isAddress(text)) return { value: text }
  const read = readListAddress(text)
  return 'url' in read ? { value: read.url } : read
}

const readServerKey: Reader<Uint8Array> = (text) => {
  const read = readKeyText(text, 'postern-server')
  return 'value' in read ? read : { ...read, message: `the key ${read.message}` }
}

const readClaim: Reader<Claim> = (text) => {
  try {
    return { value: parseClaim(text) }
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    return { message: `${quote(text)} is not an address`, hint: error.hint }
  }
}

/** The directives by the settings that they set. */
export const HOST_DIRECTIVES = {
  /** The name or address to send to; absent: the requested host. */
  host: host('Host', 'NAME', anyText, { aliases: ['Host_Name'] }),
  family: host(
    'Family',
    '4|6',
    mapped(oneOf(['4', '6'], 'a family'), (text): Family => (text === '4' ? 4 : 6)),
  ),
  /** Milliseconds to wait for the port to open after each round. */
  waitMs: host('Wait', 'TIME', readTime(WAIT_MIN_MS, WAIT_MAX_MS)),
  /** True to check first whether the port is open without a knock. */
  tryFirst: host(
    'Try_First',
    'yes|no',
    mapped(oneOf(['yes', 'no']), (word) => word === 'yes'),
  ),
  /** The most rounds after the first, while the port is not open. */
  retry: host('Retry', 'NUMBER', wholeNumber(0, RETRY_MAX)),
  knocks: host('Knock', 'PORT[:PROTOCOL][,PORT[:PROTOCOL]]...', parseSequence, { ways: ['knocks'], opens: true }),
  /** The file with the secret of time-based codes. */
  totpFile: host('TOTP_File', 'FILE', anyText, { ways: ['knocks'], opens: true }),
  /** The address or file of the published list. */
  from: host('From', 'ADDRESS|FILE', readFrom, { ...LIST, opens: true }),
  /** Files of age identities that can decrypt the list. */
  identities: host(
    'Identity',
    'FILE',
    mapped(anyText, (file): readonly string[] => [file]),
    {
      ...LIST,
      join: (before, more) => [...before, ...more],
    },
  ),
  passphraseFile: host('Passphrase_File', 'FILE', anyText, LIST),
  /** Milliseconds between two knocks. */
  delayMs: host('Delay', 'TIME', readTime(0, HOST_DELAY_MAX_MS), { ways: ['knocks', 'list'] }),
  port: host('Port', 'PORT', wholeNumber(1, PORT_MAX), PACKET),
  serverKey: host('Server_Key', 'postern-server:...', readServerKey, { ...PACKET, opens: true }),
  /** The file of the user's secret key. */
  keyFile: host('Key_File', 'FILE', anyText, PACKET),
  door: host('Door', 'NAME', anyText, { ...PACKET, opens: true }),
  access: host('Access', 'PROTOCOL/PORT[,PROTOCOL/PORT]...', readAccess, { ...PACKET, opens: true }),
  openS: host(
    'Open_For',
    'TIME',
    mapped(readTime(1_000, CLAIM_OPEN_MAX_S * 1_000), (ms) => Math.ceil(ms / 1_000)),
    PACKET,
  ),
  /** The door's SPA_Max_Age in milliseconds. */
  maxAgeMs: host('SPA_Max_Age', 'TIME', readTime(0, SPA_MAX_AGE_MAX_MS), PACKET),
  claim: host('Claim', 'ADDRESS|source', readClaim, PACKET),
} as const

/** The settings in ~/.config/postern/config for one host. Unset directives are absent. */
export type HostSettings = Values<typeof HOST_DIRECTIVES>
export type HostEntries = Entries<typeof HOST_DIRECTIVES>

export const HOST: Directives<typeof HOST_DIRECTIVES> = new Directives(HOST_DIRECTIVES, {
  noun: 'directive',
  // Case does not matter, and a hyphen equals an underscore: `totp-file` means TOTP_File.
  normal: (name) => name.toLowerCase().replaceAll('-', '_'),
  between: ' = ',
  twice: { severity: 'error', hint: 'remove one of the two lines' },
})

/** Returns the row of a directive. */
export function hostDirective(key: string): Pick<HostDirective<unknown>, 'name' | 'ways' | 'opens'> {
  return HOST_DIRECTIVES[key as keyof typeof HOST_DIRECTIVES]
}
