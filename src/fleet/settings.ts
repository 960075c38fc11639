import { createPrivateKey } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { dirname, resolve } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { readTime } from '../config/duration.ts'
import { readAbsolutePath, readFleetName } from '../config/value.ts'
import { ENDPOINTS_MAX } from '../etcd/access.ts'
import type { EtcdAccess } from '../etcd/access.ts'
import { FileError } from '../file/file-error.ts'
import { PUBLIC, SECRET } from '../file/policy.ts'
import type { FilePolicy } from '../file/policy.ts'
import { readPrivateText } from '../file/private-file.ts'
import { STATE_DIR_DEFAULT } from '../state/folder.ts'
import { Directives, row } from '../text/directive.ts'
import type { Entries, Entry, Settled } from '../text/directive.ts'
import { FaultList, faultAt, formatFault, quote } from '../text/fault.ts'
import type { FaultSink } from '../text/fault.ts'
import { contentLines } from '../text/lines.ts'
import { anyText, joined, listOf } from '../text/read.ts'
import type { Reader } from '../text/read.ts'
import { publicKeyOf } from './hosts.ts'
import { orHint, remedyOf } from './missing-file.ts'
import type { FleetFile } from './missing-file.ts'
import type { Versions } from './least-versions.ts'

/** Largest file with a host's place in a fleet, in UTF-16 units. */
export const SETTINGS_MAX_CHARS = 65_536
/** Default of Clock_Skew: milliseconds by which clocks of hosts may differ. */
export const CLOCK_SKEW_DEFAULT_MS = 10_000
export const CLOCK_SKEW_MIN_MS = 1_000
export const CLOCK_SKEW_MAX_MS = 300_000
/** The folder of State_Folder's default, which ends with the fleet's name. */
export const FLEETS_FOLDER = `${STATE_DIR_DEFAULT}/fleet`
/** Largest key or certificate file, in bytes. */
const KEY_FILE_MAX_BYTES = 65_536
/** Bytes of the fleet's key. */
export const FLEET_KEY_BYTES = 32

/** An operator whose signature counts. */
export interface Operator {
  readonly name: string
  readonly key: KeyObject
}

/** Reads the address of a node of etcd. */
export const readEndpoint: Reader<string> = (text) => {
  const match = /^https:\/\/(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):([0-9]{1,5})\/?$/.exec(text)
  if (match !== null && Number(match[1]) > 0 && Number(match[1]) < 65_536) return { value: text.replace(/\/$/, '') }
  const hint = text.startsWith('http:') ? 'only with TLS: begin with https://' : 'as in `https://10.0.0.1:2379`'
  return { message: `${quote(text)} is not an address of etcd`, hint }
}

const readOperator: Reader<readonly Operator[]> = (text) => {
  const [, name = '', key = ''] = /^(\S+)\s+(\S+)$/.exec(text) ?? []
  const publicKey = publicKeyOf(key)
  const read = readFleetName(name)
  if ('message' in read || publicKey === undefined) {
    return { message: 'this is not an operator', hint: 'a name and a public key, as `postern fleet init` prints them' }
  }
  return { value: [{ name, key: publicKey }] }
}

const readVersion: Reader<number> = (text) => {
  const value = /^[0-9]{1,16}$/.test(text) ? Number(text) : Number.NaN
  if (Number.isSafeInteger(value)) return { value }
  return {
    message: `${quote(text)} is not a version`,
    hint: 'a whole number, as `postern fleet hosts` shows it; 0: any',
  }
}

/** The directives of fleet.conf(5). */
export const DIRECTIVES = {
  fleet: row('Fleet', 'NAME', readFleetName),
  host: row('Host', 'NAME', readFleetName),
  endpoints: row(
    'Etcd',
    'https://HOST:PORT[,https://HOST:PORT]...',
    listOf(readEndpoint, ENDPOINTS_MAX, { message: 'too many nodes', hint: `at most ${ENDPOINTS_MAX}` }),
    { join: joined(String) },
  ),
  operators: row('Operator', 'NAME PUBLIC_KEY', readOperator, { join: joined<Operator>(({ name }) => name) }),
  caFile: row('CA_File', '/path/to/file', anyText),
  certFile: row('Cert_File', '/path/to/file', anyText),
  keyFile: row('Key_File', '/path/to/file', anyText),
  signKeyFile: row('Sign_Key_File', '/path/to/file', anyText),
  fleetKeyFile: row('Fleet_Key_File', '/path/to/file', anyText),
  loginFile: row('Login_File', '/path/to/file', anyText),
  stateFolder: row('State_Folder', '/path/to/folder', readAbsolutePath),
  leastHosts: row('Least_Hosts_Version', 'NUMBER', readVersion),
  leastUsers: row('Least_Users_Version', 'NUMBER', readVersion),
  clockSkew: row('Clock_Skew', 'TIME', readTime(CLOCK_SKEW_MIN_MS, CLOCK_SKEW_MAX_MS)),
} as const

/** The names of files beside fleet.conf, as `postern fleet` writes them. */
export const FLEET_FILES = {
  caFile: 'ca.crt',
  certFile: 'host.crt',
  keyFile: 'host.key',
  signKeyFile: 'sign.key',
  fleetKeyFile: 'fleet.key',
} as const

