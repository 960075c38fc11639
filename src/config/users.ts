import { toBase32 } from '../totp/base32.ts'
import { SECRET_FILE_MAX_BYTES, readSecret } from '../totp/secret-text.ts'
import type { TotpSecret } from '../totp/secret.ts'
import type { Fault } from '../text/fault.ts'
import type { Knock, SecretConfig } from './config.ts'
import { quote, faultAt } from '../text/fault.ts'
import { mapped, valueOf } from '../text/read.ts'
import type { Read, Reader } from '../text/read.ts'
import { linesOf, piecesOf } from '../text/lines.ts'
import type { TextLine } from '../text/lines.ts'
import { formatSequence, parseSequence } from './sequence.ts'

/** Most users of one door. */
export const USERS_MAX = 20_000
/** Largest file of users, in bytes. It has room for that many otpauth URIs. */
export const USERS_FILE_MAX_BYTES = 8 * 1_048_576
/** Longest name of a user, in characters, as for a login (useradd(8)). */
export const USER_NAME_MAX_CHARS = 32
/** Most faults of one file that are reported. */
const FAULTS_TOLD_MAX = 20

/** A user's secret: codes, or a sequence of their own. */
export type UserSecret =
  | { readonly kind: 'totp'; readonly totp: TotpSecret }
  | { readonly kind: 'sequence'; readonly knocks: readonly Knock[] }

/** One line of a file of users. */
export interface User {
  readonly name: string
  /** From 1. */
  readonly line: number
  readonly secret: UserSecret
  /** The secret as written. A user with an unchanged secret is the same user. */
  readonly text: string
}

/** The result of reading a file of users. Lines at fault are not in `users`, and no fault quotes a secret. */
export interface UsersReading {
  readonly users: readonly User[]
  readonly faults: readonly Fault[]
  /** Names at the beginning of lines at fault. Their previous secrets stay valid. */
  readonly unread: ReadonlySet<string>
  /** The lines that name a user and a secret, by their text. */
  readonly lines: ReadonlyMap<string, UserLine>
}

/** A line of a file of users. */
export interface UserLine extends Pick<User, 'name' | 'secret' | 'text'> {
  /** The columns of the name and of the secret, from 1. */
  readonly column: number
  readonly secretColumn: number
  /** The same for the same secret. */
  readonly key: string
}

/**
 * Reads a file of users. Each line has a name, blanks and a secret: an otpauth URI, a key in base32, or a sequence. A
 * sequence has the form of the directive `Sequence`. Blank lines and lines that begin with `#` are skipped. The caller
 * limits the size.
 *
 * @param known returns a line that was read before
 */
export function parseUsers(
  text: string,
  known: (line: string) => UserLine | undefined = () => undefined,
): UsersReading {
  const users: User[] = []
  const faults: Fault[] = []
  const names = new Map<string, number>()
  const secrets = new Map<string, number>()
  const unread = new Set<string>()
  const lines = new Map<string, UserLine>()
  let more = 0
  let full = false
  const fault = ({ number: line, text: whole }: TextLine, column: number, message: string, hint?: string): void => {
    for (const piece of piecesOf(whole)) {
      const [name = ''] = piece.split(/\s/, 1)
      if (isUserName(name)) unread.add(name)
    }
    if (faults.length >= FAULTS_TOLD_MAX) more++
    else faults.push(faultAt('warning', line, column, message, hint))
  }
  for (const line of linesOf(text)) {
    const { number, text: whole, stray } = line
    if (stray !== undefined) {
      fault(line, stray.column, stray.message, stray.hint)
      continue
    }
    if (whole === '' || whole.startsWith('#')) continue
    const read = known(whole) ?? readLine(whole)
    if (read === undefined) continue
    if ('message' in read) {
      fault(line, read.column, read.message, read.hint)
      continue
    }
    const { name, secret, text: secretText, key, column, secretColumn } = read
    lines.set(whole, read)
    const twin = names.get(name)
    if (twin !== undefined) {
      fault(line, column, `user ${quote(name)} is already on line ${twin}`, 'the first line counts')
      continue
    }
    const same = secrets.get(key)
    if (same !== undefined) {
      fault(line, secretColumn, `user ${quote(name)} has the same secret as line ${same}`, 'give each their own')
      continue
    }
    if (users.length >= USERS_MAX) {
      if (!full) fault(line, column, 'too many users', `at most ${USERS_MAX} at one door`)
      unread.add(name)
      full = true
      continue
    }
    secrets.set(key, number)
    names.set(name, number)
    users.push({ name, line: number, secret, text: secretText })
  }
  if (more > 0) {
    faults.push(faultAt('warning', faults.at(-1)!.line, 1, `and ${more} more lines like these`))
  }
  return { users, faults, unread, lines }
}

