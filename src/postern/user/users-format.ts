import type { Door, SecretConfig } from '../../config/config.ts'
import { packetOf } from '../../config/secret.ts'
import { USERS_FILE_MAX_BYTES, parseUsers, secretKey } from '../../config/users.ts'
import { PUBLIC, SECRET } from '../../file/policy.ts'
import type { FilePolicy } from '../../file/policy.ts'
import { formatKey } from '../../spa/noise/key-text.ts'
import type { UserOptions } from '../../spa/noise/user-options.ts'
import { USERS_FILE_MAX_CHARS, namedInFaults, readUsers } from '../../spa/noise/users.ts'
import type { Fault } from '../../text/fault.ts'
import { linesOf } from '../../text/lines.ts'
import { unmarked } from './lines.ts'

/** The kinds of secrets that a user can have, as the options of `postern user add` name them. */
export const USER_KINDS = ['totp', 'sequence', 'spa'] as const
export type UserKind = (typeof USER_KINDS)[number]

/** A user in a file. */
export interface FileUser {
  readonly name: string
  /** From 1. */
  readonly line: number
  readonly kind: UserKind
  /** A text that is the same for the same secret or key. It must not be shown. */
  readonly identity: string
  /** The options of a key; absent: there are none in this kind of file. */
  readonly options?: UserOptions
}

/** The content of a file. */
export interface FileContent {
  readonly users: readonly FileUser[]
  /** The users in lines that are disabled. */
  readonly disabled: readonly FileUser[]
  readonly faults: readonly Fault[]
  /** Returns true if a faulty line may be that of a user. The daemon then keeps the user's previous line. */
  readonly isNamedInFaults: (user: FileUser) => boolean
}

/** A format of files of users, read by the daemon's own readers. */
export interface UsersFormat {
  /** The directive that names the file. */
  readonly directive: 'Users' | 'SPA_Users'
  /** The kinds of secrets in the file, the usual one first. */
  readonly kinds: readonly UserKind[]
  readonly policy: FilePolicy
  readonly maxBytes: number
  readonly read: (text: string) => Omit<FileContent, 'disabled'>
  /** Returns true if the user is named by the first word of a line, also of a faulty one. */
  readonly nameIsFirst: boolean
}

const CODES_AND_SEQUENCES: UsersFormat = {
  directive: 'Users',
  kinds: ['totp', 'sequence'],
  policy: SECRET,
  maxBytes: USERS_FILE_MAX_BYTES,
  nameIsFirst: true,
  read(text) {
    const { users, faults, unread } = parseUsers(text)
    return {
      users: users.map(({ name, line, secret }) => ({ name, line, kind: secret.kind, identity: secretKey(secret) })),
      faults,
      isNamedInFaults: ({ name }) => unread.has(name),
    }
  },
}

const KEYS: UsersFormat = {
  directive: 'SPA_Users',
  kinds: ['spa'],
  policy: PUBLIC,
  maxBytes: USERS_FILE_MAX_CHARS,
  nameIsFirst: false,
  read(text) {
    const reading = readUsers(text)
    const users = Array.from(reading.users, ({ name, line, options, publicKey }): FileUser => {
      return { name, line, kind: 'spa', identity: formatKey('postern-user', publicKey), options }
    })
    const isNamed = namedInFaults(text, reading)
    return {
      users,
      faults: reading.faults,
      isNamedInFaults: ({ name, identity }) => isNamed({ name, key: identity }),
    }
  },
}

/** Returns the format of a door's file of users; `undefined`: the door has none. */
export function formatOf(secret: SecretConfig): UsersFormat | undefined {
  if (secret.kind === 'users') return CODES_AND_SEQUENCES
  return packetOf(secret)?.protocol === 'postern' ? KEYS : undefined
}

/** Reads a file's text: the users as the daemon reads them, and those who are disabled. */
export function readContent(format: UsersFormat, text: string): FileContent {
  const disabled: FileUser[] = []
  for (const { number, text: line } of linesOf(text)) {
    const rest = unmarked(line)
    if (rest === undefined) continue
    const { users, faults } = format.read(rest)
    const [user] = users
    if (user !== undefined && faults.length === 0) disabled.push({ ...user, line: number })
  }
  return { ...format.read(text), disabled }
}

/** Returns the numbers of the lines of a user, faulty ones included. */
export function linesOfUser(
  format: UsersFormat,
  content: FileContent,
  text: string,
  name: string,
): ReadonlySet<number> {
  const lines = content.users.filter((user) => user.name === name).map(({ line }) => line)
  if (format.nameIsFirst) {
    for (const { number, text: line } of linesOf(text)) if (/^\S*/.exec(line.trim())?.[0] === name) lines.push(number)
  }
  return new Set(lines)
}

/** Returns the doors that a user can open, of those that read the user's file. */
export function doorsOf({ options }: FileUser, doors: readonly Door[]): readonly string[] {
  const names = doors.map(({ name }) => name)
  if (options === undefined || (options.doors === undefined && options.ports === undefined)) return names
  return names.filter((name) => options.doors?.includes(name) === true)
}
