import { quote } from '../../config/fault.ts'
import type { Address } from '../../packet/address.ts'
import type { DigestName } from './digest.ts'
import { TIMEOUT_MAX_S } from './fields.ts'
import { readPorts } from './request.ts'
import type { Port } from './request.ts'
import type { CipherMode } from './rijndael.ts'
import { readAnyAddress, readCipherMode, readDigestName, readFlag, readHmacKey, readHmacKeyBase64 } from './settings.ts'
import { readKey, readKeyBase64, readNumber, readText } from './settings.ts'
import type { ReadValue, Value } from './settings.ts'

/** The maximum clock offset of a client: ten years, in seconds. */
const TIME_OFFSET_MAX_S = 10 * 365 * 86_400
const UNIT_S = { s: 1, m: 60, h: 3_600, d: 86_400 } as const

/** The address in the packet: a fixed one, or the packet's own source. */
export type Allow = { readonly kind: 'address'; readonly address: Address } | { readonly kind: 'source' }

/** The settings for gpg. */
export interface GnupgSettings {
  readonly recipient?: string
  readonly signer?: string
  readonly homeDir?: string
  readonly exe?: string
  readonly passphrase?: Uint8Array
}

/** The settings of a ~/.fwknoprc for a server. Settings without a directive are absent. */
export interface RcSettings {
  readonly server?: string
  readonly port?: number
  readonly randomPort?: boolean
  readonly sourcePort?: number
  readonly access?: readonly Port[]
  readonly allow?: Allow
  readonly key?: Uint8Array
  readonly mode?: CipherMode
  readonly digest?: DigestName
  readonly hmacKey?: Uint8Array
  readonly useHmac?: boolean
  readonly hmacDigest?: DigestName
  readonly timeoutS?: number
  readonly natAccess?: string
  readonly natLocal?: boolean
  readonly natPort?: number
  readonly natRandomPort?: boolean
  readonly user?: string
  /** The offset added to the clock, in seconds. */
  readonly timeOffsetS?: number
  readonly keyFile?: string
  readonly hmacKeyFile?: string
  readonly useGnupg?: boolean
  readonly gnupg?: GnupgSettings
}

/**
 * Reads a directive's value into settings.
 *
 * @param before the settings of the lines above
 */
export type RcRead = (text: string, before: RcSettings) => Value<RcSettings>

function set<Name extends keyof RcSettings>(name: Name, read: ReadValue<NonNullable<RcSettings[Name]>>): RcRead {
  return (text) => {
    const result = read(text)
    return 'fault' in result ? result : { value: { [name]: result.value } }
  }
}

function gnupg<Name extends keyof GnupgSettings>(
  name: Name,
  read: ReadValue<NonNullable<GnupgSettings[Name]>>,
): RcRead {
  return (text, before) => {
    const result = read(text)
    return 'fault' in result ? result : { value: { gnupg: { ...before.gnupg, [name]: result.value } } }
  }
}

const readAccess: ReadValue<readonly Port[]> = (text) => {
  const value = readPorts(text)
  return value === undefined
    ? { fault: `${quote(text)} is not a list of ports`, hint: 'as in `tcp/22,udp/53`' }
    : { value }
}

const readAllow: ReadValue<Allow> = (text) => {
  if (text.toLowerCase() === 'source') return { value: { kind: 'source' } }
  if (text.toLowerCase() === 'resolve') {
    const hint = 'name the address, or delete the line to use the one this machine sends from'
    return { fault: 'this would ask a third party for the address', hint }
  }
  const result = readAnyAddress(text)
  return 'fault' in result ? result : { value: { kind: 'address', address: result.value } }
}

/**
 * Reads a time: seconds, or a number with a unit, like `60`, `+1H`, `-2m`, `1day`. fwknop 2.6.10 finds the letter
 * anywhere: it was seen to take `2seconds` for two days and `1.5h` for 15 hours. Such values are refused.
 */
