import { quote } from '../../config/fault.ts'
import type { Network } from '../../packet/network.ts'
import { ACCESS_TIMEOUT_MAX_S, readAccessNetworks, readAccount, readExpiryDay } from './access-values.ts'
import { readExpirySeconds, readFingerprints, readFolder, readForcedNat, readKeyIds } from './access-values.ts'
import { readKeyName, readPortList, readUsernames, readYesOrNo } from './access-values.ts'
import { readCycleCommand } from './cycle.ts'
import type { DigestName } from './digest.ts'
import type { NatTarget, Port } from './request.ts'
import type { CipherMode } from './rijndael.ts'
import { readCipherMode, readDigestName, readHmacKey, readHmacKeyBase64, readKey, readKeyBase64 } from './settings.ts'
import { readNumber } from './settings.ts'
import type { ReadValue, Value } from './settings.ts'

/** The settings of a stanza. Settings without a directive are absent. */
export interface AccessSettings {
  readonly sources?: readonly Network[]
  readonly destinations?: readonly Network[]
  readonly openPorts?: readonly Port[]
  readonly restrictPorts?: readonly Port[]
  readonly key?: Uint8Array
  /** The value `asymmetric` means that only GnuPG packets count. */
  readonly mode?: CipherMode | 'asymmetric'
  readonly hmacKey?: Uint8Array
  readonly hmacDigest?: DigestName
  /** Seconds that the door stays open; 0 is the default. */
  readonly accessTimeoutS?: number
  readonly maxTimeoutS?: number
  readonly requireUsername?: readonly string[]
  readonly requireSourceAddress?: boolean
  readonly expiresMs?: number
  readonly forceNat?: NatTarget
  readonly commands?: boolean
  readonly commandUser?: string
  readonly commandGroup?: string
  readonly cycleOpen?: string
  readonly cycleClose?: { readonly command: string | undefined }
  readonly cycleTimerS?: number
  readonly gnupgKey?: string
  readonly gnupgPassphrase?: Uint8Array
  readonly gnupgNoPassphrase?: boolean
  readonly gnupgIds?: readonly string[]
  readonly gnupgFingerprints?: readonly string[]
  readonly gnupgHome?: string
  readonly gnupgRequired?: true
  readonly gnupgUnsigned?: boolean
}

/** Reads a directive's value into settings. */
export type AccessRead = ReadValue<AccessSettings>

function set<Name extends keyof AccessSettings>(
  name: Name,
  read: ReadValue<NonNullable<AccessSettings[Name]>>,
): AccessRead {
  return (text) => {
    const result = read(text)
    return 'fault' in result ? result : { value: { [name]: result.value } }
  }
}

const readMode: ReadValue<CipherMode | 'asymmetric'> = (text) =>
  text.toLowerCase() === 'asymmetric' ? { value: 'asymmetric' } : readCipherMode(text)

const readClose: ReadValue<{ readonly command: string | undefined }> = (text) => {
  if (text === 'NONE') return { value: { command: undefined } }
  if (/^none$/i.test(text)) return { fault: `${quote(text)} is not in capitals`, hint: 'write `NONE`' }
  const result = readCycleCommand(text)
  return 'fault' in result ? result : { value: { command: result.value } }
}

const readRequireSignature = (text: string): Value<true> => {
  const result = readYesOrNo(text)
  if ('fault' in result) return result
  if (result.value) return { value: true }
  return { fault: 'a signature is required anyway, by fwknopd too', hint: 'write `GPG_REQUIRE_SIG Y`' }
}

const TIMEOUT = readNumber(0, ACCESS_TIMEOUT_MAX_S)
const SOURCE_ADDRESS = set('requireSourceAddress', readYesOrNo)

/** The directive that begins a stanza. */
export const SOURCE = 'SOURCE'

