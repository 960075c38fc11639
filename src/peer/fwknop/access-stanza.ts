import { FaultList } from '../../text/fault.ts'
import type { AccessEntries, AccessSettings } from './access-directives.ts'
import { sameBytes } from '../../spa/bytes.ts'
import { DIGEST_DEFAULT } from './digest.ts'
import type { CommandCycle, CommandTerms, GnupgTerms, Place, Stanza } from './stanza.ts'

/** The default of FW_ACCESS_TIMEOUT, in seconds (fwknopd(8)). */
export const ACCESS_TIMEOUT_DEFAULT_S = 30
/** The default of MAX_FW_TIMEOUT, in seconds (Debian's access.conf). */
export const ACCESS_TIMEOUT_LIMIT_DEFAULT_S = 300
/** The default of GPG_HOME_DIR, the folder of the server's GnuPG keys (fwknopd(8)). */
export const GNUPG_HOME_DEFAULT = '/root/.gnupg'
/** The number of characters in a short key id, which others can create again. */
const SHORT_ID_CHARS = 8

/** The settings of a stanza, with the place of each. */
export interface StanzaLines {
  /** The place of the stanza's SOURCE. */
  readonly place: Place
  readonly settings: AccessSettings
  readonly places: AccessEntries
  /** The files from which keys of the stanza were included. */
  readonly keyFiles: readonly string[]
}

/** Builds a stanza and adds its faults to the list. If a fault is an error, the stanza must not be used. */
export function buildStanza({ place, settings, places, keyFiles }: StanzaLines, faults: FaultList): Stanza {
  const check = new StanzaCheck(place, places, faults)
  const { key, hmacKey, mode, hmacDigest = DIGEST_DEFAULT } = settings
  const hmac = hmacKey === undefined ? undefined : { key: hmacKey, digest: hmacDigest }
  if (hmac === undefined) {
    const hint = 'anyone who sees a packet can alter it and try keys on it: add HMAC_KEY_BASE64 on both sides'
    check.faults.of(place.file).warning(place.line, 1, 'this stanza has no HMAC key', hint)
    check.without('hmacDigest', 'HMAC_DIGEST_TYPE', 'an HMAC key')
  } else if ([key, settings.gnupgPassphrase].some((one) => one !== undefined && sameBytes(one, hmac.key))) {
    check.error('hmacKey', 'the HMAC key equals the encryption key', '`fwknop --key-gen` makes two')
  }
  const gnupg = gnupgTerms(settings, check)
  if (key === undefined && !check.hasGnupg) {
    const hint = '`fwknop --key-gen` makes KEY_BASE64 and HMAC_KEY_BASE64'
    check.faults.of(place.file).error(place.line, 1, 'this stanza has no key', hint)
  }
  if (mode === 'asymmetric' && !check.hasGnupg) {
    check.error('mode', 'ENCRYPTION_MODE allows GnuPG only, but the stanza has no GPG_DECRYPT_PW', 'delete the line')
  } else if (mode !== undefined && mode !== 'asymmetric' && key === undefined) {
    check.without('mode', 'ENCRYPTION_MODE', 'KEY_BASE64')
  }
  return {
    ...place,
    ...(keyFiles.length === 0 ? {} : { keyFiles }),
    sources: settings.sources ?? [],
    destinations: settings.destinations ?? [],
    openPorts: settings.openPorts,
    restrictPorts: settings.restrictPorts ?? [],
    rijndael: key === undefined || mode === 'asymmetric' ? undefined : { key, mode: mode ?? 'cbc' },
    hmac,
    gnupg,
    // In both directives, fwknopd treats 0 as the default.
    accessTimeoutS: settings.accessTimeoutS || ACCESS_TIMEOUT_DEFAULT_S,
    maxTimeoutS: settings.maxTimeoutS || ACCESS_TIMEOUT_LIMIT_DEFAULT_S,
    requireUsername: settings.requireUsername ?? [],
    requireSourceAddress: settings.requireSourceAddress ?? false,
    expiresMs: settings.expiresMs,
    forceNat: forcedNat(settings, check),
    commands: commandTerms(settings, check),
    cycle: commandCycle(settings, check),
  }
}

/** The faults of a stanza, each at the line of its directive. */
class StanzaCheck {
  readonly faults: FaultList
  hasGnupg = false
  readonly #place: Place
  readonly #places: AccessEntries

  constructor(place: Place, places: AccessEntries, faults: FaultList) {
    this.#place = place
    this.#places = places
    this.faults = faults
  }

  /** Returns the place of a directive, or of the stanza if the directive is absent. */
  placeOf(setting: keyof AccessSettings): Place {
    return this.#places[setting] ?? this.#place
  }

  error(setting: keyof AccessSettings, message: string, hint: string): void {
    const { file, line } = this.placeOf(setting)
    this.faults.of(file).error(line, 1, message, hint)
  }

  warning(setting: keyof AccessSettings, message: string, hint: string): void {
    const { file, line } = this.placeOf(setting)
    this.faults.of(file).warning(line, 1, message, hint)
  }

