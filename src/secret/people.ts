import { formatFault } from '../text/fault.ts'
import { USERS_FILE_MAX_BYTES } from '../config/users.ts'
import type { UserSecret } from '../config/users.ts'
import { SECRET } from '../file/policy.ts'
import { readPrivateText } from '../file/private-file.ts'
import { SECRET_FILE_MAX_BYTES, readSecret } from '../totp/secret-text.ts'
import { readRecentUsers } from './recent-users.ts'

/** The most errors of a file that are logged at a time. */
const FAULTS_SAID_MAX = 5

/** An entry of the file; `name` is `undefined` if the door has one secret for all. */
export interface Person {
  readonly name: string | undefined
  readonly text: string
  readonly secret: UserSecret
}

/** The content of a door's file, and the warnings about it. */
export interface PeopleReading {
  readonly people: readonly Person[]
  readonly warnings: readonly string[]
}

/** A format of files that name who may open a door. */
export interface PeopleFormat {
  /** True if the file has users by name, and not one secret for everybody. */
  readonly isNamed: boolean
  /**
   * Reads the file of a door.
   *
   * @param before its last good state
   * @throws FileError, or an Error with the file's fault
   */
  readonly read: (door: string, path: string, before: readonly Person[]) => PeopleReading
}

/** Files with one secret of time-based codes for everybody. */
export const CODE_SECRET: PeopleFormat = { isNamed: false, read: readCodeSecret }

/** Files of users with a secret each. */
export const USERS: PeopleFormat = { isNamed: true, read: readUsers }

function readCodeSecret(_: string, path: string): PeopleReading {
  const text = readPrivateText(path, SECRET_FILE_MAX_BYTES, SECRET)
  const read = readSecret(text)
  if ('message' in read) throw new Error(`${path}: ${read.message}${read.hint === undefined ? '' : `\n${read.hint}`}`)
  return { people: [{ name: undefined, text, secret: { kind: 'totp', totp: read.value } }], warnings: [] }
}

/** A user whose line cannot be read keeps the previous line. */
function readUsers(door: string, path: string, before: readonly Person[]): PeopleReading {
  const { users, faults, unread } = readRecentUsers(readPrivateText(path, USERS_FILE_MAX_BYTES, SECRET))
  const named = new Set(users.map(({ name }) => name))
  const kept = before.filter(({ name = '' }) => unread.has(name) && !named.has(name))
  const people = [...users, ...kept]
  const warnings = faults.slice(0, FAULTS_SAID_MAX).map((fault) => formatFault(path, fault))
  const more = faults.length - warnings.length
  if (more > 0) warnings.push(`${path}: ${more} more errors: run postern check`)
  const names = kept.map(({ name }) => name).slice(0, FAULTS_SAID_MAX)
  if (names.length > 0) warnings.push(`${door}: keeping the previous lines of ${names.join(', ')}`)
  if (people.length === 0) warnings.push(`${door}: opens to nobody: no users in ${path}`)
  return { people, warnings }
}
