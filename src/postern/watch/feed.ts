import { ControlError, ask, askForEvents } from '../../control/client.ts'
import { EVENTS_END, EVENTS_SINCE_MAX_MS } from '../../control/message.ts'
import type { Choice, EventsRequest, Request } from '../../control/message.ts'
import type { JsonEvent } from '../../log/json-text.ts'
import { zonedTime } from '../../log/time.ts'
import { eventOf, markOf } from './news.ts'
import type { News, Outcome } from './news.ts'

/** The most doors and openings that a status lists. */
export const ROWS_LISTED = 200
/** Milliseconds until a further try: at first, and at most. Each failure doubles the time. */
export const RETRY_FIRST_MS = 500
export const RETRY_MOST_MS = 10_000
/** A daemon that needs long for a status is left alone for so many times as long. */
const PAUSE_FACTOR = 9
/** The most milliseconds for a status. */
const STATUS_MAX_MS = 5_000
/** Milliseconds for which events are collected. */
const BATCH_MS = 100
/** Events of so many milliseconds before the last one are asked for again, as clocks are read at different moments. */
const OVERLAP_MS = 1_000
/** The most events that are remembered, because none may be shown twice. */
const RECENT_MAX = 2_000
const WHEN_CHARS = 19

/** The dependencies of a feed. */
export interface FeedDeps {
  /** Returns the path of the daemon's socket. @throws ControlError */
  readonly find: () => string
  readonly ask: typeof ask
  readonly askForEvents: typeof askForEvents
  /** Called with all news. */
  readonly tell: (news: News) => void
  /** Milliseconds between two requests for a status. */
  readonly everyMs: number
  /** The most events of a batch. Earlier ones are left out. */
  readonly eventsMax: number
}

export const REAL_SOCKET = { ask, askForEvents } as const

/**
 * The daemon as the watch sees it: a status now and then, and the stream of events. It tells when the daemon goes, and
 * tries again at growing intervals. It asks nothing between {@link stop} and {@link start}.
 */
export class Feed {
  readonly #deps: FeedDeps
  #filter: Choice
  #running: AbortController | undefined
  #stream: AbortController | undefined
  #timer: NodeJS.Timeout | undefined
  #retryMs = RETRY_FIRST_MS
  #streamRetryMs = RETRY_FIRST_MS
  #streamAt = -Infinity
  #waiting: (readonly [fields: JsonEvent, line: string])[] = []
  #flush: NodeJS.Timeout | undefined
  /** The time of the last event, in milliseconds since 1970, and the last lines. */
  #lastMs: number | undefined
  #recent = new Set<string>()

  constructor(filter: Choice, deps: FeedDeps) {
    this.#filter = filter
    this.#deps = deps
  }

