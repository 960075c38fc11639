import type { Expected, ListState } from './expected.ts'
import type { InputAccount } from './input/intake.ts'
import type { Opening } from './openings.ts'
import { NETWORK_PREFIX } from './scans.ts'
import { longTimeText } from './times.ts'
import type { Hour, Tally } from './tally.ts'

/** The most rows of a table. */
export const ROWS_MAX = 50
/** The most openings that are listed one by one, the last ones. */
export const OPENINGS_LISTED_MAX = 500
const MINUTE_MS = 60_000

/** A door in a report. */
export interface DoorRow {
  readonly name: string
  readonly openings: number
  /** Milliseconds since 1970; `undefined`: never. */
  readonly last: number | undefined
}

/** A user in a report. */
export interface UserRow extends DoorRow {
  readonly door: string | undefined
  readonly source: string | undefined
  readonly host: string | undefined
}

/** Knocks that failed at a door for a reason. `isMore`: there were further sources or users. */
export interface ReasonRow {
  readonly why: string
  readonly door: string | undefined
  readonly count: number
  readonly last: number
  readonly sources: readonly string[]
  readonly isMoreSources: boolean
  readonly users: readonly string[]
  readonly isMoreUsers: boolean
}

/** A source whose knocks failed. */
export interface SourceRow {
  readonly source: string
  readonly host: string | undefined
  readonly count: number
  readonly last: number
  readonly reasons: readonly string[]
}

/** The scans of a network. */
export interface NetworkRow {
  readonly network: string
  readonly count: number
  readonly addresses: number
  readonly isMoreAddresses: boolean
  readonly first: number
  readonly last: number
}

/** Rows of a table, and what is not in them. */
export interface Rows<Row> {
  readonly rows: readonly Row[]
  /** The number of further rows that are left out. */
  readonly more: number
  /** True if there were too many to count: then there are more rows than that, and counts may be too low. */
  readonly isCut: boolean
}

/** All that a report has. Texts are on one line. */
export interface Contents {
  readonly machine: string
  readonly zone: string
  readonly made: number
  /** The time of the report; `undefined`: an empty capture. */
  readonly from: number | undefined
  readonly to: number | undefined
  readonly inputs: readonly InputAccount[]
  readonly notes: readonly string[]
  /** True if all inputs were read to their end. */
  readonly isWhole: boolean
  /** True if no line is of the time of the report. */
  readonly isEmpty: boolean
  readonly openings: number
  readonly byHand: number
  readonly unnamed: number
  readonly failures: number
  readonly scans: number
  /** The number of times that knockd started. */
  readonly starts: number
  readonly doors: Rows<DoorRow>
  readonly users: Rows<UserRow>
  readonly timeline: readonly Opening[]
  readonly reasons: Rows<ReasonRow>
  readonly sources: Rows<SourceRow>
  readonly networks: Rows<NetworkRow>
  readonly hours: readonly Hour[]
  /** The doors of the config that did not open, and its users who did not come; `undefined`: not known. */
  readonly unusedDoors: readonly string[] | undefined
  readonly absentUsers: readonly string[] | undefined
  readonly lists: readonly ListState[] | undefined
}

/** The time and the machine of a report. */
export interface ReportFrame {
  readonly machine: string
  readonly zone: string
  readonly made: number
  /** The beginning that was asked for; `undefined`: that of the input. */
  readonly from: number | undefined
  /** True if the report ends with its input, and not now. */
  readonly endsWithInput: boolean
  readonly notes: readonly string[]
}

