import { DONE, FAILED } from '../../cli/exit-code.ts'
import { Failure, failed, faultText } from '../../cli/fault.ts'
import type { Output } from '../../cli/output.ts'
import type { OpeningStatus } from '../../control/message.ts'
import { FileError } from '../../file/file-error.ts'
import { nearest } from '../../text/nearest.ts'
import { timeText } from '../control/table.ts'
import type { ListArguments } from './arguments.ts'
import { holds, openingsIn, repliesOf } from './in-force.ts'
import type { DoorReply, Replies } from './in-force.ts'
import { openedFile } from './opened-file.ts'
import { jsonText } from './report.ts'
import { HERE } from './surroundings.ts'
import type { Surroundings } from './surroundings.ts'
import { configOf } from '../config-of.ts'
import { doorsNamed, faultsText, filesOf, listed, withoutUsers } from './users-file.ts'
import type { UsersFile } from './users-file.ts'
import { doorsOf, formatOf } from './users-format.ts'
import type { FileUser, UserKind } from './users-format.ts'

/** A user in the list. */
interface Listed {
  readonly name: string
  readonly kind: UserKind
  /** The doors that the user can open by name, or could if enabled. */
  readonly doors: readonly string[]
  readonly disabled: boolean
  readonly file: string
  readonly line: number
  /** The end of the access, as an ISO 8601 time; `null`: none. */
  readonly expires: string | null
  /** True if a running daemon knows the user at all the doors; `null`: none can be asked. */
  readonly inForce: boolean | null
  /** The last use that the journal knows of, as an ISO 8601 time; `null`: none. */
  readonly lastUsed: string | null
  readonly open: readonly Pick<OpeningStatus, 'door' | 'source' | 'services' | 'leftMs'>[]
}

/** Runs `postern user list`, and returns the exit code. */
export async function list(asked: ListArguments, output: Output, here: Surroundings = HERE): Promise<number> {
  try {
    const config = configOf(asked.config)
    const doors = doorsNamed(config, asked.door)
    const bare = doors.find(({ secret }) => formatOf(secret) === undefined)
    if (asked.door.length > 0 && bare !== undefined) throw withoutUsers(bare, config, undefined)
    const files = filesOf(doors)
    const replies = await repliesOf(
      files.flatMap((file) => file.doors),
      here.asksAll(asked.config, asked.interface.flat()),
    )
    let isFaulty = false
    const fault = (text: string): void => {
      isFaulty = true
      output.err(text)
    }
    const all = files.flatMap((file) => usersIn(file, replies, fault))
    const { name } = asked
    const shown = name === undefined ? all : all.filter((user) => user.name === name)
    if (name !== undefined && shown.length === 0) {
      const meant = nearest(name, new Set(all.map((user) => user.name)))
      throw new Failure(`there is no user ${name}`, meant === undefined ? undefined : `did you mean: ${meant}`)
    }
    output.out(asked.json ? jsonText({ users: shown }) : textOf(shown, files))
    return isFaulty ? FAILED : DONE
  } catch (error) {
    return failed(error, output)
  }
}

function usersIn(file: UsersFile, replies: Replies, fault: (text: string) => void): readonly Listed[] {
  try {
    const { users, disabled, faults } = openedFile(file).content
    if (faults.length > 0) fault(`${faultsText(file, faults)}\n`)
    const all = [...users.map((user) => [user, false] as const), ...disabled.map((user) => [user, true] as const)]
    return all
      .sort(([one], [other]) => one.line - other.line)
      .map(([user, isDisabled]) => listedOf(user, file, isDisabled, replies))
  } catch (error) {
    if (!(error instanceof FileError)) throw error
    fault(faultText('postern', `${error.path}: ${error.fault}`, error.hint))
    return []
  }
}

function listedOf(user: FileUser, { path, doors }: UsersFile, disabled: boolean, replies: Replies): Listed {
  const { name, kind, line, options } = user
  const known = doors.flatMap((door) => replies.get(door) ?? []).filter(isAnswer)
  const own = known.flatMap(({ users }) => users.filter((each) => each.name === name))
  const used = own.flatMap(({ lastUsedMs }) => lastUsedMs ?? [])
  const open = openingsIn(new Map(doors.map((door) => [door, replies.get(door) ?? []])))
  return {
    name,
    kind,
    doors: doorsOf(user, doors),
    disabled,
    file: path,
    line,
    expires: timeOf(options?.expiresMs),
    inForce: known.length === 0 ? null : own.length >= known.length,
    lastUsed: used.length === 0 ? null : timeOf(Math.max(...used)),
    open: open
      .filter((opening) => holds(opening, name))
      .map(({ door, source, services, leftMs }) => ({ door, source, services, leftMs })),
  }
}

function isAnswer(reply: DoorReply): reply is Exclude<DoorReply, { readonly error: string }> {
  return 'users' in reply
}

function timeOf(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString()
}

/** The kinds in the list. */
const KINDS: Readonly<Record<UserKind, string>> = { totp: 'codes', sequence: 'sequence', spa: 'packets' }

function textOf(users: readonly Listed[], files: readonly UsersFile[]): string {
  if (users.length === 0) {
    return files.length === 0
      ? 'no door has a file of users\n'
      : `no users in ${listed(files.map(({ path }) => path))}\n`
  }
  const rows = users.map((user) => [
    user.name,
    user.doors.join(', ') || 'by port',
    KINDS[user.kind],
    stateOf(user),
    user.lastUsed?.slice(0, 16).replace('T', ' ') ?? '-',
    user.open.map(({ door, source, leftMs }) => `${door} for ${source}, ${timeText(leftMs)}`).join('; ') || '-',
  ])
  const table = [['name', 'doors', 'by', 'state', 'last used (UTC)', 'open'], ...rows]
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)))
  return table
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column]!))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('')
}

function stateOf({ disabled, expires, inForce }: Listed): string {
  if (disabled) return 'disabled'
  if (inForce === false) return 'not in force'
  return expires === null ? 'enabled' : `until ${expires.slice(0, 16).replace('T', ' ')}`
}
