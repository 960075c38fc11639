import type { Contents, ReasonRow } from './contents.ts'
import type { Opening } from './openings.ts'
import { longTimeText, manyText, numberText } from './times.ts'

/** The most names in a sentence. */
const NAMES_MAX = 8

/** Says which time a report is about, and where it comes from. */
export function scopeOf({ from, to, zone, inputs }: Contents): string {
  const names = inputs.map(({ name }) => name)
  const shown = names.length > 4 ? [...names.slice(0, 3), `${names.length - 3} more files`] : names
  const where = shown.length === 0 ? 'nothing was read' : `from ${shown.join(', ')}`
  if (from === undefined || to === undefined) return `No time: ${where}`
  return `${longTimeText(from)} to ${longTimeText(to)}, ${zone}, ${where}`
}

/** Names who opened a door. */
export function openingBy({ user, claimedUser, isByHand, by }: Opening): string {
  if (isByHand) return by === undefined ? 'by hand' : `by hand, user ${by}`
  if (user !== undefined) return claimedUser === undefined ? user : `${user} (claims to be ${claimedUser})`
  return claimedUser === undefined ? '-' : `claims to be ${claimedUser}`
}

/** Says who caused knocks that failed. */
export function failedBy({ sources, isMoreSources, users, isMoreUsers }: ReasonRow): string {
  const of = users.length === 0 ? '' : `of ${namesText(users, isMoreUsers)}`
  const from = sources.length === 0 ? '' : `from ${namesText(sources, isMoreSources)}`
  return [of, from].filter((part) => part !== '').join(', ') || 'from an unknown source'
}

/** Formats names as a list that is not too long. @param isMore true if there are names beyond these */
export function namesText(names: readonly string[], isMore = false): string {
  const shown = names.slice(0, NAMES_MAX)
  const more = names.length - shown.length
  if (isMore) return `${shown.join(', ')} and others`
  if (more > 0) return `${shown.join(', ')} and ${more} more`
  return shown.length < 2 ? shown.join('') : `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`
}

/** Says for each input how much was read of it, and what was not. */
export function problemsOf({ inputs, starts }: Contents): readonly string[] {
  const read = inputs.map(({ name, lines, first, last, problem, foreign }) => {
    const begun = first === undefined ? '' : `, ${longTimeText(first)} to ${longTimeText(last!)}`
    const others = foreign === 0 ? '' : `, of which ${numberText(foreign)} are of other programs`
    const all = `${name}: ${manyText(lines, name.includes('capture') ? 'packet' : 'line')}${others}${begun}`
    return problem === undefined ? `${all}.` : `${all}. Not read to its end: ${problem}.`
  })
  return starts === 0
    ? read
    : [...read, `knockd started ${starts === 1 ? 'once' : `${numberText(starts)} times`} in this time.`]
}
