import { Failure, UsageError } from '../../cli/fault.ts'
import type { Config, Door } from '../../config/config.ts'
import { USER_NAME_MAX_CHARS, isUserName } from '../../config/users.ts'
import { quote } from '../../text/fault.ts'
import type { AddArguments } from './arguments.ts'
import { KIND_WORDS } from './enrolment.ts'
import { doorsNamed, filesOf, listed, withoutUsers } from './users-file.ts'
import type { UsersFile } from './users-file.ts'
import { USER_KINDS, formatOf } from './users-format.ts'
import type { UserKind, UsersFormat } from './users-format.ts'

/** A file to which the user is added, the doors to open, and the kind of secret. */
export interface Target {
  readonly file: UsersFile
  readonly doors: readonly Door[]
  readonly kind: UserKind
}

/** Returns the files of the doors to open. @throws Failure or UsageError if a door has no file of users, or not of this kind */
export function targetsOf(config: Config, asked: AddArguments): readonly Target[] {
  const kinds = USER_KINDS.filter((kind) => asked[kind])
  const doors = doorsToOpen(config, asked.door, kinds)
  const bare = doors.find(({ secret }) => formatOf(secret) === undefined)
  if (bare !== undefined) throw withoutUsers(bare, config, kinds[0])
  const targets = filesOf(config.doors).flatMap((file): readonly Target[] => {
    const own = file.doors.filter((door) => doors.includes(door))
    const [first] = own
    if (first === undefined) return []
    const kind = kinds.length === 0 ? file.format.kinds[0] : file.format.kinds.find((each) => kinds.includes(each))
    if (kind === undefined) {
      const words = file.format.kinds.map((each) => `--${each}`).join(' or ')
      throw new UsageError(
        `door ${first.name} has no users with ${kinds.map((each) => KIND_WORDS[each]).join(' or ')}`,
        words,
      )
    }
    const others = file.doors.filter((door) => !own.includes(door)).map(({ name }) => name)
    // The line of a key names the doors that it opens.
    if (others.length > 0 && kind !== 'spa') throw sharedFile(first, others, file)
    return [{ file, doors: own, kind }]
  })
  const idle = kinds.find((kind) => !targets.some((target) => target.kind === kind))
  if (idle !== undefined) throw new UsageError(`--${idle} is for none of these doors`, 'leave it out')
  return targets
}

/** Returns the failure of a command for one of the doors that share a file. */
export function sharedFile(door: Door, others: readonly string[], { path }: UsersFile): Failure {
  return new Failure(
    `door ${door.name} shares ${path} with ${listed(others)}: what is done there is done for all of them`,
    `name them too: ${others
      .slice(0, 5)
      .map((name) => `--door ${name}`)
      .join(' ')}`,
  )
}

function doorsToOpen(config: Config, names: readonly string[], kinds: readonly UserKind[]): readonly Door[] {
  if (names.length > 0) return doorsNamed(config, names)
  const { doors } = config
  const fit = doors.filter(({ secret }) => {
    const format = formatOf(secret)
    return format !== undefined && (kinds.length === 0 || format.kinds.some((kind) => kinds.includes(kind)))
  })
  if (fit.length === 1) return fit
  if (fit.length > 1) {
    throw new UsageError(
      'several doors have users: name those to open',
      `--door ${fit[0]!.name}; doors with users: ${listed(fit.map(({ name }) => name))}`,
    )
  }
  if (doors.length === 1) throw withoutUsers(doors[0]!, config, kinds[0])
  throw new Failure('no door has a file of users', 'name the door to open: --door NAME shows the line that it needs')
}

/** Refuses a name that the daemon's reader would not take, or would take for something else. @throws UsageError */
export function checkName(name: string, { nameIsFirst }: UsersFormat): void {
  const isValid = nameIsFirst
    ? isUserName(name)
    : name.trim() === name && !/[\p{C}\p{Zl}\p{Zp}]/u.test(name) && name !== ''
  if (isValid) return
  const hint = nameIsFirst
    ? `letters, digits, dots, dashes and underscores, ${USER_NAME_MAX_CHARS} at most`
    : 'one line of visible characters'
  throw new UsageError(`invalid name ${quote(name)}`, hint)
}
