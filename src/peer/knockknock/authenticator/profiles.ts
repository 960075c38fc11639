import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { isUserName } from '../../../config/users.ts'
import { SECRET } from '../../../file/policy.ts'
import { readPrivateText } from '../../../file/private-file.ts'
import type { AuthenticatorDeps } from '../../../secret/deps.ts'
import type { PacketDoor } from '../../../secret/packet-door.ts'
import { sameBytes } from '../../../spa/bytes.ts'
import { PROFILE_FILES, PROFILE_FILE_MAX_BYTES, readCounter, readProfileConfig, readProfileKey } from '../profile.ts'
import type { Reader } from '../../../text/read.ts'
import type { KnockknockKeys } from '../syn.ts'

/** The most profiles of one door. */
const PROFILES_MAX = 256

/** The folder of a user, in the format of knockknock-genprofile. */
export interface Profile {
  readonly name: string
  readonly keys: KnockknockKeys
  /** The first counter that is valid. */
  readonly counter: number
  readonly port: number
}

/** Returns true if two profiles have the same keys. Such profiles share one counter. */
export function haveSameKeys({ keys: one }: Profile, { keys: other }: Profile): boolean {
  return sameBytes(one.cipherKey, other.cipherKey) && sameBytes(one.macKey, other.macKey)
}

/**
 * Reads a door's profiles. A profile that cannot be read keeps its previous state, if it has one.
 *
 * @throws Error with the folder and the system's message if the folder cannot be read
 */
export function readProfiles(
  { name: door, secret: { path: folder } }: PacketDoor,
  before: readonly Profile[],
  log: AuthenticatorDeps['log'],
): readonly Profile[] {
  const names = profileNames(folder)
  if (names.length > PROFILES_MAX) log.notice('warning', `${folder}: only the first ${PROFILES_MAX} profiles are used`)
  return names.slice(0, PROFILES_MAX).flatMap((name) => {
    try {
      return [readProfile(folder, name)]
    } catch (error) {
      const known = before.find((profile) => profile.name === name)
      const stays = known === undefined ? '' : ', keeping the previous one'
      const what = `profile ${join(folder, name)}${stays}`
      log.event({ kind: 'trouble', level: 'warning', door, what, cause: (error as Error).message })
      return known === undefined ? [] : [known]
    }
  })
}

/** Returns the folder of profiles, and those in it. */
export function profileFolders(folder: string): readonly string[] {
  try {
    const names = profileNames(folder).slice(0, PROFILES_MAX)
    return [folder, ...names.map((name) => join(folder, name))]
  } catch {
    return [folder]
  }
}

function profileNames(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
      .toSorted()
  } catch (error) {
    throw new Error(`${folder}: ${(error as Error).message}`, { cause: error })
  }
}

/** @throws FileError, or an Error with the fault */
function readProfile(folder: string, name: string): Profile {
  if (!isUserName(name)) throw new Error('the name of the folder is not a name of a user')
  const path = join(folder, name)
  const cipherKey = value(path, PROFILE_FILES.cipherKey, readProfileKey)
  const macKey = value(path, PROFILE_FILES.macKey, readProfileKey)
  const counter = value(path, PROFILE_FILES.counter, readCounter)
  const port = value(path, PROFILE_FILES.config, readProfileConfig)
  return { name, keys: { cipherKey, macKey }, counter, port }
}

function value<T>(folder: string, file: string, read: Reader<T>): T {
  const found = read(readPrivateText(join(folder, file), PROFILE_FILE_MAX_BYTES, SECRET))
  if ('value' in found) return found.value
  throw new Error(`${file} ${found.message}\n${found.hint}`)
}
