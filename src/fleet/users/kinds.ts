import { createHash } from 'node:crypto'
import { join, resolve } from 'node:path'
import type { SecretConfig } from '../../config/config.ts'
import { parseOneTime } from '../../config/one-time.ts'
import { formatSequence } from '../../config/sequence.ts'
import { USERS_FILE_MAX_BYTES, isUserName } from '../../config/users.ts'
import { LIST, PUBLIC, SECRET } from '../../file/policy.ts'
import type { FilePolicy } from '../../file/policy.ts'
import { ACCESS_MAX_CHARS, readAccess } from '../../peer/fwknop/access.ts'
import type { AccessReading } from '../../peer/fwknop/access.ts'
import type { AccessSource } from '../../peer/fwknop/include.ts'
import { readKeys } from '../../peer/fwknop/key-file.ts'
import { PROFILE_FILES, PROFILE_FILE_MAX_BYTES } from '../../peer/knockknock/profile.ts'
import { readCounter, readProfileConfig, readProfileKey } from '../../peer/knockknock/profile.ts'
import { ONE_TIME_FILE_MAX_BYTES } from '../../secret/one-time-list.ts'
import { readRecentUsers } from '../../secret/recent-users.ts'
import { formatKey } from '../../spa/noise/key-text.ts'
import { USERS_FILE_MAX_CHARS, readUsers } from '../../spa/noise/users.ts'
import { faultAt, quote } from '../../text/fault.ts'
import type { Fault } from '../../text/fault.ts'
import type { Read } from '../../text/read.ts'
import { SECRET_FILE_MAX_BYTES, readSecret } from '../../totp/secret-text.ts'
import { foldersOf } from './users-document.ts'
import type { UsersFiles } from './users-document.ts'

/** The kinds of files, as their names end. A folder of profiles counts as one file. */
export type UsersKind = 'users' | 'totp' | 'list' | 'spa' | 'access' | 'fwknop' | 'knockknock'

/** Somebody, or something, in a file that opens a door. */
export interface UsersEntry {
  /** `undefined`: it has no name, such as a one-time sequence. */
  readonly name: string | undefined
  /** A text that is the same as long as nothing of it changes. It must not be shown. */
  readonly identity: string
}

/** The content of a file, and its faults. A fault of any severity keeps a line of users, codes or sequences out. */
export interface UsersReading {
  readonly entries: readonly UsersEntry[]
  readonly faults: readonly Fault[]
}

/** The files, and where they will be. */
export interface UsersSet {
  readonly files: UsersFiles
  /** Returns the name of a file or folder of the set by its path on a host; `undefined`: it is elsewhere. */
  readonly nameOf: (path: string) => string | undefined
}

interface KindRow {
  /** The directive of a door that names such a file. */
  readonly directive: string
  /** The policy by which an operator's copy is read. */
  readonly policy: FilePolicy
  readonly maxBytes: number
  /** True if each line stands for itself. */
  readonly isLines?: true
  /** A noun for entries without a name. */
  readonly noun: string
  readonly read: (name: string, set: UsersSet) => UsersReading
}

/** The kinds of files, by the end of their names, and read by the daemon's own readers. */
export const USERS_KINDS: Readonly<Record<UsersKind, KindRow>> = {
  users: {
    directive: 'Users',
    isLines: true,
    policy: SECRET,
    maxBytes: USERS_FILE_MAX_BYTES,
    noun: 'user',
    read: ofText((text) => {
      const { users, faults } = readRecentUsers(text)
      return { entries: users.map(({ name, text: identity }) => ({ name, identity })), faults: asErrors(faults) }
    }),
  },
  totp: {
    directive: 'TOTP_Secret_File',
    policy: SECRET,
    maxBytes: SECRET_FILE_MAX_BYTES,
    noun: 'secret',
    read: ofText((text) => {
      const read = readSecret(text)
      if ('message' in read) {
        return { entries: [], faults: [faultAt('error', 1, 1, `the file ${read.message}`, read.hint)] }
      }
      const { key, ...terms } = read.value
      const identity = JSON.stringify([Buffer.from(key).toString('base64'), terms])
      return { entries: [{ name: undefined, identity }], faults: [] }
    }),
  },
  list: {
    directive: 'One_Time_Sequences',
    isLines: true,
    policy: LIST,
    maxBytes: ONE_TIME_FILE_MAX_BYTES,
    noun: 'sequence',
    read: (name, { files }) => {
      const { lines, faults } = parseOneTime(files.get(name)!.toString('latin1'))
      const entries = lines.filter(({ marked }) => !marked).map(({ knocks }) => unnamed(formatSequence(knocks)))
      return { entries, faults: asErrors(faults) }
    },
  },
  spa: {
    directive: 'SPA_Users',
    isLines: true,
    policy: PUBLIC,
    maxBytes: USERS_FILE_MAX_CHARS,
    noun: 'user',
    read: ofText((text) => {
      const { users, faults } = readUsers(text)
      const entries = Array.from(users, ({ name, publicKey, options }): UsersEntry => {
        return { name, identity: `${formatKey('postern-user', publicKey)} ${identityOf(options)}` }
      })
      return { entries, faults }
    }),
  },
  access: {
    directive: 'Access_File',
    policy: SECRET,
    maxBytes: ACCESS_MAX_CHARS,
    noun: 'stanza',
    read: (name, set) => ofStanzas(readAccess(textOf(name, set), sourceIn(name, set))),
  },
  fwknop: {
    directive: 'Fwknop_Keys',
    policy: SECRET,
    maxBytes: ACCESS_MAX_CHARS,
    noun: 'key',
    read: ofText((text) => ofStanzas(readKeys(text))),
  },
  knockknock: {
    directive: 'Profiles',
    policy: SECRET,
    maxBytes: PROFILE_FILE_MAX_BYTES,
    noun: 'profile',
    read: ofProfiles,
  },
}

