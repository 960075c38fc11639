import { toBase32 } from '../totp/base32.ts'
import { SECRET_FILE_MAX_BYTES, readSecret } from '../totp/secret-text.ts'
import type { TotpSecret } from '../totp/code.ts'
import type { Fault } from '../text/fault.ts'
import type { Knock } from './config.ts'
import { quote } from '../text/fault.ts'
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
}

/**
 * Reads a file of users. Each line has a name, blanks and a secret: an otpauth URI, a key in base32, or a sequence. A
 * sequence has the form of the directive `Sequence`. Blank lines and lines that begin with `#` are skipped. The caller
 * limits the size.
 */
export function parseUsers(text: string): UsersReading {
  const users: User[] = []
  const faults: Fault[] = []
  const names = new Map<string, number>()
  const secrets = new Map<string, number>()
  const unread = new Set<string>()
  let more = 0
  let full = false
  const fault = ({ number: line, text: whole }: TextLine, column: number, message: string, hint?: string): void => {
    for (const piece of piecesOf(whole)) {
      const [name = ''] = piece.split(/\s/, 1)
      if (isUserName(name)) unread.add(name)
    }
    if (faults.length >= FAULTS_TOLD_MAX) more++
    else faults.push({ severity: 'warning', line, column, message, ...(hint === undefined ? {} : { hint }) })
  }
  for (const line of linesOf(text)) {
    const { number, text: whole, stray } = line
    if (stray !== undefined) {
      fault(line, stray.column, stray.message, stray.hint)
      continue
    }
    const trimmed = whole.trim()
    if (trimmed === '' || trimmed.startsWith('#')) continue
    const column = whole.indexOf(trimmed) + 1
    const [, name = '', gap = '', secretText = ''] = /^(\S*)(\s*)([^]*)$/.exec(trimmed) ?? []
    const secretColumn = column + name.length + gap.length
    if (!isUserName(name)) {
      const hint = `letters, digits, dots, dashes and underscores, ${USER_NAME_MAX_CHARS} at most; then blanks and a secret`
      fault(line, column, 'the line does not begin with the name of a user', hint)
      continue
    }
    const twin = names.get(name)
    if (twin !== undefined) {
      fault(line, column, `user ${quote(name)} is already on line ${twin}`, 'the first line counts')
      continue
    }
    const read = readUserSecret(secretText)
    if ('message' in read) {
      fault(line, secretColumn + (read.offset ?? 0), `the secret of ${quote(name)} ${read.message}`, read.hint)
      continue
    }
    const key = read.kind === 'sequence' ? formatSequence(read.knocks) : toBase32(read.totp.key)
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
    users.push({ name, line: number, secret: read, text: secretText })
  }
  if (more > 0) {
    faults.push({
      severity: 'warning',
      line: faults.at(-1)!.line,
      column: 1,
      message: `and ${more} more lines like these`,
    })
  }
  return { users, faults, unread }
}

/** Returns true for a valid user name: portable characters (POSIX.1-2017, 3.437), none special to a shell. */
export function isUserName(text: string): boolean {
  return text.length <= USER_NAME_MAX_CHARS && /^[A-Za-z0-9._][A-Za-z0-9._-]*$/.test(text)
}

type Unread = { readonly message: string; readonly hint?: string; readonly offset?: number }

function readUserSecret(text: string): UserSecret | Unread {
  if (text === '') return { message: 'is missing', hint: 'an otpauth URI, a key in base32, or a sequence' }
  if (text.length > SECRET_FILE_MAX_BYTES)
    return { message: 'is too long', hint: `at most ${SECRET_FILE_MAX_BYTES} bytes` }
  if (/^otpauth:/i.test(text) || isKey(text)) {
    const read = readSecret(text)
    return 'message' in read ? read : { kind: 'totp', totp: read.secret }
  }
  const { knocks, faults } = parseSequence(text)
  const [first] = faults
  if (first === undefined) return { kind: 'sequence', knocks }
  return {
    message: `is not a sequence: ${first.message}`,
    hint: first.hint ?? 'as in 7431,8020:udp',
    offset: first.offset,
  }
}

/** Returns true if a text is meant as a base32 key: it has letters, and no comma or colon as sequences have. */
function isKey(text: string): boolean {
  return /[a-z]/i.test(text) && /^[a-z2-7][a-z2-7 =-]{15,}$/i.test(text)
}