  /** Begins to ask, or goes on. */
  start(): void {
    if (this.#running !== undefined) return
    this.#running = new AbortController()
    this.#retryMs = RETRY_FIRST_MS
    this.#streamAt = -Infinity
    void this.#poll(this.#running.signal)
  }

  /** Ends all requests. */
  stop(): void {
    clearTimeout(this.#timer)
    clearTimeout(this.#flush)
    this.#flush = undefined
    this.#tellEvents()
    this.#running?.abort()
    this.#running = undefined
    this.#endStream()
  }

  /** Chooses other events and openings. All events that the daemon has are told anew. */
  choose(filter: Choice): void {
    const isRunning = this.#running !== undefined
    this.stop()
    this.#filter = filter
    this.#lastMs = undefined
    this.#recent.clear()
    this.#waiting = []
    if (isRunning) this.start()
  }

  /** Sends a request, tells its outcome, and asks for the status soon, so that it shows. Never rejects. */
  async request(request: Request): Promise<void> {
    const outcome = await this.#outcome(request)
    this.#deps.tell({ kind: 'outcome', request, outcome })
    if ('done' in outcome) this.hurry()
  }

  /** Asks for the status at once. Returns false if nothing is asked at the moment. */
  hurry(): boolean {
    const { signal } = this.#running ?? {}
    if (signal !== undefined) this.#later(signal, 0)
    return signal !== undefined
  }

  async #outcome(request: Request): Promise<Outcome> {
    try {
      return await this.#deps.ask(this.#deps.find(), request)
    } catch (error) {
      return faultOf(error)
    }
  }

  async #poll(signal: AbortSignal): Promise<void> {
    const { find, tell, everyMs } = this.#deps
    const began = performance.now()
    let path: string
    try {
      path = find()
      const request = { command: 'status', rows: ROWS_LISTED, ...this.#filter } as const
      const reply = await this.#deps.ask(path, request, STATUS_MAX_MS, signal)
      if (signal.aborted) return
      if (!('status' in reply)) {
        const { error, hint } = faultOf(reply)
        tell({ kind: 'refused', reason: `${error}${hint === undefined ? '' : `: ${hint}`}` })
        this.#later(signal, this.#nextRetry())
        return
      }
      tell({ kind: 'status', reply })
    } catch (error) {
      if (signal.aborted) return
      const { error: reason, hint = 'look at its log' } = faultOf(error)
      this.#endStream()
      tell({ kind: 'down', reason, hint })
      this.#later(signal, this.#nextRetry())
      return
    }
    this.#retryMs = RETRY_FIRST_MS
    if (this.#stream === undefined && began >= this.#streamAt) void this.#follow(path)
    const tookMs = performance.now() - began
    this.#later(signal, Math.max(everyMs - tookMs, PAUSE_FACTOR * tookMs))
  }

  #later(signal: AbortSignal, ms: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.#poll(signal), ms)
  }

  #nextRetry(): number {
    const ms = this.#retryMs
    this.#retryMs = Math.min(RETRY_MOST_MS, ms * 2)
    return ms
  }

  async #follow(path: string): Promise<void> {
    const stream = new AbortController()
    this.#stream = stream
    const { tell } = this.#deps
    let refused: string | undefined
    let isTold = false
    const isAgain = this.#lastMs !== undefined
    try {
      await this.#deps.askForEvents(
        path,
        this.#eventsRequest(),
        (fields, line) => {
          if (stream.signal.aborted || fields['end'] === EVENTS_END.end) return
          if (typeof fields['error'] === 'string') {
            refused = `${fields['error']}: ${String(fields['hint'])}`
            return
          }
          if (!isTold) {
            isTold = true
            this.#streamRetryMs = RETRY_FIRST_MS
            tell({ kind: 'stream', fault: undefined })
            if (isAgain) this.#mark()
          }
          this.#take(fields, line)
        },
        stream.signal,
      )
    } catch (error) {
      if (!stream.signal.aborted) refused = (error as Error).message
    }
    if (this.#stream !== stream) return
    this.#stream = undefined
    // The next status tells if the daemon has ended. A reader that was refused tries again at growing intervals.
    this.#streamAt = performance.now() + this.#streamRetryMs
    this.#streamRetryMs = Math.min(RETRY_MOST_MS, this.#streamRetryMs * 2)
    if (refused !== undefined) tell({ kind: 'stream', fault: refused })
    if (this.#running !== undefined && refused === undefined) this.#later(this.#running.signal, RETRY_FIRST_MS)
  }

  #eventsRequest(): EventsRequest {
    const sinceMs =
      this.#lastMs === undefined
        ? undefined
        : Math.min(EVENTS_SINCE_MAX_MS, Math.max(0, Date.now() - this.#lastMs) + OVERLAP_MS)
    return { command: 'events', follow: true, ...(sinceMs === undefined ? {} : { sinceMs }), ...this.#filter }
  }

  #take(fields: JsonEvent, line: string): void {
    const ms = Date.parse(String(fields['time']))
    if (Number.isFinite(ms)) {
      if (this.#lastMs !== undefined && ms <= this.#lastMs && this.#recent.has(line)) return
      this.#lastMs = Math.max(this.#lastMs ?? ms, ms)
    }
    this.#recent.delete(line)
    this.#recent.add(line)
    if (this.#recent.size >= 2 * RECENT_MAX) this.#recent = new Set([...this.#recent].slice(-RECENT_MAX))
    this.#waiting.push([fields, line])
    // The others would leave the list at once.
    if (this.#waiting.length >= 2 * this.#deps.eventsMax) this.#waiting = this.#waiting.slice(-this.#deps.eventsMax)
    this.#flush ??= setTimeout(() => {
      this.#flush = undefined
      this.#tellEvents()
    }, BATCH_MS)
  }

  #tellEvents(): void {
    if (this.#waiting.length === 0) return
    const events = this.#waiting.slice(-this.#deps.eventsMax).map(([fields, line]) => eventOf(fields, line))
    this.#waiting = []
    this.#deps.tell({ kind: 'events', events })
  }

  #mark(): void {
    this.#tellEvents()
    const when = zonedTime(Date.now(), 'seconds').slice(0, WHEN_CHARS).replace('T', ' ')
    const text = 'watching again; what knockd forgot meanwhile is missing'
    this.#deps.tell({ kind: 'events', events: [markOf(text, when)] })
  }

  #endStream(): void {
    this.#stream?.abort()
    this.#stream = undefined
  }
}

function faultOf(error: unknown): { readonly error: string; readonly hint?: string } {
  if (error instanceof ControlError) return { error: error.message, hint: error.hint }
  const { error: text, message, hint } = error as Partial<Record<'error' | 'message' | 'hint', string>>
  return { error: text ?? message ?? 'knockd gave another answer', ...(hint === undefined ? {} : { hint }) }
}
