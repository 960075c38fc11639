import { faultText } from '../../cli/fault.ts'
import type { Config } from '../../config/config.ts'
import { KIND_WORDS } from './enrolment.ts'
import { openingText } from './in-force.ts'
import type { Closings, Effect } from './in-force.ts'
import type { OpenedFile } from './opened-file.ts'
import { listed } from './users-file.ts'
import { doorsOf, formatOf } from './users-format.ts'
import type { UserKind } from './users-format.ts'

/** The change of a user. */
export type Done = 'removed' | 'disabled' | 'enabled'

/** The lines of a user that were changed in a file. */
export interface Changed {
  readonly file: string
  /** Their numbers before the change, from 1. */
  readonly lines: readonly number[]
  readonly kinds: readonly (UserKind | 'fwknop')[]
  /** The doors that they open. */
  readonly doors: readonly string[]
}

/** Describes lines that are changed. A faulty line may be for any door of the file. */
export function changedIn({ path, content, doors }: OpenedFile, lines: ReadonlySet<number>): Changed {
  const users = [...content.users, ...content.disabled].filter(({ line }) => lines.has(line))
  const isWhole = users.length === lines.size
  const open = new Set(isWhole ? users.flatMap((user) => doorsOf(user, doors)) : doors.map(({ name }) => name))
  return { file: path, lines: [...lines], kinds: [...new Set(users.map(({ kind }) => kind))], doors: [...open] }
}

/** Returns the line about the doors that a user can no longer open, or can open again. */
export function changedText(done: Done, name: string, { file, lines, kinds, doors }: Changed): string {
  const by = kinds.length === 0 ? '' : ` by ${kinds.map((kind) => KIND_WORDS[kind]).join(' and ')}`
  const at = lines.map((line) => `${file}:${line}`).join(', ')
  const can = done === 'enabled' ? 'can open' : 'can no longer open'
  return `${name} is ${done} and ${can} ${listed(doors) || 'ports'}${by}: ${at}\n`
}

/** Returns the lines about openings of a user who lost access. */
export function closingsText({ closed, kept, closing, unknown }: Closings): string {
  const lines = [
    ...closed.map((opening) => `closed: ${openingText(opening)}`),
    ...kept.map((opening) => `still open for others: ${openingText(opening)}`),
    ...closing.map((opening) => `still being closed: ${openingText(opening)}`),
    ...unknown.map((opening) => `perhaps still open: ${openingText(opening)}`),
  ]
  return lines.map((line) => `${line}\n`).join('')
}

/** Returns a line with the doors that have no users by name: a user may know their secrets. */
export function othersText({ doors }: Config): string {
  const others = doors.filter(({ secret }) => formatOf(secret) === undefined).map(({ name }) => name)
  return others.length === 0 ? '' : `left as they are, because they have no file of users: ${listed(others)}\n`
}

/** Returns the texts about the effect of a change on the daemons, for standard output and standard error. */
export function effectText(
  { state, problems }: Effect,
  config: string,
): { readonly out: string; readonly err: string } {
  if (state === 'in force') return { out: 'knockd has taken the change\n', err: '' }
  if (state === 'none') {
    return { out: `knockd is not running with ${config}: the change counts from its next start\n`, err: '' }
  }
  const message = 'the file is changed, but knockd has not taken it'
  return { out: '', err: faultText('postern', message, problems.join('\n  ')) }
}

/** Formats a document for programs. */
export function jsonText(document: unknown): string {
  return `${JSON.stringify(document, undefined, 2)}\n`
}