/** Reads a line; `undefined`: it is blank, or a comment. */
function readLine(
  whole: string,
): UserLine | { readonly column: number; readonly message: string; readonly hint?: string | undefined } | undefined {
  const trimmed = whole.trim()
  if (trimmed === '' || trimmed.startsWith('#')) return undefined
  const column = whole.indexOf(trimmed) + 1
  const [, name = '', gap = '', text = ''] = /^(\S*)(\s*)([^]*)$/.exec(trimmed) ?? []
  const secretColumn = column + name.length + gap.length
  if (!isUserName(name)) {
    const hint = `letters, digits, dots, dashes and underscores, ${USER_NAME_MAX_CHARS} at most; then blanks and a secret`
    return { column, message: 'the line does not begin with the name of a user', hint }
  }
  const read = readUserSecret(text)
  if ('message' in read) {
    const message = `the secret of ${quote(name)} ${read.message}`
    return { column: secretColumn + (read.offset ?? 0), message, hint: read.hint }
  }
  return { name, secret: read.value, text, column, secretColumn, key: secretKey(read.value) }
}

/** Returns the sequence, or the key in base32: the same text for the same secret. It must not be in messages or logs. */
export function secretKey(secret: UserSecret): string {
  return 'knocks' in secret ? formatSequence(secret.knocks) : toBase32(secret.totp.key)
}

/** Returns the largest file of a door's codes or users, in bytes. */
export function holdersMaxBytes({ kind }: SecretConfig): number {
  return kind === 'users' ? USERS_FILE_MAX_BYTES : SECRET_FILE_MAX_BYTES
}

/** Reads a door's file of codes or users: one secret, or one for each user. Faulty lines of users are left out. */
export function readHolders({ kind }: SecretConfig, text: string): Read<readonly UserSecret[]> {
  if (kind === 'users') return { value: parseUsers(text).users.map(({ secret }) => secret) }
  return mapped(readSecret, (totp): readonly UserSecret[] => [{ kind: 'totp', totp }])(text)
}

/** Returns the secrets of codes in a door's file. Faults are left out. */
export function codesIn(secret: SecretConfig, text: string): readonly TotpSecret[] {
  return (valueOf(readHolders(secret, text)) ?? []).flatMap((one) => ('totp' in one ? [one.totp] : []))
}

/** Returns true for a valid user name: portable characters (POSIX.1-2017, 3.437), none special to a shell. */
export function isUserName(text: string): boolean {
  return text.length <= USER_NAME_MAX_CHARS && /^[A-Za-z0-9._][A-Za-z0-9._-]*$/.test(text)
}

const readUserSecret: Reader<UserSecret> = (text) => {
  if (text === '') return { message: 'is missing', hint: 'an otpauth URI, a key in base32, or a sequence' }
  if (text.length > SECRET_FILE_MAX_BYTES)
    return { message: 'is too long', hint: `at most ${SECRET_FILE_MAX_BYTES} bytes` }
  if (/^otpauth:/i.test(text) || isKey(text)) {
    return mapped(readSecret, (totp): UserSecret => ({ kind: 'totp', totp }))(text)
  }
  const read = parseSequence(text)
  if ('value' in read) return { value: { kind: 'sequence', knocks: read.value } }
  return { ...read, message: `is not a sequence: ${read.message}` }
}

/** Returns true if a text is meant as a base32 key: it has letters, and no comma or colon as sequences have. */
function isKey(text: string): boolean {
  return /[a-z]/i.test(text) && /^[a-z2-7][a-z2-7 =-]{15,}$/i.test(text)
}
