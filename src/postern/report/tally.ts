import type { LogRecord } from '../../log/read-log.ts'
import { Failures } from './failures.ts'
import { Openings } from './openings.ts'
import { Scans } from './scans.ts'

const HOUR_MS = 3_600_000
/** The most hours that are counted each by itself: 400 days. */
export const HOURS_MAX = 400 * 24

/** The counts of an hour. */
export interface Hour {
  /** Its beginning, in milliseconds since 1970. */
  readonly time: number
  openings: number
  failures: number
  scans: number
}

/** Counts what a log has of a time. Its memory is bounded, whatever the size of the log. */
export class Tally {
  readonly openings = new Openings()
  readonly failures = new Failures()
  readonly scans = new Scans()
  readonly #hours = new Map<number, Hour>()
  readonly #from: number
  /** The beginning of the hour of the last event. */
  #hour = -Infinity
  /** Lines that the log left out itself. */
  leftOut = 0
  /** The number of times that knockd started. */
  starts = 0
  /** The number of events whose hour is not counted, because there are too many hours. */
  otherHours = 0

  /** @param from events before this time are not counted, in milliseconds since 1970 */
  constructor(from: number) {
    this.#from = from
  }

  /** The hours in which something happened, in order. */
  get hours(): readonly Hour[] {
    return [...this.#hours.values()].sort((one, other) => one.time - other.time)
  }

  take(record: LogRecord): void {
    const { time, fact, host } = record
    if (time < this.#from) return
    switch (fact.kind) {
      case 'scan':
        this.scans.take(fact.source, time)
        this.#count(time, 'scans')
        return
      case 'failed': {
        const { door, source } = fact
        const isByHand = fact.refused === true && door !== undefined && source !== undefined
        if (isByHand && this.openings.refused(door, source, time)) this.#count(time, 'openings', -1)
        this.failures.take(fact, time, host)
        this.#count(time, 'failures')
        return
      }
      case 'left-out':
        this.leftOut += fact.lines
        return
      case 'starting':
        this.starts++
        return
      case 'open':
      case 'by-hand':
      case 'lasts':
      case 'closed': {
        const before = this.openings.total
        this.openings.take(record)
        if (this.openings.total > before) this.#count(time, 'openings')
        return
      }
      case 'shutting-down':
      case 'other':
        return
      default:
        fact satisfies never
    }
  }

  #count(time: number, what: 'openings' | 'failures' | 'scans', by = 1): void {
    // Local hours, as there are zones of half an hour.
    if (time < this.#hour || time >= this.#hour + HOUR_MS) this.#hour = new Date(time).setMinutes(0, 0, 0)
    const start = this.#hour
    let hour = this.#hours.get(start)
    if (hour === undefined) {
      if (this.#hours.size >= HOURS_MAX) {
        this.otherHours++
        return
      }
      hour = { time: start, openings: 0, failures: 0, scans: 0 }
      this.#hours.set(start, hour)
    }
    hour[what] += by
  }
}