/** The supported directives of an access.conf (fwknopd(8), "ACCESS.CONF VARIABLES"). */
export const ACCESS_DIRECTIVES: Readonly<Record<string, AccessRead>> = {
  [SOURCE]: set('sources', readAccessNetworks),
  DESTINATION: set('destinations', readAccessNetworks),
  OPEN_PORTS: set('openPorts', readPortList),
  RESTRICT_PORTS: set('restrictPorts', readPortList),
  KEY: set('key', readKey),
  KEY_BASE64: set('key', readKeyBase64),
  ENCRYPTION_MODE: set('mode', readMode),
  HMAC_KEY: set('hmacKey', readHmacKey),
  HMAC_KEY_BASE64: set('hmacKey', readHmacKeyBase64),
  HMAC_DIGEST_TYPE: set('hmacDigest', readDigestName),
  FW_ACCESS_TIMEOUT: set('accessTimeoutS', TIMEOUT),
  MAX_FW_TIMEOUT: set('maxTimeoutS', TIMEOUT),
  REQUIRE_USERNAME: set('requireUsername', readUsernames),
  REQUIRE_SOURCE_ADDRESS: SOURCE_ADDRESS,
  REQUIRE_SOURCE: SOURCE_ADDRESS,
  ACCESS_EXPIRE: set('expiresMs', readExpiryDay),
  ACCESS_EXPIRE_EPOCH: set('expiresMs', readExpirySeconds),
  FORCE_NAT: set('forceNat', readForcedNat),
  ENABLE_CMD_EXEC: set('commands', readYesOrNo),
  CMD_EXEC_USER: set('commandUser', readAccount),
  CMD_EXEC_GROUP: set('commandGroup', readAccount),
  CMD_CYCLE_OPEN: set('cycleOpen', readCycleCommand),
  CMD_CYCLE_CLOSE: set('cycleClose', readClose),
  CMD_CYCLE_TIMER: set('cycleTimerS', readNumber(1, ACCESS_TIMEOUT_MAX_S)),
  GPG_DECRYPT_ID: set('gnupgKey', readKeyName),
  GPG_DECRYPT_PW: set('gnupgPassphrase', readHmacKey),
  GPG_ALLOW_NO_PW: set('gnupgNoPassphrase', readYesOrNo),
  GPG_REMOTE_ID: set('gnupgIds', readKeyIds),
  GPG_FINGERPRINT_ID: set('gnupgFingerprints', readFingerprints),
  GPG_HOME_DIR: set('gnupgHome', readFolder),
  GPG_REQUIRE_SIG: set('gnupgRequired', readRequireSignature),
  GPG_DISABLE_SIG: set('gnupgUnsigned', readYesOrNo),
}

/** An unsupported directive, with its replacement and the values that are harmless. */
interface Refused {
  readonly instead: string
  readonly harmless: RegExp | undefined
}

const NO = /^no?$/i
const NO_SUDO = 'set the account with CMD_EXEC_USER and CMD_EXEC_GROUP, or have the client put sudo in front'
const NO_TRANSLATION = 'add your own firewall rule that rewrites the sources of forwarded packets'

/** The unsupported directives of an access.conf. */
export const ACCESS_REFUSED: Readonly<Record<string, Refused>> = {
  ENABLE_CMD_SUDO_EXEC: { instead: NO_SUDO, harmless: NO },
  CMD_SUDO_EXEC_USER: { instead: NO_SUDO, harmless: undefined },
  CMD_SUDO_EXEC_GROUP: { instead: NO_SUDO, harmless: undefined },
  SUDO_EXE: { instead: NO_SUDO, harmless: undefined },
  FORCE_SNAT: { instead: NO_TRANSLATION, harmless: undefined },
  FORCE_MASQUERADE: { instead: NO_TRANSLATION, harmless: NO },
  FORWARD_ALL: { instead: 'name what may be forwarded in OPEN_PORTS, or open it with CMD_CYCLE_OPEN', harmless: NO },
  DISABLE_DNAT: { instead: 'forward with CMD_CYCLE_OPEN instead of FORCE_NAT', harmless: NO },
  GPG_IGNORE_SIG_VERIFY_ERROR: { instead: 'renew the keys whose signatures do not verify', harmless: NO },
  GPG_EXE: { instead: 'gpg is found by the PATH: delete the line', harmless: /^\/usr\/bin\/gpg$/ },
}

/** The directives that include other files. */
export const INCLUDES: ReadonlySet<string> = new Set(['%include', '%include_folder', '%include_keys'])

/** The directives allowed in a file of `%include_keys`. fwknopd 2.6.10 was seen to ignore all others there. */
export const KEY_DIRECTIVES: ReadonlySet<string> = new Set([
  'KEY',
  'KEY_BASE64',
  'HMAC_KEY',
  'HMAC_KEY_BASE64',
  'REQUIRE_SOURCE_ADDRESS',
  'GPG_DECRYPT_ID',
  'GPG_DECRYPT_PW',
  'GPG_ALLOW_NO_PW',
  'GPG_REMOTE_ID',
  'GPG_FINGERPRINT_ID',
  'GPG_REQUIRE_SIG',
  'GPG_DISABLE_SIG',
  'GPG_IGNORE_SIG_VERIFY_ERROR',
])

/** The names of all directives that an access.conf can have. */
export const ACCESS_NAMES: readonly string[] = [
  ...Object.keys(ACCESS_DIRECTIVES),
  ...Object.keys(ACCESS_REFUSED),
  ...INCLUDES,
]
