import { parseAddress } from '../packet/address.ts'
import { factOfFields } from './fact.ts'
import type { EventFields, Fact } from './fact.ts'
import { oneLine } from './line.ts'
import { readText } from './read-text.ts'
import type { IsDoor } from './read-text.ts'

/** A line of a log that was read. */
export interface LogRecord {
  /** Milliseconds since 1970. Lines in knockd's format have minutes alone. */
  readonly time: number
  readonly fact: Fact
  readonly host?: string
}

/**
 * The reasons why a line has no record. `foreign`: it is another program's, in the system log. `ambiguous`: a name in it
 * looks like a part of a line. `unreadable`: it is no line of a log.
 */
export type NoRecord = 'foreign' | 'ambiguous' | 'unreadable'

/** The forms of a log's lines. */
export type LogForm = 'knockd' | 'json' | 'syslog'

const DAY_MS = 86_400_000
/** Characters of a time in knockd's format with its brackets, `[2026-11-22 06:30] `. */
const STAMP_CHARS = 19
const ZONED = /^\d{4,6}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/
/** A line of the system log (RFC 3164, 4.1, and with RFC 3339's time as rsyslog writes it). */
const SYSLOG =
  /^(?:([A-Z][a-z]{2}) {1,2}(\d{1,2}) ((?:[01]\d|2[0-3]):[0-5]\d:[0-6]\d)|(\d{4}-\d\d-\d\dT\S{8,22})) \S+ ([^\s:[\]]+)(?:\[\d+\])?: ?(.*)$/s
const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ')

/** Reads lines of logs in all forms. Times without an offset are local times of this process. */
export class LogReader {
  readonly #isDoor: IsDoor
  readonly #now: number
  /** The last time in knockd's format, as many lines have the same. */
  #stamp = ''
  #stampTime = NaN
  /** The number of lines of each form. */
  readonly forms: Record<LogForm, number> = { knockd: 0, json: 0, syslog: 0 }

  /** @param now the present time, for lines of the system log, which lack the year */
  constructor(isDoor: IsDoor, now: number) {
    this.#isDoor = isDoor
    this.#now = now
  }

  /** Reads a line without its end. */
  read(line: string): LogRecord | NoRecord {
    if (line.startsWith('[')) return this.#knockd(line)
    if (line.startsWith('{')) return this.#json(line)
    return this.#syslog(line)
  }

  /** Reads the text of a line whose time is known. */
  text(text: string, time: number, isDoor: IsDoor = this.#isDoor): LogRecord | 'ambiguous' {
    const reading = readText(oneLine(text), isDoor)
    if (reading === 'ambiguous') return reading
    return reading === undefined ? { time, fact: { kind: 'other' } } : { time, ...reading }
  }

  #knockd(line: string): LogRecord | NoRecord {
    const stamp = line.slice(0, STAMP_CHARS)
    if (stamp !== this.#stamp) {
      const parts = /^\[(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d)\] $/.exec(stamp)
      if (parts === null) return 'unreadable'
      const [year = 0, month = 0, ...rest] = parts.slice(1).map(Number)
      const date = new Date(year, month - 1, ...rest)
      const [day = 0, hour = 0, minute = 0] = rest
      // Hours that summer time leaves out are read as the next ones.
      if (hour > 23 || minute > 59 || new Date(year, month - 1, day).getDate() !== day || month > 12)
        return 'unreadable'
      this.#stamp = stamp
      this.#stampTime = date.getTime()
    }
    this.forms.knockd++
    return this.text(line.slice(STAMP_CHARS), this.#stampTime)
  }

  #json(line: string): LogRecord | NoRecord {
    let fields: EventFields
    try {
      fields = JSON.parse(line) as EventFields
    } catch {
      return 'unreadable'
    }
    const record = recordOf(fields)
    if (record !== 'unreadable') this.forms.json++
    return record
  }

  #syslog(line: string): LogRecord | NoRecord {
    const [all, month, day, clock, zoned, program, text = ''] = SYSLOG.exec(line) ?? []
    if (all === undefined) return 'unreadable'
    if (program !== 'knockd') return 'foreign'
    const time = zoned === undefined ? this.#withYear(month!, Number(day), clock!) : zonedOf(zoned)
    if (time === undefined) return 'unreadable'
    this.forms.syslog++
    return this.text(text, time)
  }

  /** Returns the last time with this date and clock that is not later than a day from now. */
  #withYear(month: string, day: number, clock: string): number | undefined {
    const index = MONTHS.indexOf(month)
    if (index < 0) return undefined
    const [hours = 0, minutes = 0, seconds = 0] = clock.split(':').map(Number)
    const year = new Date(this.#now).getFullYear() + 1
    for (const each of [year, year - 1, year - 2]) {
      const date = new Date(each, index, day, hours, minutes, seconds)
      if (date.getTime() <= this.#now + DAY_MS) return date.getDate() === day ? date.getTime() : undefined
    }
    return undefined
  }
}

/** Returns the record of a line in JSON, or of an event of a running daemon. */
export function recordOf(fields: EventFields): LogRecord | 'unreadable' {
  const { time: written, event, kind, source, host } = fields
  const time = typeof written === 'string' ? zonedOf(written) : undefined
  if (time === undefined || typeof event !== 'string') return 'unreadable'
  if (source !== undefined && (typeof source !== 'string' || parseAddress(source) === undefined)) return 'unreadable'
  const fact = factOfFields(event === 'notice' && typeof kind === 'string' ? kind : event, fields)
  return typeof host === 'string' ? { time, fact, host: oneLine(host) } : { time, fact }
}

function zonedOf(text: string): number | undefined {
  if (!ZONED.test(text)) return undefined
  const time = Date.parse(text)
  return Number.isNaN(time) ? undefined : time
}