/** Returns the kind of a file or folder by its name; `undefined`: it is unknown. */
export function kindOfName(name: string): UsersKind | undefined {
  const end = /\.([a-z]+)$/.exec(name)?.[1]
  return end !== undefined && Object.hasOwn(USERS_KINDS, end) ? (end as UsersKind) : undefined
}

/** Returns the kind of the file that a door's secret names; `undefined`: it names none. */
export function kindOfSecret(secret: SecretConfig): UsersKind | undefined {
  switch (secret.kind) {
    case 'sequence':
    case 'generated':
      return undefined
    case 'one-time':
      return 'list'
    case 'spa':
      return ({ postern: 'spa', fwknop: 'access', 'fwknop-keys': 'fwknop', knockknock: 'knockknock' } as const)[
        secret.protocol
      ]
    case 'totp':
    case 'users':
      return secret.kind
    default:
      return secret satisfies never
  }
}

/** Returns the names of files, with one name for a folder of profiles. */
export function unitsOf(names: Iterable<string>): readonly string[] {
  return [...new Set(Array.from(names, (name) => foldersOf(name)[0] ?? name))].sort()
}

function ofText(read: (text: string) => UsersReading): KindRow['read'] {
  return (name, set) => read(textOf(name, set))
}

function textOf(name: string, { files }: UsersSet): string {
  return files.get(name)!.toString('utf8')
}

/** The readers leave faulty lines out, with a warning. Signed files have none. */
function asErrors(faults: readonly Fault[]): readonly Fault[] {
  return faults.map((fault) => ({ ...fault, severity: 'error' }))
}

function unnamed(identity: string): UsersEntry {
  return { name: undefined, identity }
}

/** The properties of a stanza that depend on its place in a file. */
const PLACES = new Set(['line', 'file', 'keyFiles'])

function identityOf(value: unknown): string {
  return JSON.stringify(value, (key, each: unknown) => {
    if (PLACES.has(key)) return undefined
    return each instanceof Uint8Array ? Buffer.from(each).toString('base64') : each
  })
}

function ofStanzas({ stanzas, faults }: AccessReading): UsersReading {
  const entries = stanzas.map((stanza): UsersEntry => {
    const {
      requireUsername: [name],
    } = stanza
    return { name: name === undefined ? undefined : quote(name), identity: identityOf(stanza) }
  })
  return { entries, faults }
}

const ELSEWHERE = {
  message: 'is not one of the files of the fleet',
  hint: 'include files that are beside this one, by their path on the hosts: /var/lib/postern/fleet/FLEET/users.d/NAME',
}

/** Returns what an access.conf may include: files of the same set, so that everything in force was signed. */
function sourceIn(name: string, { files, nameOf }: UsersSet): AccessSource {
  return {
    path: name,
    resolve: (path) => resolve(path),
    text: (path): Read<string> => {
      const content = files.get(nameOf(path) ?? '')
      return content === undefined ? ELSEWHERE : { value: content.toString('utf8') }
    },
    names: (path): Read<readonly string[]> => {
      const folder = nameOf(join(path, '.'))
      if (folder === undefined) return ELSEWHERE
      const start = folder === '' ? '' : `${folder}/`
      const inside = [...files.keys()].filter((each) => each.startsWith(start)).map((each) => each.slice(start.length))
      return { value: inside.filter((each) => !each.includes('/')) }
    },
  }
}

/** Reads a folder of profiles: four files for each. */
function ofProfiles(folder: string, { files }: UsersSet): UsersReading {
  const names = new Set<string>()
  const faults: Fault[] = []
  const refuse = (file: string, message: string, hint: string): void =>
    void faults.push(faultAt('error', 1, 1, message, hint, file))
  for (const file of files.keys()) {
    if (!file.startsWith(`${folder}/`)) continue
    const [user = '', part, ...more] = file.slice(folder.length + 1).split('/')
    const isPart = part !== undefined && more.length === 0 && Object.values<string>(PROFILE_FILES).includes(part)
    if (!isPart) refuse(file, 'this is not a file of a profile', `as in ${folder}/alice/cipher.key`)
    else if (isUserName(user)) names.add(user)
    else refuse(file, `${quote(user)} is not the name of a user`, 'letters, digits, dots, dashes and underscores')
  }
  const entries = Array.from(names, (name): UsersEntry => {
    const hash = createHash('sha256')
    for (const [part, read] of PROFILE_READERS) {
      const path = `${folder}/${name}/${part}`
      const content = files.get(path)
      const value = content === undefined ? { message: 'is missing' } : read(content.toString('utf8'))
      if ('message' in value) refuse(path, `${part} ${value.message}`, 'hint' in value ? (value.hint ?? '') : '')
      hash.update(`${content?.length}\n`).update(content ?? '')
    }
    return { name, identity: hash.digest('base64') }
  })
  return { entries, faults }
}

const PROFILE_READERS = [
  [PROFILE_FILES.cipherKey, readProfileKey],
  [PROFILE_FILES.macKey, readProfileKey],
  [PROFILE_FILES.counter, readCounter],
  [PROFILE_FILES.config, readProfileConfig],
] as const