export const FLEET: Directives<typeof DIRECTIVES> = new Directives(DIRECTIVES, {
  noun: 'directive',
  normal: (name) => name.toLowerCase(),
  between: ' = ',
  twice: { severity: 'error', hint: 'take one of them out' },
})

/** A host's place in a fleet, and the paths of its keys. */
export interface FleetSettings {
  /** The file that was read. */
  readonly file: string
  readonly fleet: string
  readonly host: string
  readonly endpoints: readonly string[]
  readonly operators: readonly Operator[]
  readonly paths: Readonly<Record<keyof typeof FLEET_FILES, string>>
  /** The lines of the directives, which messages name. */
  readonly lines: Entries<typeof DIRECTIVES>
  readonly loginFile: string | undefined
  /** The folder of what this host keeps of the fleet: documents and users. The daemon writes it. */
  readonly stateFolder: string
  /** Milliseconds by which clocks of hosts may differ. */
  readonly clockSkewMs: number
  /** The versions of the lists when this host joined: older ones are refused. */
  readonly least: Versions
}

/** A host's place in a fleet, with its keys. */
export interface FleetKeys {
  readonly settings: FleetSettings
  readonly access: EtcdAccess
  /** The key of all hosts that hides used secrets from those who read etcd. */
  readonly fleetKey: Buffer
  /** The key with which this host signs. */
  readonly signKey: KeyObject
}

/** A fleet's file that cannot be used. The message has the place of each fault, one a line. */
export class FleetSettingsError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'FleetSettingsError'
  }
}

/** Returns the directives whose values differ, but for `Operator`, which a reload changes. */
export function changedDirectives(before: FleetSettings, after: FleetSettings): readonly string[] {
  const parts = (settings: FleetSettings): Partial<Record<keyof typeof DIRECTIVES, unknown>> => ({
    ...settings,
    ...settings.paths,
    clockSkew: settings.clockSkewMs,
    leastHosts: settings.least.hosts,
    leastUsers: settings.least.users,
    operators: undefined,
  })
  const [old, fresh] = [parts(before), parts(after)]
  return Object.entries(DIRECTIVES).flatMap(([key, { name }]) =>
    isDeepStrictEqual(old[key as keyof typeof DIRECTIVES], fresh[key as keyof typeof DIRECTIVES]) ? [] : [name],
  )
}

/** An operator's place in a fleet: the fleet.conf of an operator's folder has no `Host`. Its Sign_Key_File is the operator's. */
export type OperatorSettings = Omit<FleetSettings, 'host'> & { readonly host?: string }

/** Reads the text of a host's fleet.conf. @throws FleetSettingsError */
export function readSettings(text: string, file: string): FleetSettings {
  return settingsOf(settledIn(text, file, ['fleet', 'host', 'endpoints', 'operators']), file)
}

/** Reads the text of an operator's fleet.conf. @throws FleetSettingsError */
export function readOperatorSettings(text: string, file: string): OperatorSettings {
  return settingsOf(settledIn(text, file, ['fleet', 'endpoints', 'operators']), file)
}

function settledIn(
  text: string,
  file: string,
  needed: readonly (keyof typeof DIRECTIVES)[],
): Settled<typeof DIRECTIVES> {
  const faults = new FaultList()
  const sink = faults.of(undefined)
  const entries = [...entriesOf(text, sink)]
  const settled = FLEET.settle({ entries, complete: !faults.failed }, faults)
  for (const name of needed) {
    const { name: spelling, form } = DIRECTIVES[name]
    const isThere = entries.some(({ key }) => FLEET.find(key) === name)
    if (!isThere) sink.error(1, 1, `\`${spelling}\` is missing`, `add \`${spelling} = ${form}\``)
  }
  if (faults.failed)
    throw new FleetSettingsError(
      faults
        .sorted()
        .map((fault) => formatFault(file, fault))
        .join('\n'),
    )
  return settled
}

function settingsOf({ values, entries }: Settled<typeof DIRECTIVES>, file: string): FleetSettings {
  const folder = dirname(file)
  const paths = Object.fromEntries(
    Object.entries(FLEET_FILES).map(([name, fallback]) => [
      name,
      resolve(folder, values[name as keyof typeof FLEET_FILES] ?? fallback),
    ]),
  ) as FleetSettings['paths']
  return {
    file,
    fleet: values.fleet!,
    host: values.host ?? '',
    endpoints: values.endpoints!,
    operators: values.operators!,
    paths,
    lines: entries,
    loginFile: values.loginFile === undefined ? undefined : resolve(folder, values.loginFile),
    stateFolder: values.stateFolder ?? `${FLEETS_FOLDER}/${values.fleet!}`,
    clockSkewMs: values.clockSkew ?? CLOCK_SKEW_DEFAULT_MS,
    least: { hosts: values.leastHosts ?? 0, users: values.leastUsers ?? 0 },
  }
}

