import type { Choice, Status } from '../../control/message.ts'
import type { Editor } from './editor.ts'
import { NO_RATES } from './rates.ts'
import type { Rates } from './rates.ts'

/** The most events that are kept for the list. */
export const EVENTS_MAX = 500

/** The lists of the picture, in the order in which Tab visits them. */
export const PANES = ['open', 'doors', 'attempts', 'ignored', 'events'] as const
export type PaneName = (typeof PANES)[number]

/** An event as it is listed. Its texts are as the daemon sent them. */
export interface WatchedEvent {
  /** The line of JSON. Two lines that are the same are the same event. */
  readonly line: string
  /** The date and time of the daemon, as `2026-11-22 03:12:45`. */
  readonly when: string
  readonly level: string
  readonly kind: string
  readonly text: string
  readonly door?: string | undefined
  readonly source?: string | undefined
  readonly user?: string | undefined
}

/** The connection to the daemon. Times are milliseconds since 1970. */
export type Link =
  | { readonly kind: 'waiting' }
  | { readonly kind: 'up' }
  | { readonly kind: 'down'; readonly sinceMs: number; readonly reason: string; readonly hint: string }

/** The last status, and when it came. */
export interface Seen {
  readonly status: Status
  /** The numbers of doors and openings, of which the status lists the first. */
  readonly inAll: { readonly doors: number; readonly openings: number }
  readonly at: Moment
}

/** A time, in milliseconds of a steady clock and since 1970. */
export interface Moment {
  readonly steady: number
  readonly wall: number
}

/** A line about what was done. */
export interface Message {
  readonly text: string
  readonly tone: 'note' | 'good' | 'warn' | 'bad'
}

/** The row that is picked, and the place that it had then. */
export interface Picked {
  readonly pane: PaneName
  readonly key: string
  readonly index: number
}

/** A text in place of the lists: the help, what the daemon complains of, or a row in full. */
export interface Overlay {
  readonly kind: 'help' | 'complaints' | 'details'
  /** The first line that is shown. */
  readonly from: number
}

/** An action that has questions. */
export type Action = 'open' | 'extend' | 'close' | 'forgive' | 'filter'
export type Step = 'door' | 'source' | 'anyone' | 'time' | 'sure' | 'filter'

/** The answers so far. */
export interface Answers {
  readonly door?: string | undefined
  readonly source?: string | undefined
  readonly forMs?: number | undefined
}

/** A question to the operator, with the answer that is being typed. */
export interface Dialog {
  readonly action: Action
  readonly step: Step
  readonly given: Answers
  readonly editor: Editor
  /** The fault of the last answer, or the words that Tab found. */
  readonly note?: { readonly text: string; readonly isFault: boolean } | undefined
}

/** Everything that the picture is made of. */
export interface WatchState {
  readonly isUtf8: boolean
  readonly link: Link
  readonly seen: Seen | undefined
  readonly rates: Rates
  /** Oldest first. */
  readonly events: readonly WatchedEvent[]
  /** The reason why no events come; absent if they do. */
  readonly streamFault: string | undefined
  readonly filter: Choice
  /** Milliseconds since 1970 at which the watch was paused. */
  readonly pausedMs: number | undefined
  readonly pane: PaneName
  readonly picked: Picked | undefined
  readonly dialog: Dialog | undefined
  readonly overlay: Overlay | undefined
  readonly message: Message | undefined
  /** An opening that was asked for, until a status shows how long it lasts. */
  readonly promised: { readonly door: string; readonly source: string; readonly ms: number } | undefined
}

/** Returns the state before anything is known. */
export function beginning(isUtf8: boolean, filter: Choice): WatchState {
  return {
    isUtf8,
    link: { kind: 'waiting' },
    seen: undefined,
    rates: NO_RATES,
    events: [],
    streamFault: undefined,
    filter,
    pausedMs: undefined,
    pane: 'open',
    picked: undefined,
    dialog: undefined,
    overlay: undefined,
    message: undefined,
    promised: undefined,
  }
}

/** Returns true if the daemon showed less than everything, as it does to members of Control_Group. */
export function isMember({ seen }: WatchState): boolean {
  return seen !== undefined && seen.status.attempts === undefined
}

/** Returns true if the lists are as they were, and not as they are. */
export function isStale({ link, pausedMs }: WatchState): boolean {
  return link.kind !== 'up' || pausedMs !== undefined
}

/** Returns the milliseconds by which the times of the last status have run down. They stop when nothing is asked. */
export function elapsedMs(state: WatchState, now: Moment): number {
  return state.seen === undefined || isStale(state) ? 0 : Math.max(0, now.steady - state.seen.at.steady)
}

/** Returns true if events and openings are chosen. */
export function isFiltered({ filter }: WatchState): boolean {
  return Object.keys(filter).length > 0
}
