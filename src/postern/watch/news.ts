import type { Reply, Request, Status } from '../../control/message.ts'
import type { JsonEvent } from '../../log/json-text.ts'
import { textOfJson } from '../../log/json-text.ts'
import { timeText } from '../control/table.ts'
import { interrupted, sampled } from './rates.ts'
import { EVENTS_MAX } from './state.ts'
import type { Message, Moment, WatchState, WatchedEvent } from './state.ts'

/** The longest text of an event that is kept, in UTF-16 units. */
const EVENT_TEXT_MAX_CHARS = 1_024
/** The length of `2026-11-22 03:12:45`. */
const WHEN_CHARS = 19
/** An opening that lasts longer than was asked for, by more than this, had its time before. */
const LONGER_MS = 2_000

/** A reply to an operator's request, or the reason why it is missing. */
export type Outcome = Reply | { readonly error: string; readonly hint?: string }

/** News of the daemon. */
export type News =
  | { readonly kind: 'status'; readonly reply: Extract<Reply, { readonly status: Status }> }
  | { readonly kind: 'down'; readonly reason: string; readonly hint: string }
  | { readonly kind: 'events'; readonly events: readonly WatchedEvent[] }
  /** The stream of events began, or the reason why it did not. */
  | { readonly kind: 'stream'; readonly fault: string | undefined }
  | { readonly kind: 'outcome'; readonly request: Request; readonly outcome: Outcome }
  /** The daemon answers, and not to this request: too many were sent. */
  | { readonly kind: 'refused'; readonly reason: string }

/** Takes in news. */
export function told(state: WatchState, news: News, now: Moment): WatchState {
  switch (news.kind) {
    case 'status':
      return withStatus(state, news.reply, now)
    case 'down': {
      const { reason, hint } = news
      if (state.link.kind === 'down') return { ...state, link: { ...state.link, reason, hint } }
      const rates = interrupted(state.rates)
      return { ...state, rates, promised: undefined, link: { kind: 'down', sinceMs: now.wall, reason, hint } }
    }
    case 'events':
      return { ...state, events: [...state.events, ...news.events].slice(-EVENTS_MAX) }
    case 'stream':
      return { ...state, streamFault: news.fault }
    case 'outcome':
      return withOutcome(state, news.request, news.outcome)
    case 'refused':
      return { ...state, rates: interrupted(state.rates), message: { text: news.reason, tone: 'warn' } }
    default:
      return news satisfies never
  }
}

function withStatus(
  state: WatchState,
  { status, inAll }: Extract<News, { kind: 'status' }>['reply'],
  now: Moment,
): WatchState {
  const counts = inAll ?? { doors: status.doors.length, openings: status.openings.length }
  const seen = { status, inAll: counts, at: now }
  const message = returnText(state, status, now) ?? longerText(state, status) ?? state.message
  const link = { kind: 'up' } as const
  return { ...state, link, seen, rates: sampled(state.rates, status), message, promised: undefined }
}

/** Returns a message if the daemon is back, or is another process than before. */
function returnText({ link, seen }: WatchState, { pid, upMs }: Status, now: Moment): Message | undefined {
  const before = seen?.status
  const isOther = before !== undefined && (upMs < before.upMs || (pid !== before.pid && pid !== undefined))
  if (link.kind !== 'down' && !isOther) return undefined
  const after = link.kind === 'down' ? `after ${timeText(now.wall - link.sinceMs)}` : ''
  if (before === undefined) return { text: `knockd answers now, process ${pid ?? 'unknown'}`, tone: 'good' }
  const how = isOther ? `restarted: process ${before.pid ?? 'unknown'} is now ${pid ?? 'unknown'}` : 'the same process'
  return { text: `knockd is back ${after}${after === '' ? '' : ', '}${how}`.replace('  ', ' '), tone: 'good' }
}

/** Openings are never shortened, so one that was open may last for longer than was asked for. */
function longerText({ promised, message }: WatchState, { openings }: Status): Message | undefined {
  if (promised === undefined || message === undefined) return undefined
  const { door, source, ms } = promised
  const opening = openings.find((each) => each.door === door && each.source === source)
  if (opening === undefined || opening.leftMs <= ms + LONGER_MS) return undefined
  return { ...message, text: `${message.text}; it stays open for ${timeText(opening.leftMs)}, as before` }
}

function withOutcome(state: WatchState, request: Request, outcome: Outcome): WatchState {
  const message = outcomeText(request, outcome)
  const isOpened = request.command === 'open' && request.forMs !== undefined && 'done' in outcome
  const { door, source, forMs } = request as Extract<Request, { command: 'open' }>
  return { ...state, message, promised: isOpened ? { door, source, ms: forMs! } : undefined }
}

/** Says what a request did: the words of the daemon, after those of the request. */
export function outcomeText(request: Request, outcome: Outcome): Message {
  const did = requestText(request)
  if ('done' in outcome) return { text: `${did}: ${outcome.done}`, tone: outcome.count > 0 ? 'good' : 'warn' }
  if (!('error' in outcome)) return { text: `${did}: knockd gave another answer`, tone: 'bad' }
  const hint = outcome.hint === undefined ? '' : ` (${outcome.hint})`
  return { text: `${did}: not done: ${outcome.error}${hint}`, tone: 'bad' }
}

/** Formats a request as a command. */
export function requestText(request: Request): string {
  const { command } = request
  if (command === 'open') return `open ${request.door} for ${request.source}`
  if (command === 'close') return `close ${request.door ?? 'every door'} for ${request.source ?? 'everybody'}`
  return command === 'forgive' ? `forgive ${request.source}` : command
}

/** Makes an event of a line of the stream. */
export function eventOf(fields: JsonEvent, line: string): WatchedEvent {
  const text = textOfJson(fields).trimEnd()
  const { level, event, kind, door, source, user } = fields
  return {
    line: line.slice(0, EVENT_TEXT_MAX_CHARS),
    when: text.slice(0, WHEN_CHARS).padEnd(WHEN_CHARS),
    level: String(level),
    kind: String(kind ?? event),
    text: text.slice(text.startsWith('- ') ? 2 : WHEN_CHARS + 1).slice(0, EVENT_TEXT_MAX_CHARS),
    door: textOrNone(door),
    source: textOrNone(source),
    user: textOrNone(user),
  }
}

/** Makes an event of the watch itself, as a mark between those of the daemon. */
export function markOf(text: string, when: string): WatchedEvent {
  return { line: `${when} ${text}`, when, level: 'notice', kind: 'mark', text }
}

function textOrNone(value: unknown): string | undefined {
  return typeof value === 'string' ? value.slice(0, EVENT_TEXT_MAX_CHARS) : undefined
}
