import type { Kept } from '../log/event-lane.ts'
import { entryOf } from '../log/format.ts'
import type { Cursor } from '../log/kept-events.ts'
import { jsonLine } from '../log/line.ts'
import { zonedTime } from '../log/time.ts'
import { EVENTS_END } from './message.ts'

/** The most bytes that wait in memory for a reader, besides the last {@link TURN_EVENTS_MAX} events. */
export const WAITING_MAX_BYTES = 64 * 1_024
/** The most events that are looked at for a reader before other tasks run. */
export const TURN_EVENTS_MAX = 100
/** The milliseconds after which a reader that takes nothing is dropped. */
export const STALLED_MAX_MS = 60_000

/** The end of a connection that lines are written to. */
export interface LineEnd {
  readonly writableLength: number
  write(text: string): unknown
  end(): unknown
  destroy(): unknown
}

/** A reader of events. */
export interface SubscriberTerms {
  readonly client: LineEnd
  readonly cursor: Cursor
  readonly accepts: (kept: Kept) => boolean
  /** True if it gets later events too. */
  readonly follow: boolean
  /** Milliseconds since 1970. */
  readonly now: () => number
}

/**
 * Writes events to one reader, as fast as it reads. What it has not read yet stays among the kept events, so that a slow
 * reader takes no memory: events that leave there before it has come to them are counted as missed.
 */
export class Subscriber {
  readonly #terms: SubscriberTerms
  #turn: NodeJS.Immediate | undefined
  #stalled: NodeJS.Timeout | undefined
  #ended = false

  constructor(terms: SubscriberTerms) {
    this.#terms = terms
  }

  /** Writes soon: there are events, or the reader has read. */
  soon(): void {
    if (this.#ended || this.#stalled !== undefined) return
    this.#turn ??= setImmediate(() => {
      this.#turn = undefined
      if (this.#write()) this.soon()
    })
  }

  /** Goes on after the reader has read all that was written. */
  drained(): void {
    clearTimeout(this.#stalled)
    this.#stalled = undefined
    this.soon()
  }

  /** Writes what is left, if the reader can take it, and the last line. */
  finish(): void {
    let isMore = this.#stalled === undefined
    while (isMore) isMore = this.#write()
    if (this.#ended) return
    if (this.#stalled === undefined) this.#end()
    else this.#terms.client.destroy()
  }

  /** Stops writing, because the connection is closed. */
  close(): void {
    this.#ended = true
    clearImmediate(this.#turn)
    clearTimeout(this.#stalled)
  }

  /** Writes the next events. Returns true if there may be more for which the reader has room. */
  #write(): boolean {
    const { client, cursor, accepts, follow, now } = this.#terms
    if (this.#ended) return false
    let text = ''
    let isLast = false
    for (let looked = 0; looked < TURN_EVENTS_MAX && !isLast; looked++) {
      const kept = cursor.next()
      isLast = kept === undefined
      if (kept !== undefined && accepts(kept)) text += jsonLine(entryOf(kept.event, kept.time), undefined)
    }
    const missed = cursor.takeMissed()
    if (missed > 0) text = missedLine(missed, now()) + text
    if (text !== '') client.write(text)
    if (isLast && !follow) {
      this.#end()
      return false
    }
    if (client.writableLength > WAITING_MAX_BYTES) {
      this.#stalled = setTimeout(() => client.destroy(), STALLED_MAX_MS)
      this.#stalled.unref()
      return false
    }
    return !isLast
  }

  #end(): void {
    this.close()
    this.#terms.client.write(`${JSON.stringify(EVENTS_END)}\n`)
    this.#terms.client.end()
  }
}

/** Formats how many events are missing before the next line. */
function missedLine(events: number, time: number): string {
  const head = { time: zonedTime(time, 'milliseconds'), level: 'warning', event: 'missed', events }
  return `${JSON.stringify(head)}\n`
}
