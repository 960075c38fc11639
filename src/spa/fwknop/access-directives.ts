import { Directives, row } from '../../text/directive.ts'
import type { Directive, Entries, Values } from '../../text/directive.ts'
import { anyText, mapped, wholeNumber } from '../../text/read.ts'
import type { Reader, TextFault } from '../../text/read.ts'
import { quote } from '../../text/fault.ts'
import {
  ACCESS_TIMEOUT_MAX_S,
  readAccessNetworks,
  readAccount,
  readExpiryDay,
  readExpirySeconds,
  readFingerprints,
  readFolder,
  readForcedNat,
  readKeyIds,
  readKeyName,
  readPortList,
  readUsernames,
  readYesOrNo,
} from './access-values.ts'
import { readCycleCommand } from './cycle.ts'
import type { CipherMode } from './rijndael.ts'
import { readCipherMode, readDigestName, readHmacKey, readHmacKeyBase64, readKey, readKeyBase64 } from './settings.ts'

const readMode: Reader<CipherMode | 'asymmetric'> = (text) =>
  text.toLowerCase() === 'asymmetric' ? { value: 'asymmetric' } : readCipherMode(text)

const readClose: Reader<{ readonly command: string | undefined }> = (text) => {
  if (text === 'NONE') return { value: { command: undefined } }
  if (/^none$/i.test(text)) return { message: `${quote(text)} is not in capitals`, hint: 'write `NONE`' }
  return mapped(readCycleCommand, (command) => ({ command }))(text)
}

const readRequireSignature: Reader<true> = (text) => {
  const result = readYesOrNo(text)
  if ('message' in result) return result
  if (result.value) return { value: true }
  return { message: 'a signature is required anyway, by fwknopd too', hint: 'write `GPG_REQUIRE_SIG Y`' }
}

/** Makes the row of a directive. Lines without a value are refused before, so the form is in no hint. */
function set<T>(name: string, read: Reader<T>, variants: Readonly<Record<string, Reader<T>>> = {}): Directive<T> {
  return row(name, 'VALUE', read, { variants })
}

/** Makes the row of directives that are not supported. Values that mean no are harmless. */
function refuse(refused: string, names: readonly string[], harmless: RegExp = NO): Directive<undefined> {
  const [name = '', ...aliases] = names
  const read: Reader<undefined> = (text) =>
    harmless.test(text) ? { value: undefined } : { message: 'is not supported' }
  return row(name, 'N', read, { aliases, refused })
}

const NO = /^no?$/i
const NEVER = /^(?!)/
const NO_SUDO = 'set the account with CMD_EXEC_USER and CMD_EXEC_GROUP, or have the client put sudo in front'
const NO_TRANSLATION = 'add your own firewall rule that rewrites the sources of forwarded packets'
const TIMEOUT = wholeNumber(0, ACCESS_TIMEOUT_MAX_S)

/** The directive that begins a stanza. */
export const SOURCE = 'SOURCE'

