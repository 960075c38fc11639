import { matcherOf } from '../../control/event-filter.ts'
import { IGNORED_LISTED_MAX } from '../../control/message.ts'
import type { DoorStatus, OpeningStatus, Status } from '../../control/message.ts'
import { timeText } from '../control/table.ts'
import type { Style } from './paint.ts'
import { elapsedMs, isFiltered, isMember } from './state.ts'
import type { Moment, PaneName, WatchState, WatchedEvent } from './state.ts'

/** Openings with less time left are marked. */
const SOON_MS = 10_000

/** A row of a list. Its texts are those of the daemon, and not clean. */
export interface PaneRow {
  readonly key: string
  /** The texts of the columns. */
  readonly cells: readonly string[]
  readonly style: Style
  readonly about: {
    readonly door?: string | undefined
    readonly source?: string | undefined
    readonly user?: string | undefined
  }
  /** Names and values, for the details. */
  readonly details: () => readonly (readonly [string, string])[]
}

/** A list of the picture. */
export interface Pane {
  readonly rows: readonly PaneRow[]
  /** The number in the heading. */
  readonly count: string
  /** The number of rows that the daemon has and did not list. */
  readonly unlisted: number
  /** The text if there are no rows. */
  readonly empty: string
}

/** The reasons for which sources are ignored. */
const WHY = { scan: 'port scan', codes: 'wrong codes', 'codes behind': 'wrong codes after the sequence' } as const
const HIDDEN = 'shown only to root'

/** Returns a list as it is now. */
export function paneOf(name: PaneName, state: WatchState, now: Moment): Pane {
  if (name === 'events') return eventsPane(state)
  if (state.seen === undefined) return { rows: [], count: '', unlisted: 0, empty: 'not known yet' }
  const { status, inAll } = state.seen
  const passedMs = elapsedMs(state, now)
  switch (name) {
    case 'open': {
      const rows = status.openings.map((opening) => openingRow(opening, passedMs))
      const empty = isFiltered(state) ? 'nothing that matches the filter is open' : 'nothing is open'
      return { rows, count: grouped(inAll.openings), unlisted: inAll.openings - rows.length, empty }
    }
    case 'doors': {
      const isCut = inAll.openings > status.openings.length
      const rows = status.doors.map((door) => doorRow(door, status, isCut))
      return { rows, count: grouped(inAll.doors), unlisted: inAll.doors - rows.length, empty: 'no door' }
    }
    case 'attempts':
      return attemptsPane(state, status, passedMs)
    case 'ignored':
      return ignoredPane(state, status, passedMs)
    default:
      return name satisfies never
  }
}

/** Formats a number with a comma between groups of three digits. */
export function grouped(count: number): string {
  return String(count).replaceAll(/\B(?=(?:\d{3})+$)/g, ',')
}

function openingRow(opening: OpeningStatus, passedMs: number): PaneRow {
  const { door, source, user, users, claimedUser, services, forward } = opening
  const leftMs = Math.max(0, opening.leftMs - passedMs)
  const what = services.join(', ') || 'command'
  const left = timeText(leftMs)
  return {
    key: `${door} ${source} ${services.join()} ${forward ?? ''}`,
    cells: [
      door,
      source,
      users?.join(', ') ?? user ?? '-',
      forward === undefined ? what : `${what} to ${forward}`,
      left,
    ],
    style: leftMs < SOON_MS ? 'warn' : 'good',
    about: { door, source, user },
    details: () => [
      ['door', door],
      ['source', source],
      ['users', users?.join(', ') ?? user ?? 'not named'],
      ...(claimedUser === undefined ? [] : [['claims to be', claimedUser] as const]),
      ['opens', what],
      ...(forward === undefined ? [] : [['sent on to', forward] as const]),
      ['left', left],
    ],
  }
}

