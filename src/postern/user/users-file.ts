import { Failure } from '../../cli/fault.ts'
import type { Config, Door } from '../../config/config.ts'
import { isFwknop, packetOf, secretPath } from '../../config/secret.ts'
import { counted } from '../../text/counted.ts'
import { formatFault } from '../../text/fault.ts'
import { meantOr } from '../../text/read.ts'
import { realPath } from './replacement.ts'
import { formatOf } from './users-format.ts'
import type { FileContent, UserKind, UsersFormat } from './users-format.ts'

/** The most doors that a message names, and the most faults that it shows. */
const DOORS_NAMED_MAX = 20
const FAULTS_SHOWN_MAX = 20
/** The folder that the messages propose for files of users, with a file for each door. */
const USERS_FOLDER = '/etc/postern/users'

/** A file of users, and the doors that read it. */
export interface UsersFile {
  /** The path as the config has it. */
  readonly path: string
  readonly format: UsersFormat
  readonly doors: readonly Door[]
}

/** Returns the doors with these names; all, if there are none. @throws Failure if one is not in the config */
export function doorsNamed({ doors, file }: Config, names: readonly string[]): readonly Door[] {
  if (names.length === 0) return doors
  return [...new Set(names)].map((name) => {
    const door = doors.find((each) => each.name === name)
    if (door !== undefined) return door
    const known = doors.map((each) => each.name)
    throw new Failure(`there is no door ${name} in ${file}`, meantOr(name, known, `doors are: ${listed(known)}`))
  })
}

/** Returns the files of doors with users, each once. Doors without users are left out. */
export function filesOf(doors: readonly Door[]): readonly UsersFile[] {
  const files = new Map<string, UsersFile & { readonly doors: Door[] }>()
  for (const door of doors) {
    const format = formatOf(door.secret)
    if (format === undefined) continue
    const path = secretPath(door.secret)!
    const key = `${format.directive} ${knownPath(path)}`
    const known = files.get(key)
    if (known === undefined) files.set(key, { path, format, doors: [door] })
    else known.doors.push(door)
  }
  return [...files.values()]
}

function knownPath(path: string): string {
  try {
    return realPath(path)
  } catch {
    // Reading the file gives the reason.
    return path
  }
}

/** Formats names as a list that is not too long. */
export function listed(names: readonly string[]): string {
  const more = names.length - DOORS_NAMED_MAX
  return `${names.slice(0, DOORS_NAMED_MAX).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

/** Formats faults of a file for people, a line or two each. */
export function faultsText({ path }: UsersFile, faults: FileContent['faults']): string {
  const lines = faults.slice(0, FAULTS_SHOWN_MAX).map((fault) => formatFault(path, fault))
  const more = faults.length - lines.length
  return [...lines, ...(more > 0 ? [`${path}: ${counted(more, 'further fault')}`] : [])].join('\n')
}

/** Returns the failure of a door without a file of users: its hint has the line for the config. */
export function withoutUsers(door: Door, { file, places }: Config, kind: UserKind | undefined): Failure {
  const { name, secret } = door
  if (isFwknop(secret)) {
    return new Failure(
      `door ${name} takes packets of fwknop: each of its users is a stanza with keys in ${secret.path}`,
      `fwknop --key-gen makes the keys; add a stanza with them by hand, or remove one: knockd.conf(5), SINGLE PACKETS`,
    )
  }
  if (packetOf(secret)?.protocol === 'knockknock') {
    return new Failure(
      `door ${name} takes packets of knockknock: each of its users is a profile in ${secretPath(secret)!}`,
      'knockknock-genprofile makes one',
    )
  }
  const entries = places.doors.get(door)!.entries
  const old = entries.totp ?? entries.oneTime
  const [directive, more] =
    kind === 'spa' ? (['SPA_Users', 'SPA = postern\n      '] as const) : (['Users', ''] as const)
  const line = `${more}${directive} = ${USERS_FOLDER}/${/^[\w.-]+$/.test(name) ? name : 'NAME'}`
  const gone = [old, ...(kind === 'spa' ? [entries.sequence] : [])].filter((entry) => entry !== undefined)
  const without = gone.map((entry) => `, without ${entry.key} (line ${entry.line})`).join('')
  const before =
    entries.sequence !== undefined && kind !== 'spa'
      ? `\n  Sequence (line ${entries.sequence.line}) is then knocked before each user's own secret; anybody who knows it alone opens nothing`
      : ''
  return new Failure(
    `door ${name} has no file of users: everybody has one secret`,
    `add this below [${name}] in ${file}${without}, reload knockd, and run this again:
      ${line}${before}`,
  )
}