  /** Warns of a directive that has no effect without another one. */
  without(setting: keyof AccessSettings, name: string, other: string): void {
    if (this.#places[setting] !== undefined)
      this.warning(setting, `${name} has no effect without ${other}`, 'delete the line')
  }
}

function gnupgTerms(settings: AccessSettings, check: StanzaCheck): GnupgTerms | undefined {
  const { gnupgPassphrase: passphrase, gnupgNoPassphrase: none = false, gnupgUnsigned: unsigned = false } = settings
  const { gnupgIds: ids = [], gnupgFingerprints: fingerprints = [], gnupgKey: decryptId } = settings
  const aside = {
    GPG_DECRYPT_ID: 'gnupgKey',
    GPG_REMOTE_ID: 'gnupgIds',
    GPG_FINGERPRINT_ID: 'gnupgFingerprints',
  } as const
  if (passphrase === undefined && !none) {
    for (const [name, setting] of Object.entries(aside)) {
      if (settings[setting] === undefined) continue
      const hint = 'GnuPG is not used without one of them'
      check.error(setting, `${name} needs GPG_DECRYPT_PW or GPG_ALLOW_NO_PW Y`, hint)
    }
    check.without('gnupgHome', 'GPG_HOME_DIR', 'GPG_DECRYPT_PW')
    check.without('gnupgRequired', 'GPG_REQUIRE_SIG', 'GPG_DECRYPT_PW')
    return undefined
  }
  check.hasGnupg = true
  if (passphrase !== undefined && none) {
    check.error('gnupgNoPassphrase', 'the stanza has both GPG_DECRYPT_PW and GPG_ALLOW_NO_PW Y', 'delete one')
  }
  const named = ids.length + fingerprints.length > 0
  if (unsigned && (named || settings.gnupgRequired !== undefined)) {
    const hint = 'delete one: a signature is either required or not'
    check.error('gnupgUnsigned', 'GPG_DISABLE_SIG Y contradicts the directives about signatures', hint)
  } else if (unsigned && settings.hmacKey === undefined) {
    const hint = 'add HMAC_KEY_BASE64, or name who signs in GPG_FINGERPRINT_ID'
    check.error('gnupgUnsigned', 'GPG_DISABLE_SIG Y without an HMAC key lets anyone in', hint)
  } else if (!unsigned && !named) {
    const hint = 'name the keys that may sign in GPG_FINGERPRINT_ID'
    const setting = passphrase === undefined ? 'gnupgNoPassphrase' : 'gnupgPassphrase'
    check.error(setting, 'the stanza names no signer', hint)
  }
  if (fingerprints.length === 0 && ids.some((id) => id.length === SHORT_ID_CHARS)) {
    const hint = 'name the whole fingerprint in GPG_FINGERPRINT_ID'
    check.warning('gnupgIds', 'anyone can create a key with the same short key id', hint)
  } else if (fingerprints.length > 0 && ids.length > 0) {
    check.warning('gnupgIds', 'GPG_REMOTE_ID has no effect beside GPG_FINGERPRINT_ID', 'delete the line')
  }
  const signers = unsigned ? undefined : { ids, fingerprints }
  return { homeDir: settings.gnupgHome ?? GNUPG_HOME_DEFAULT, decryptId, passphrase, signers }
}

function forcedNat({ forceNat }: AccessSettings, check: StanzaCheck): Stanza['forceNat'] {
  return forceNat === undefined ? undefined : { ...forceNat, line: check.placeOf('forceNat').line }
}

function commandTerms(settings: AccessSettings, check: StanzaCheck): CommandTerms | undefined {
  if (settings.commands !== true) {
    check.without('commandUser', 'CMD_EXEC_USER', 'ENABLE_CMD_EXEC Y')
    check.without('commandGroup', 'CMD_EXEC_GROUP', 'ENABLE_CMD_EXEC Y')
    return undefined
  }
  if (settings.commandUser === undefined) {
    const hint = 'set another user with CMD_EXEC_USER'
    check.warning('commands', 'commands in packets run as the user of the daemon, usually root', hint)
  }
  const as = settings.commandUser === undefined ? 'commandGroup' : 'commandUser'
  return { line: check.placeOf(as).line, user: settings.commandUser, group: settings.commandGroup }
}

function commandCycle(settings: AccessSettings, check: StanzaCheck): CommandCycle | undefined {
  const { cycleOpen: open, cycleClose: close, cycleTimerS: timerS } = settings
  if (open === undefined) {
    if (close !== undefined) check.error('cycleClose', 'CMD_CYCLE_CLOSE needs CMD_CYCLE_OPEN', 'add it')
    check.without('cycleTimerS', 'CMD_CYCLE_TIMER', 'CMD_CYCLE_OPEN')
    return undefined
  }
  if (close === undefined) {
    check.error(
      'cycleOpen',
      'CMD_CYCLE_OPEN needs CMD_CYCLE_CLOSE',
      'write `CMD_CYCLE_CLOSE NONE` if nothing closes it',
    )
  } else if (close.command !== undefined && timerS === undefined) {
    check.error('cycleClose', 'CMD_CYCLE_CLOSE needs CMD_CYCLE_TIMER', 'add the seconds until it is run')
  } else if (close.command === undefined) {
    check.without('cycleTimerS', 'CMD_CYCLE_TIMER', 'a CMD_CYCLE_CLOSE')
  }
  return { open, close: close?.command, timerS: close?.command === undefined ? 0 : (timerS ?? 0) }
}