/** @param isCut true if there are more openings than are listed */
function doorRow(door: DoorStatus, { openings }: Status, isCut: boolean): PaneRow {
  const { name, opens, commands, openForMs, waits, users, left, shut, secret } = door
  const what = [...opens, ...(commands ? ['command'] : [])].join(', ')
  const open = openings.filter((each) => each.door === name).length
  const waiting = waits ?? secret
  const more = [left === undefined ? '' : `${left} left`, users === undefined ? '' : `${users} users`].filter(
    (text) => text !== '',
  )
  return {
    key: name,
    cells: [
      name,
      what,
      timeText(openForMs),
      `${open === 0 && !isCut ? '-' : grouped(open)}${isCut ? '+' : ''}`,
      shut ?? [waiting, ...more].join(', '),
    ],
    style: shut === undefined ? 'plain' : 'bad',
    about: { door: name },
    details: () => [
      ['door', name],
      ['opens', what],
      ['for', timeText(openForMs)],
      ['waits for', waiting],
      ...(left === undefined ? [] : [['sequences left', grouped(left)] as const]),
      ...(users === undefined ? [] : [['users', grouped(users)] as const]),
      ...(shut === undefined ? [] : [['opens to nobody', shut] as const]),
    ],
  }
}

function attemptsPane(state: WatchState, { attempts }: Status, passedMs: number): Pane {
  if (attempts === undefined) return { rows: [], count: '', unlisted: 0, empty: HIDDEN }
  const matches = ofDoors(state)
  const rows = attempts.listed.filter(matches).map(({ source, doors, stage, leftMs }): PaneRow => {
    const left = timeText(Math.max(0, leftMs - passedMs))
    return {
      key: `${source} ${doors.join()}`,
      cells: [source, doors.join(', '), String(stage), left],
      style: 'note',
      about: { source, door: doors[0] },
      details: () => [
        ['source', source],
        ['doors', doors.join(', ')],
        ['stage', String(stage)],
        ['left', left],
      ],
    }
  })
  const empty = isFiltered(state) ? 'no attempt that matches the filter' : 'no attempt is under way'
  return { rows, count: grouped(attempts.count), unlisted: attempts.count - attempts.listed.length, empty }
}

function ignoredPane(state: WatchState, { ignored }: Status, passedMs: number): Pane {
  if (isMember(state)) return { rows: [], count: '', unlisted: 0, empty: HIDDEN }
  const rows = ignored.filter(ofDoors(state)).map(({ source, why, doors, leftMs }): PaneRow => {
    const left = timeText(Math.max(0, leftMs - passedMs))
    const by = doors.join(', ') || 'no door: a scan could open none'
    return {
      key: `${source} ${why}`,
      cells: [source, WHY[why], left, by],
      style: 'plain',
      about: { source },
      details: () => [
        ['source', source],
        ['why', WHY[why]],
        ['left', left],
        ['by', by],
      ],
    }
  })
  const empty = isFiltered(state) ? 'nobody who matches the filter is ignored' : 'nobody is ignored'
  // The daemon lists the latest, and does not count the others.
  const more = ignored.length >= IGNORED_LISTED_MAX ? '+' : ''
  return { rows, count: `${rows.length}${more}`, unlisted: 0, empty }
}

interface OfDoors {
  readonly source: string
  readonly doors: readonly string[]
}

/** Chooses by source, and by any of several doors. Users are not known of attempts and of who is ignored. */
function ofDoors({ filter }: WatchState): (of: OfDoors) => boolean {
  const matches = matcherOf<{ readonly source: string; readonly door?: string | undefined }>(
    filter,
    ({ source }) => source,
  )
  if (typeof matches === 'string') return () => true
  return ({ source, doors }) => [undefined, ...doors].some((door) => matches({ source, door }))
}

function eventsPane(state: WatchState): Pane {
  const rows = state.events.map(eventRow)
  const empty = isFiltered(state) ? 'no event that matches the filter' : 'no event yet'
  return { rows, count: '', unlisted: 0, empty }
}

const LEVELS: Readonly<Record<string, Style>> = { error: 'bad', warning: 'warn', debug: 'dim' }

function eventRow({ line, when, level, kind, text, door, source, user }: WatchedEvent): PaneRow {
  const isOpening = kind === 'open' || kind === 'opened'
  return {
    key: line,
    cells: [when.slice('2026-'.length), text],
    style: LEVELS[level] ?? (isOpening ? 'good' : kind === 'mark' ? 'note' : 'plain'),
    about: { door, source, user },
    details: () => [
      ['time', when],
      ['level', level],
      ['event', kind],
      ...(door === undefined ? [] : [['door', door] as const]),
      ...(source === undefined ? [] : [['source', source] as const]),
      ...(user === undefined ? [] : [['user', user] as const]),
      ['text', text],
    ],
  }
}