/** Makes a report. @param expected `undefined`: the config is not known */
export function contentsOf(
  frame: ReportFrame,
  tally: Tally,
  inputs: readonly InputAccount[],
  expected: Expected | undefined,
): Contents {
  const { openings, failures, scans } = tally
  const firsts = inputs.flatMap(({ first }) => first ?? [])
  const lasts = inputs.flatMap(({ last }) => last ?? [])
  const from = frame.from ?? least(firsts)
  const to = frame.endsWithInput ? most(lasts) : frame.made
  const isWhole = inputs.every(({ problem }) => problem === undefined)
  const came = new Map(openings.users.sorted().map((user) => [user.user, user]))
  const opened = new Map(openings.doors.sorted().map((door) => [door.door, door]))
  const unused = expected?.doors.filter((name) => !opened.has(name))
  const absent = expected?.users.filter((name) => !came.has(name))
  const users = [...came.values()].sort((one, other) => other.last - one.last)
  return {
    machine: frame.machine,
    zone: frame.zone,
    made: frame.made,
    from,
    to,
    inputs,
    notes: [...notesOf(frame, tally, inputs, from), ...(expected?.notes ?? [])],
    isWhole,
    isEmpty: from === undefined || lasts.every((last) => last < from),
    openings: openings.total,
    byHand: openings.byHand,
    unnamed: openings.unnamed,
    failures: failures.total,
    scans: scans.total,
    starts: tally.starts,
    doors: rowsOf(
      [...opened.values()].map(({ door, count, last }) => ({ name: door, openings: count, last })),
      openings.doors.isCut,
    ),
    users: rowsOf(
      users.map(({ user, count, last, door, source, host }) => ({
        name: user,
        openings: count,
        last,
        door,
        source,
        host,
      })),
      openings.users.isCut,
    ),
    timeline: openings.kept,
    reasons: rowsOf(
      failures.reasons.sorted().map(({ why, door, count, last, sources, users: by }) => ({
        why,
        door,
        count,
        last,
        sources: sources.names,
        isMoreSources: sources.isCut,
        users: by.names,
        isMoreUsers: by.isCut,
      })),
      failures.reasons.isCut,
    ),
    sources: rowsOf(
      failures.sources.sorted().map(({ source, host, count, last, reasons }) => ({
        source,
        host,
        count,
        last,
        reasons: reasons.names,
      })),
      failures.sources.isCut,
    ),
    networks: rowsOf(
      scans.networks.sorted().map(({ network, count, addresses, first, last }) => ({
        network,
        count,
        addresses: addresses.names.length,
        isMoreAddresses: addresses.isCut,
        first,
        last,
      })),
      scans.networks.isCut,
    ),
    hours: tally.hours,
    // A door or a user that was dropped from the counts, or is in a part that was not read, may have come.
    unusedDoors: openings.doors.isCut || !isWhole ? undefined : unused,
    absentUsers: openings.users.isCut || !isWhole ? undefined : absent,
    lists: expected?.lists,
  }
}

function rowsOf<Row>(rows: readonly Row[], isCut: boolean): Rows<Row> {
  return { rows: rows.slice(0, ROWS_MAX), more: Math.max(0, rows.length - ROWS_MAX), isCut }
}

function notesOf(
  frame: ReportFrame,
  tally: Tally,
  inputs: readonly InputAccount[],
  from: number | undefined,
): readonly string[] {
  const notes = [...frame.notes]
  const sum = (field: 'unreadable' | 'ambiguous'): number => inputs.reduce((all, input) => all + input[field], 0)
  if (sum('unreadable') > 0)
    notes.push(`${lines(sum('unreadable'))} could not be read, and ${are(sum('unreadable'))} not counted.`)
  if (sum('ambiguous') > 0) {
    notes.push(
      `${lines(sum('ambiguous'))} can be read in more than one way, because a name looks like a part of a line, and ${are(sum('ambiguous'))} not counted.`,
    )
  }
  if (tally.leftOut > 0) {
    notes.push(
      `knockd left ${lines(tally.leftOut).toLowerCase()} out of its log, as there were too many: there were more failed knocks and scans than are counted here.`,
    )
  }
  if (tally.otherHours > 0) notes.push('The time is too long for the picture of the hours: it is not complete.')
  const first = least(inputs.flatMap((input) => input.first ?? []))
  if (from !== undefined && frame.from !== undefined && first !== undefined && first > from) {
    notes.push(`Before ${longTimeText(first)} there is no line: nothing was logged then, or it is gone.`)
  }
  const last = most(inputs.flatMap((input) => input.last ?? []))
  if (!frame.endsWithInput && last !== undefined && last > frame.made + MINUTE_MS) {
    notes.push('Lines have times after this report was made, so a clock was wrong; they are counted.')
  }
  return [...notes, ...inputs.flatMap((input) => input.notes)]
}

function lines(count: number): string {
  return `${count.toLocaleString('en')} line${count === 1 ? '' : 's'}`
}

function are(count: number): string {
  return count === 1 ? 'is' : 'are'
}

function least(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : Math.min(...values)
}

function most(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : Math.max(...values)
}

/** The networks by which scans are counted, in words. */
export const NETWORKS_ARE = `networks are /${NETWORK_PREFIX[4]} for IPv4 and /${NETWORK_PREFIX[6]} for IPv6`