/** The directives of an access.conf (fwknopd(8), "ACCESS.CONF VARIABLES"). */
const ACCESS_DIRECTIVES = {
  sources: set(SOURCE, readAccessNetworks),
  destinations: set('DESTINATION', readAccessNetworks),
  openPorts: set('OPEN_PORTS', readPortList),
  restrictPorts: set('RESTRICT_PORTS', readPortList),
  key: set('KEY', readKey, { KEY_BASE64: readKeyBase64 }),
  /** The value `asymmetric` means that only GnuPG packets count. */
  mode: set('ENCRYPTION_MODE', readMode),
  hmacKey: set('HMAC_KEY', readHmacKey, { HMAC_KEY_BASE64: readHmacKeyBase64 }),
  hmacDigest: set('HMAC_DIGEST_TYPE', readDigestName),
  /** Seconds that the door stays open; 0 is the default. */
  accessTimeoutS: set('FW_ACCESS_TIMEOUT', TIMEOUT),
  maxTimeoutS: set('MAX_FW_TIMEOUT', TIMEOUT),
  requireUsername: set('REQUIRE_USERNAME', readUsernames),
  requireSourceAddress: set('REQUIRE_SOURCE_ADDRESS', readYesOrNo, { REQUIRE_SOURCE: readYesOrNo }),
  expiresMs: set('ACCESS_EXPIRE', readExpiryDay, { ACCESS_EXPIRE_EPOCH: readExpirySeconds }),
  forceNat: set('FORCE_NAT', readForcedNat),
  commands: set('ENABLE_CMD_EXEC', readYesOrNo),
  commandUser: set('CMD_EXEC_USER', readAccount),
  commandGroup: set('CMD_EXEC_GROUP', readAccount),
  cycleOpen: set('CMD_CYCLE_OPEN', readCycleCommand),
  cycleClose: set('CMD_CYCLE_CLOSE', readClose),
  cycleTimerS: set('CMD_CYCLE_TIMER', wholeNumber(1, ACCESS_TIMEOUT_MAX_S)),
  gnupgKey: set('GPG_DECRYPT_ID', readKeyName),
  gnupgPassphrase: set('GPG_DECRYPT_PW', readHmacKey),
  gnupgNoPassphrase: set('GPG_ALLOW_NO_PW', readYesOrNo),
  gnupgIds: set('GPG_REMOTE_ID', readKeyIds),
  gnupgFingerprints: set('GPG_FINGERPRINT_ID', readFingerprints),
  gnupgHome: set('GPG_HOME_DIR', readFolder),
  gnupgRequired: set('GPG_REQUIRE_SIG', readRequireSignature),
  gnupgUnsigned: set('GPG_DISABLE_SIG', readYesOrNo),
  sudo: refuse(NO_SUDO, ['ENABLE_CMD_SUDO_EXEC']),
  sudoAccount: refuse(NO_SUDO, ['CMD_SUDO_EXEC_USER', 'CMD_SUDO_EXEC_GROUP', 'SUDO_EXE'], NEVER),
  forceSnat: refuse(NO_TRANSLATION, ['FORCE_SNAT'], NEVER),
  masquerade: refuse(NO_TRANSLATION, ['FORCE_MASQUERADE']),
  forwardAll: refuse('name what may be forwarded in OPEN_PORTS, or open it with CMD_CYCLE_OPEN', ['FORWARD_ALL']),
  noDnat: refuse('forward with CMD_CYCLE_OPEN instead of FORCE_NAT', ['DISABLE_DNAT']),
  badSignature: refuse('renew the keys whose signatures do not verify', ['GPG_IGNORE_SIG_VERIFY_ERROR']),
  gnupgProgram: refuse('gpg is found by the PATH: delete the line', ['GPG_EXE'], /^\/usr\/bin\/gpg$/),
  /** Lines with these directives are read before all others. */
  includes: row('%include', 'FILE', anyText, { aliases: ['%include_folder', '%include_keys'] }),
} as const

/** Values keep a `#`, as in fwknopd. */
function remarkOf(value: string): TextFault | undefined {
  const offset = value.search(/\s#/) + 1
  if (offset === 0) return undefined
  const hint = 'write the comment on its own line, or after a `;`'
  return { offset, message: 'this `#` and what follows belong to the value', hint }
}

export const ACCESS: Directives<typeof ACCESS_DIRECTIVES> = new Directives(ACCESS_DIRECTIVES, {
  noun: 'directive',
  between: ' ',
  named: true,
  known: 'names are in capitals, as fwknopd(8) lists them',
  twice: { severity: 'warning', hint: 'delete one of them: fwknopd also uses the last' },
  file: 'access.conf',
  remark: remarkOf,
})

/** The settings of a stanza. Settings without a directive are absent. */
export type AccessSettings = Values<typeof ACCESS_DIRECTIVES>
export type AccessEntries = Entries<typeof ACCESS_DIRECTIVES>

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
