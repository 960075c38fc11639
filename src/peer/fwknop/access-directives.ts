import { setting, withoutEffect } from './settings.ts'
import { Directives, row } from '../../text/directive.ts'
import type { Entries, Values } from '../../text/directive.ts'
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

const NO = /^no?$/i
const NEVER = /^(?!)/
const NO_SUDO = 'set the account with CMD_EXEC_USER and CMD_EXEC_GROUP, or have the client put sudo in front'
const NO_TRANSLATION = 'add your own firewall rule that rewrites the sources of forwarded packets'
const TIMEOUT = wholeNumber(0, ACCESS_TIMEOUT_MAX_S)

/** The directive that begins a stanza. */
export const SOURCE = 'SOURCE'

/** The directives of an access.conf (fwknopd(8), "ACCESS.CONF VARIABLES"). */
const ACCESS_DIRECTIVES = {
  sources: setting(SOURCE, readAccessNetworks),
  destinations: setting('DESTINATION', readAccessNetworks),
  openPorts: setting('OPEN_PORTS', readPortList),
  restrictPorts: setting('RESTRICT_PORTS', readPortList),
  key: setting('KEY', readKey, { KEY_BASE64: readKeyBase64 }),
  /** The value `asymmetric` means that only GnuPG packets count. */
  mode: setting('ENCRYPTION_MODE', readMode),
  hmacKey: setting('HMAC_KEY', readHmacKey, { HMAC_KEY_BASE64: readHmacKeyBase64 }),
  hmacDigest: setting('HMAC_DIGEST_TYPE', readDigestName),
  /** Seconds that the door stays open; 0 is the default. */
  accessTimeoutS: setting('FW_ACCESS_TIMEOUT', TIMEOUT),
  maxTimeoutS: setting('MAX_FW_TIMEOUT', TIMEOUT),
  requireUsername: setting('REQUIRE_USERNAME', readUsernames),
  requireSourceAddress: setting('REQUIRE_SOURCE_ADDRESS', readYesOrNo, { REQUIRE_SOURCE: readYesOrNo }),
  expiresMs: setting('ACCESS_EXPIRE', readExpiryDay, { ACCESS_EXPIRE_EPOCH: readExpirySeconds }),
  forceNat: setting('FORCE_NAT', readForcedNat),
  commands: setting('ENABLE_CMD_EXEC', readYesOrNo),
  commandUser: setting('CMD_EXEC_USER', readAccount),
  commandGroup: setting('CMD_EXEC_GROUP', readAccount),
  cycleOpen: setting('CMD_CYCLE_OPEN', readCycleCommand),
  cycleClose: setting('CMD_CYCLE_CLOSE', readClose),
  cycleTimerS: setting('CMD_CYCLE_TIMER', wholeNumber(1, ACCESS_TIMEOUT_MAX_S)),
  gnupgKey: setting('GPG_DECRYPT_ID', readKeyName),
  gnupgPassphrase: setting('GPG_DECRYPT_PW', readHmacKey),
  gnupgNoPassphrase: setting('GPG_ALLOW_NO_PW', readYesOrNo),
  gnupgIds: setting('GPG_REMOTE_ID', readKeyIds),
  gnupgFingerprints: setting('GPG_FINGERPRINT_ID', readFingerprints),
  gnupgHome: setting('GPG_HOME_DIR', readFolder),
  gnupgRequired: setting('GPG_REQUIRE_SIG', readRequireSignature),
  gnupgUnsigned: setting('GPG_DISABLE_SIG', readYesOrNo),
  sudo: withoutEffect(['ENABLE_CMD_SUDO_EXEC'], NO, NO_SUDO),
  sudoAccount: withoutEffect(['CMD_SUDO_EXEC_USER', 'CMD_SUDO_EXEC_GROUP', 'SUDO_EXE'], NEVER, NO_SUDO),
  forceSnat: withoutEffect(['FORCE_SNAT'], NEVER, NO_TRANSLATION),
  masquerade: withoutEffect(['FORCE_MASQUERADE'], NO, NO_TRANSLATION),
  forwardAll: withoutEffect(
    ['FORWARD_ALL'],
    NO,
    'name what may be forwarded in OPEN_PORTS, or open it with CMD_CYCLE_OPEN',
  ),
  noDnat: withoutEffect(['DISABLE_DNAT'], NO, 'forward with CMD_CYCLE_OPEN instead of FORCE_NAT'),
  badSignature: withoutEffect(['GPG_IGNORE_SIG_VERIFY_ERROR'], NO, 'renew the keys whose signatures do not verify'),
  gnupgProgram: withoutEffect(['GPG_EXE'], /^\/usr\/bin\/gpg$/, 'gpg is found by the PATH: delete the line'),
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
