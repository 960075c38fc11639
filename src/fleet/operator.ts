import { homedir } from 'node:os'
import { existsSync, readdirSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import type { EtcdAccess } from '../etcd/access.ts'
import { SECRET } from '../file/policy.ts'
import { publicKeyText } from './hosts.ts'
import {
  FleetSettingsError,
  loadAccess,
  loadFleetKey,
  loadOperatorSettings,
  readFleetFile,
  signKeyOf,
} from './settings.ts'
import type { OperatorSettings } from './settings.ts'
import type { Signer } from './signed.ts'

/** The name of the settings in an operator's folder, and in that of a host. */
export const FLEET_CONF = 'fleet.conf'
/** The mark of an encrypted key in PEM (RFC 5958, RFC 7468). */
const ENCRYPTED = 'ENCRYPTED PRIVATE KEY'

/** An operator's folder, without the key that signs, which may need a passphrase. */
export interface OperatorFolder {
  readonly folder: string
  readonly settings: OperatorSettings
  readonly access: EtcdAccess
}

/** Returns the folder in which the operators' folders of this user are, one for each fleet. */
export function operatorFolders(environment: NodeJS.ProcessEnv = process.env): string {
  const config = environment['XDG_CONFIG_HOME'] ?? ''
  return join(isAbsolute(config) ? config : join(homedir(), '.config'), 'postern', 'fleet')
}

/**
 * Finds the folder of an operator: the one that is given, or the only one of this user.
 *
 * @throws FleetSettingsError if there are several, or none
 */
export function findOperatorFolder(given: string | undefined, all = operatorFolders()): string {
  if (given !== undefined) return given
  const found = foldersIn(all)
  const [only, ...others] = found
  if (only === undefined) {
    throw new FleetSettingsError(
      `there is no fleet in ${all}\n  name its folder: --folder DIR, or make one: postern fleet init`,
    )
  }
  if (others.length > 0)
    throw new FleetSettingsError(`there are several fleets in ${all}\n  name one: --folder ${only}`)
  return only
}

function foldersIn(all: string): readonly string[] {
  try {
    return readdirSync(all)
      .map((name) => join(all, name))
      .filter((folder) => existsSync(join(folder, FLEET_CONF)))
  } catch {
    return []
  }
}

/** Reads the settings of an operator, and the certificates for etcd. @throws FleetSettingsError or FileError */
export function loadOperator(folder: string): OperatorFolder {
  const settings = loadOperatorSettings(join(folder, FLEET_CONF))
  return { folder, settings, access: loadAccess(settings) }
}

/** Reads the key of the fleet from an operator's folder. @throws FleetSettingsError or FileError */
export function operatorFleetKey({ settings }: OperatorFolder): Buffer {
  return loadFleetKey(settings)
}

/**
 * Reads the key with which the operator signs. Its name is the one that the settings give to its public key.
 *
 * @param passphrase asked only if the key is encrypted
 * @throws FleetSettingsError or FileError
 */
export async function loadSigner(
  { settings }: Pick<OperatorFolder, 'settings'>,
  passphrase: (path: string) => Promise<string>,
): Promise<Signer> {
  const path = settings.paths.signKeyFile
  const text = readFleetFile(settings, 'signKeyFile', SECRET)
  const key = text.includes(ENCRYPTED) ? signKeyOf(path, text, await passphrase(path)) : signKeyOf(path, text)
  const own = publicKeyText(key)
  const operator = settings.operators.find(({ key: each }) => publicKeyText(each) === own)
  if (operator !== undefined) return { name: operator.name, key }
  throw new FleetSettingsError(
    `${path}: no operator has this key\n  add the line to ${settings.file}: Operator = NAME ${own}`,
  )
}
