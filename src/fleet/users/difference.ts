import { counted } from '../../text/counted.ts'
import { changedLines } from './changed-lines.ts'
import { USERS_KINDS, unitsOf } from './kinds.ts'
import type { UsersEntry, UsersKind } from './kinds.ts'
import type { KnownFiles } from './known-files.ts'
import type { UsersFiles } from './users-document.ts'

/** Most names in one line about a file. */
export const NAMES_SAID_MAX = 20
/** Most files with a line of their own. */
export const FILES_SAID_MAX = 20

/** The difference of a file, or of a folder of profiles, between two versions. */
export interface FileDifference {
  readonly name: string
  readonly kind: UsersKind | undefined
  readonly file: 'added' | 'changed' | 'removed'
  /** The names of those who are new, who have something else now, and who lose access. */
  readonly added: readonly string[]
  readonly changed: readonly string[]
  readonly removed: readonly string[]
  /** The number of entries without a name that are new, and that are gone. */
  readonly more: { readonly added: number; readonly removed: number }
}

/** Returns the differences of two versions of the fleet's users, by file. */
export function differencesOf(before: KnownFiles, after: KnownFiles): readonly FileDifference[] {
  return unitsOf([...before.files.keys(), ...after.files.keys()]).flatMap((name): readonly FileDifference[] => {
    const [old, fresh] = [contentsOf(before.files, name), contentsOf(after.files, name)]
    if (sameContents(old, fresh)) return []
    const file = old.size === 0 ? 'added' : fresh.size === 0 ? 'removed' : 'changed'
    const kind = after.kindOf(name)
    const [a, b] = [old.get(name), fresh.get(name)]
    const isLines = kind !== undefined && USERS_KINDS[kind].isLines === true && before.kindOf(name) === kind
    const entries =
      isLines && a !== undefined && b !== undefined
        ? changedLines(a, b).map((lines) => after.entriesOf(name, new Map([[name, lines]])))
        : [before.entriesOf(name, old), after.entriesOf(name, fresh)]
    return [
      {
        name,
        kind,
        file,
        ...namedDifference(entries[0]!, entries[1]!),
        more: unnamedDifference(entries[0]!, entries[1]!),
      },
    ]
  })
}

/** Returns a line for each file, without secrets. */
export function differenceLines(differences: readonly FileDifference[]): readonly string[] {
  const lines = differences.slice(0, FILES_SAID_MAX).map((each) => `${each.name}: ${partsOf(each).join('; ')}`)
  const left = differences.length - lines.length
  return left > 0 ? [...lines, `and ${counted(left, 'more file')}`] : lines
}

function partsOf({ file, kind, added, changed, removed, more }: FileDifference): readonly string[] {
  const noun = kind === undefined ? 'entry' : USERS_KINDS[kind].noun
  const parts = [
    ...(file === 'changed' ? [] : [`file ${file}`]),
    ...listed('added', added),
    ...countedPart('added', more.added, noun),
    ...listed('changed', changed),
    ...listed('removed', removed),
    ...countedPart('removed', more.removed, noun),
  ]
  return parts.length === 0 ? ['no user has changed'] : parts
}

function listed(verb: string, names: readonly string[]): readonly string[] {
  if (names.length === 0) return []
  const left = names.length - NAMES_SAID_MAX
  const said = names.slice(0, NAMES_SAID_MAX).join(', ')
  return [`${verb} ${said}${left > 0 ? ` and ${left} more` : ''}`]
}

function countedPart(verb: string, count: number, noun: string): readonly string[] {
  return count === 0 ? [] : [`${verb} ${counted(count, noun)}`]
}

/** Returns the files of a name: one, or those of a folder. */
function contentsOf(files: UsersFiles, name: string): UsersFiles {
  return new Map([...files].filter(([path]) => path === name || path.startsWith(`${name}/`)))
}

function sameContents(one: UsersFiles, other: UsersFiles): boolean {
  return one.size === other.size && [...one].every(([path, content]) => other.get(path)?.equals(content) === true)
}

function namedDifference(
  before: readonly UsersEntry[],
  after: readonly UsersEntry[],
): Pick<FileDifference, 'added' | 'changed' | 'removed'> {
  const [old, fresh] = [byName(before), byName(after)]
  const [added, changed]: [string[], string[]] = [[], []]
  for (const [name, identity] of fresh) {
    const known = old.get(name)
    if (known === undefined) added.push(name)
    else if (known !== identity) changed.push(name)
  }
  return { added, changed, removed: [...old.keys()].filter((name) => !fresh.has(name)) }
}

/** A name may be there several times, with a key each. */
function byName(entries: readonly UsersEntry[]): ReadonlyMap<string, string> {
  const found = new Map<string, string[]>()
  for (const { name, identity } of entries) {
    if (name === undefined) continue
    const known = found.get(name)
    if (known === undefined) found.set(name, [identity])
    else known.push(identity)
  }
  return new Map(Array.from(found, ([name, identities]) => [name, identities.sort().join('\n')]))
}

function unnamedDifference(before: readonly UsersEntry[], after: readonly UsersEntry[]): FileDifference['more'] {
  const [old, fresh] = [before, after].map(
    (entries) => new Set(entries.filter(({ name }) => name === undefined).map(({ identity }) => identity)),
  ) as [Set<string>, Set<string>]
  return { added: missingIn(old, fresh), removed: missingIn(fresh, old) }
}

function missingIn(one: ReadonlySet<string>, other: ReadonlySet<string>): number {
  return [...other].filter((each) => !one.has(each)).length
}
