import type { Fault } from '../../text/fault.ts'
import { FaultList } from '../../text/fault.ts'
import { contentLines, linesOf, piecesOf } from '../../text/lines.ts'
import type { Entry, Settled } from '../../text/directive.ts'
import { encodeHex } from '../hex.ts'
import { formatKey, looksLikeKey, readKeyText } from './key-text.ts'
import { USER_OPTIONS } from './user-options.ts'
import type { UserOptions } from './user-options.ts'

/** The maximum size of a users file, in UTF-16 units. */
export const USERS_FILE_MAX_CHARS = 4 * 1_048_576
/** The maximum number of users in a file. */
export const USERS_MAX = 20_000
/** The maximum length of a user's name, which appears in log lines, in characters. */
export const USER_NAME_MAX_CHARS = 127

/** A line of the users file. */
export interface User {
  readonly name: string
  readonly publicKey: Uint8Array
  readonly options: UserOptions
  /** The line number, from 1. */
  readonly line: number
}

/** The users of a file, by their keys. */
export class Users {
  readonly #byKey = new Map<string, User>()

  /** Adds a user. Returns the user that has the same key already, if any. */
  add(user: User): User | undefined {
    const key = encodeHex(user.publicKey)
    const before = this.#byKey.get(key)
    if (before === undefined) this.#byKey.set(key, user)
    return before
  }

  get count(): number {
    return this.#byKey.size
  }

  /** Returns the user of a public key. */
  find(publicKey: Uint8Array): User | undefined {
    return this.#byKey.get(encodeHex(publicKey))
  }

  /** Returns true if there is a user with the key of an entry. */
  has(key: string): boolean {
    return this.#byKey.has(key)
  }

  /** Returns the users with a text for each public key. */
  entries(): IterableIterator<[string, User]> {
    return this.#byKey.entries()
  }

  [Symbol.iterator](): IterableIterator<User> {
    return this.#byKey.values()
  }
}

/** The contents of a users file. It must not be used if a fault is an error: the line might be a revocation. */
export interface UsersReading {
  readonly users: Users
  readonly faults: readonly Fault[]
}

/** Reads a users file. Each line has options, the key, and the name. */
export function readUsers(text: string): UsersReading {
  const users = new Users()
  const faults = new FaultList()
  for (const { number, text: content, stray } of contentLines(text, USERS_FILE_MAX_CHARS, faults)) {
    if (stray !== undefined) continue
    const user = readUser(content, number, faults)
    if (user === undefined) continue
    const before = users.add(user)
    if (before !== undefined) {
      const hint = 'use one line for each key: two lines could contradict each other'
      faults.error(user.line, 1, `this key is already on line ${before.line}`, hint)
    }
    if (users.count > USERS_MAX) {
      faults.error(user.line, 1, 'too many users', `at most ${USERS_MAX}`)
      break
    }
  }
  return { users, faults: faults.sorted() }
}

/**
 * Returns the users that remain valid when the new file has an error. Users in both files get their new lines. A user
 * whose key or name is in a faulty line keeps the old line. Users that the file no longer names are removed, and no
 * user is added.
 */
export function usersLeft(before: Users, text: string, reading: UsersReading): Users {
  const { users } = reading
  const isNamed = namedInFaults(text, reading)
  const left = new Users()
  for (const user of before) {
    const { name, publicKey } = user
    const isFaulty = isNamed({ name, key: formatKey('postern-user', publicKey) })
    const now = users.find(publicKey) ?? (isFaulty ? user : undefined)
    if (now !== undefined) left.add(now)
  }
  return left
}

/** Returns a test whether a faulty line has a user's name, or key as text. */
export function namedInFaults(
  text: string,
  { faults }: UsersReading,
): (user: { readonly name: string; readonly key: string }) => boolean {
  const faulty = new Set(faults.filter(({ severity }) => severity === 'error').map(({ line }) => line))
  const lines = [...linesOf(text)].filter(({ number }) => faulty.has(number))
  const pieces = lines.flatMap(({ text: content }) => piecesOf(content))
  return ({ name, key }) => pieces.some((piece) => piece.includes(key) || ` ${piece}`.endsWith(` ${name}`))
}

function readUser(content: string, line: number, faults: FaultList): User | undefined {
  const entries: Entry[] = []
  const settle = (): Settled<(typeof USER_OPTIONS)['table']> => USER_OPTIONS.settle({ entries, complete: true }, faults)
  for (const match of content.matchAll(/(?:"[^"]*"?|[^\s"])+/g)) {
    const [word] = match
    const keyColumn = match.index + 1
    if (word.split('"').length % 2 === 0) {
      settle()
      faults.error(line, keyColumn, 'a double quote is not closed', 'put the name between two')
      return undefined
    }
    if (looksLikeKey(word)) {
      const { values: options, complete, valid } = settle()
      const key = readKeyText(word, 'postern-user')
      if ('message' in key) {
        faults.error(line, keyColumn, `the key ${key.message}`, key.hint)
        return undefined
      }
      const end = match.index + word.length
      const name = readName(content.slice(end), line, end + 1, faults)
      return complete && valid && name !== undefined ? { name, publicKey: key.value, options, line } : undefined
    }
    const [key = '', ...rest] = word.split('=')
    const value = rest.length === 0 ? undefined : rest.join('=')
    entries.push({ key, value, line, keyColumn, valueColumn: keyColumn + key.length + 1 })
  }
  settle()
  faults.error(line, 1, 'there is no key in this line', 'write options, `postern-user:…`, and the name')
  return undefined
}

function readName(text: string, line: number, column: number, faults: FaultList): string | undefined {
  const name = text.trim()
  if (name === '') faults.error(line, column, 'the name is missing', 'write it after the key')
  else if (name.length > USER_NAME_MAX_CHARS) {
    faults.error(line, column, 'the name is too long', `at most ${USER_NAME_MAX_CHARS} characters`)
  } else if (/\p{C}/u.test(name)) {
    faults.error(line, column, 'the name has invisible characters', 'type it again')
  } else return name
  return undefined
}