/** Reads fleet.conf. @throws FleetSettingsError, or FileError if others could have changed it */
export function loadSettings(file: string): FleetSettings {
  const hint = 'sudo postern fleet join makes it; a host in no fleet has no line Fleet in its config'
  return readSettings(
    orHint(() => readPrivateText(file, SETTINGS_MAX_CHARS, PUBLIC), hint),
    file,
  )
}

/**
 * Reads fleet.conf and the keys that it names.
 *
 * @throws FleetSettingsError, or FileError if a file is missing, or others can read or change it
 */
export function loadFleet(file: string): FleetKeys {
  const settings = loadSettings(file)
  const signKey = signKeyOf(settings.paths.signKeyFile, readFleetFile(settings, 'signKeyFile', SECRET))
  return { settings, fleetKey: loadFleetKey(settings), signKey, access: loadAccess(settings) }
}

/** Reads an operator's fleet.conf. @throws FleetSettingsError, or FileError if others could have changed it */
export function loadOperatorSettings(file: string): OperatorSettings {
  const hint =
    "postern fleet init makes an operator's folder, and postern fleet join a host's; name another: --folder DIR"
  return readOperatorSettings(
    orHint(() => readPrivateText(file, SETTINGS_MAX_CHARS, PUBLIC), hint),
    file,
  )
}

/** Reads the fleet's key. @throws FleetSettingsError or FileError */
export function loadFleetKey(settings: OperatorSettings): Buffer {
  const fleetKey = Buffer.from(readFleetFile(settings, 'fleetKeyFile', SECRET).trim(), 'base64')
  if (fleetKey.length === FLEET_KEY_BYTES) return fleetKey
  throw new FleetSettingsError(
    `${settings.paths.fleetKeyFile}: is not the key of a fleet\n  copy it from a host of the fleet`,
  )
}

/** Reads the certificates and the login for etcd. @throws FleetSettingsError or FileError */
export function loadAccess(settings: OperatorSettings): EtcdAccess {
  const { endpoints, loginFile } = settings
  const access = {
    endpoints,
    ca: readFleetFile(settings, 'caFile', PUBLIC),
    cert: readFleetFile(settings, 'certFile', PUBLIC),
    key: readFleetFile(settings, 'keyFile', SECRET),
  }
  if (loginFile === undefined) return access
  return { ...access, login: loginOf(loginFile, readFleetFile(settings, 'loginFile', SECRET)) }
}

/**
 * Reads a file that fleet.conf names, or has by default.
 *
 * @throws FleetSettingsError if it is missing, with the line that names it and what brings it back, and the FileError as its
 *   cause; FileError if it is refused
 */
export function readFleetFile(settings: OperatorSettings, key: FleetFile, policy: FilePolicy): string {
  const { file, paths, loginFile = '', lines } = settings
  const path = key === 'loginFile' ? loginFile : paths[key]
  try {
    return readPrivateText(path, KEY_FILE_MAX_BYTES, policy)
  } catch (error) {
    if (!(error instanceof FileError) || error.reason !== 'missing') throw error
    const { name } = DIRECTIVES[key]
    const hint = remedyOf(key, settings)
    const { line, valueColumn } = lines[key] ?? {}
    if (line !== undefined && valueColumn !== undefined) {
      const message = `\`${name}\`: ${path}: ${error.fault}`
      throw new FleetSettingsError(formatFault(file, faultAt('error', line, valueColumn, message, hint)), {
        cause: error,
      })
    }
    throw new FleetSettingsError(
      `${file}: error: \`${name}\` is not set, and its default is missing: ${path}\n    ${hint}`,
      { cause: error },
    )
  }
}

/**
 * Reads an Ed25519 private key in PEM.
 *
 * @param passphrase of a key that is encrypted
 * @throws FleetSettingsError
 */
export function signKeyOf(path: string, text: string, passphrase?: string): KeyObject {
  try {
    const key = createPrivateKey(passphrase === undefined ? text : { key: text, passphrase })
    if (key.asymmetricKeyType === 'ed25519') return key
  } catch {
    // Said below: OpenSSL's words could show parts of a key.
  }
  const what = passphrase === undefined ? 'is not an Ed25519 private key in PEM' : 'the passphrase is wrong'
  throw new FleetSettingsError(`${path}: ${what}`)
}

function loginOf(path: string, text: string): NonNullable<EtcdAccess['login']> {
  const [, name, password] = /^([^:\n]+):([^\n]+)\n?$/.exec(text) ?? []
  if (name !== undefined && password !== undefined) return { name, password }
  throw new FleetSettingsError(`${path}: is not a login of etcd\n  one line: NAME:PASSWORD`)
}

function* entriesOf(text: string, faults: FaultSink): Generator<Entry, void> {
  for (const { content, number, column, stray } of contentLines(text, SETTINGS_MAX_CHARS, faults)) {
    if (stray !== undefined) continue
    const equals = content.indexOf('=')
    const key = (equals < 0 ? content : content.slice(0, equals)).trim()
    const rest = equals < 0 ? undefined : content.slice(equals + 1)
    const start = equals < 0 ? content.length : equals + 1 + (rest!.length - rest!.trimStart().length)
    yield { key, value: rest?.trim(), line: number, keyColumn: column, valueColumn: column + start }
  }
}