const readOffset: ReadValue<number> = (text) => {
  const match = /^([+-]?)([0-9]{1,9})(?:(s)(?:ecs?)?|(m)(?:in(?:ute)?s?)?|(h)(?:ours?)?|(d)(?:ays?)?)?$/i.exec(text)
  const [, sign, digits, ...units] = match ?? []
  const unit = (units.find((one) => one !== undefined)?.toLowerCase() ?? 's') as keyof typeof UNIT_S
  const size = Number(digits) * UNIT_S[unit]
  if (!(size <= TIME_OFFSET_MAX_S)) return { fault: `${quote(text)} is not a time`, hint: 'as in `60`, `+2m` or `-1h`' }
  return { value: sign === '-' ? -size : size }
}

const readUdp: RcRead = (text) =>
  text.toLowerCase() === 'udp'
    ? { value: {} }
    : { fault: `${quote(text)} is not supported`, hint: 'packets are sent over UDP' }

const PORT = readNumber(1, 65_535)

/** The supported directives of a ~/.fwknoprc. */
export const RC_DIRECTIVES: Readonly<Record<string, RcRead>> = {
  SPA_SERVER: set('server', readText),
  SPA_SERVER_PORT: set('port', PORT),
  SPA_SERVER_PROTO: readUdp,
  SPA_SOURCE_PORT: set('sourcePort', PORT),
  RAND_PORT: set('randomPort', readFlag),
  ACCESS: set('access', readAccess),
  ALLOW_IP: set('allow', readAllow),
  KEY: set('key', readKey),
  KEY_BASE64: set('key', readKeyBase64),
  KEY_FILE: set('keyFile', readText),
  USE_HMAC: set('useHmac', readFlag),
  HMAC_KEY: set('hmacKey', readHmacKey),
  HMAC_KEY_BASE64: set('hmacKey', readHmacKeyBase64),
  HMAC_KEY_FILE: set('hmacKeyFile', readText),
  HMAC_DIGEST_TYPE: set('hmacDigest', readDigestName),
  DIGEST_TYPE: set('digest', readDigestName),
  ENCRYPTION_MODE: set('mode', readCipherMode),
  FW_TIMEOUT: set('timeoutS', readNumber(0, TIMEOUT_MAX_S)),
  NAT_ACCESS: set('natAccess', readText),
  NAT_LOCAL: set('natLocal', readFlag),
  NAT_PORT: set('natPort', PORT),
  NAT_RAND_PORT: set('natRandomPort', readFlag),
  SPOOF_USER: set('user', readText),
  TIME_OFFSET: set('timeOffsetS', readOffset),
  USE_GPG: set('useGnupg', readFlag),
  GPG_RECIPIENT: gnupg('recipient', readText),
  GPG_SIGNER: gnupg('signer', readText),
  GPG_HOMEDIR: gnupg('homeDir', readText),
  GPG_EXE: gnupg('exe', readText),
  GPG_SIGNING_PW: gnupg('passphrase', readHmacKey),
  GPG_SIGNING_PW_BASE64: gnupg('passphrase', readHmacKeyBase64),
  // gpg starts its agent without being asked to.
  USE_GPG_AGENT: () => ({ value: {} }),
  GPG_NO_SIGNING_PW: () => ({ value: {} }),
  // These directives have no effect here: nothing is saved, no port of a proxy is used, and -v shows everything.
  VERBOSE: () => ({ value: {} }),
  NO_SAVE_ARGS: () => ({ value: {} }),
  SERVER_RESOLVE_IPV4: () => ({ value: {} }),
  HTTP_USER_AGENT: () => ({ value: {} }),
  USE_WGET_USER_AGENT: () => ({ value: {} }),
  WGET_CMD: () => ({ value: {} }),
  RESOLVE_URL: () => ({ value: {} }),
  RESOLVE_HTTP_ONLY: () => ({ value: {} }),
}

const NO_THIRD_PARTY = 'no third party is asked for the address: write ALLOW_IP, or use --claim'

/** The unsupported directives, with reasons. The value `N` is accepted. */
export const RC_REFUSED: Readonly<Record<string, string>> = {
  RESOLVE_IP_HTTP: NO_THIRD_PARTY,
  RESOLVE_IP_HTTPS: NO_THIRD_PARTY,
  SPOOF_SOURCE_IP: 'packets have an address of this machine: choose one with --source',
}
