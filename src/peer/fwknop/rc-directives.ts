import { readTarget } from '../../config/value.ts'
import { Directives, row } from '../../text/directive.ts'
import type { Values } from '../../text/directive.ts'
import { anyText, mapped, wholeNumber } from '../../text/read.ts'
import type { Reader } from '../../text/read.ts'
import { readCipherMode, readDigestName, readFlag, readHmacKey, readHmacKeyBase64 } from './settings.ts'
import { readKey, readKeyBase64, setting, withoutEffect } from './settings.ts'
import { quote } from '../../text/fault.ts'
import type { Address } from '../../packet/address.ts'
import { TIMEOUT_MAX_S } from './fields.ts'
import { readPorts } from './request.ts'
import type { Port } from './request.ts'

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

const readAccess: Reader<readonly Port[]> = (text) => {
  const value = readPorts(text)
  return value === undefined
    ? { message: `${quote(text)} is not a list of ports`, hint: 'as in `tcp/22,udp/53`' }
    : { value }
}

const readAllow: Reader<Allow> = (text) => {
  if (text.toLowerCase() === 'source') return { value: { kind: 'source' } }
  if (text.toLowerCase() === 'resolve') {
    const hint = 'name the address, or delete the line to use the one this machine sends from'
    return { message: 'this would ask a third party for the address', hint }
  }
  return mapped(readTarget, (address): Allow => ({ kind: 'address', address }))(text)
}

/**
 * Reads a time: seconds, or a number with a unit, like `60`, `+1H`, `-2m`, `1day`. fwknop 2.6.10 finds the letter
 * anywhere: it was seen to take `2seconds` for two days and `1.5h` for 15 hours. Such values are refused.
 */
const readOffset: Reader<number> = (text) => {
  const match = /^([+-]?)([0-9]{1,9})(?:(s)(?:ecs?)?|(m)(?:in(?:ute)?s?)?|(h)(?:ours?)?|(d)(?:ays?)?)?$/i.exec(text)
  const [, sign, digits, ...units] = match ?? []
  const unit = (units.find((one) => one !== undefined)?.toLowerCase() ?? 's') as keyof typeof UNIT_S
  const size = Number(digits) * UNIT_S[unit]
  if (!(size <= TIME_OFFSET_MAX_S))
    return { message: `${quote(text)} is not a time`, hint: 'as in `60`, `+2m` or `-1h`' }
  return { value: sign === '-' ? -size : size }
}

const PORT = wholeNumber(1, 65_535)

const NO = /^(n|no|0)$/i
const passphraseOf = (passphrase: Uint8Array): GnupgSettings => ({ passphrase })

/** The directives of a ~/.fwknoprc. */
const RC_DIRECTIVES = {
  server: setting('SPA_SERVER', anyText),
  port: setting('SPA_SERVER_PORT', PORT),
  protocol: setting('SPA_SERVER_PROTO', (text) =>
    text.toLowerCase() === 'udp'
      ? { value: undefined }
      : { message: `${quote(text)} is not supported`, hint: 'packets are sent over UDP' },
  ),
  sourcePort: setting('SPA_SOURCE_PORT', PORT),
  randomPort: setting('RAND_PORT', readFlag),
  access: setting('ACCESS', readAccess),
  allow: setting('ALLOW_IP', readAllow),
  key: setting('KEY', readKey, { KEY_BASE64: readKeyBase64 }),
  keyFile: setting('KEY_FILE', anyText),
  useHmac: setting('USE_HMAC', readFlag),
  hmacKey: setting('HMAC_KEY', readHmacKey, { HMAC_KEY_BASE64: readHmacKeyBase64 }),
  hmacKeyFile: setting('HMAC_KEY_FILE', anyText),
  hmacDigest: setting('HMAC_DIGEST_TYPE', readDigestName),
  digest: setting('DIGEST_TYPE', readDigestName),
  mode: setting('ENCRYPTION_MODE', readCipherMode),
  timeoutS: setting('FW_TIMEOUT', wholeNumber(0, TIMEOUT_MAX_S)),
  natAccess: setting('NAT_ACCESS', anyText),
  natLocal: setting('NAT_LOCAL', readFlag),
  natPort: setting('NAT_PORT', PORT),
  natRandomPort: setting('NAT_RAND_PORT', readFlag),
  user: setting('SPOOF_USER', anyText),
  /** The offset added to the clock, in seconds. */
  timeOffsetS: setting('TIME_OFFSET', readOffset),
  useGnupg: setting('USE_GPG', readFlag),
  gnupg: row<GnupgSettings>(
    'GPG_RECIPIENT',
    'VALUE',
    mapped(anyText, (recipient) => ({ recipient })),
    {
      variants: {
        GPG_SIGNER: mapped(anyText, (signer) => ({ signer })),
        GPG_HOMEDIR: mapped(anyText, (homeDir) => ({ homeDir })),
        GPG_EXE: mapped(anyText, (exe) => ({ exe })),
        GPG_SIGNING_PW: mapped(readHmacKey, passphraseOf),
        GPG_SIGNING_PW_BASE64: mapped(readHmacKeyBase64, passphraseOf),
      },
      join: (before, more) => ({ ...before, ...more }),
    },
  ),
  // gpg starts its agent without being asked to.
  agent: withoutEffect(['USE_GPG_AGENT', 'GPG_NO_SIGNING_PW']),
  // Nothing is saved, no port of a proxy is used, and -v shows everything.
  other: withoutEffect(['VERBOSE', 'NO_SAVE_ARGS', 'SERVER_RESOLVE_IPV4', 'HTTP_USER_AGENT']),
  download: withoutEffect(['USE_WGET_USER_AGENT', 'WGET_CMD', 'RESOLVE_URL', 'RESOLVE_HTTP_ONLY']),
  resolve: withoutEffect(
    ['RESOLVE_IP_HTTP', 'RESOLVE_IP_HTTPS'],
    NO,
    'no third party is asked for the address: write ALLOW_IP, or use --claim',
  ),
  spoof: withoutEffect(['SPOOF_SOURCE_IP'], NO, 'packets have an address of this machine: choose one with --source'),
} as const

/** The settings of a ~/.fwknoprc for a server. Settings without a directive are absent. */
export type RcSettings = Values<typeof RC_DIRECTIVES>

export const RC: Directives<typeof RC_DIRECTIVES> = new Directives(RC_DIRECTIVES, {
  noun: 'directive',
  between: ' ',
  named: true,
  known: 'names are in capitals, as fwknop(8) lists them',
})
