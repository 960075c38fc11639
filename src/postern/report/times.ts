import { zonedTime } from '../../log/time.ts'

const DAYS = 'Sun Mon Tue Wed Thu Fri Sat'.split(' ')
const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ')
const UTC_OFFSET_AT = 23
const SECOND_MS = 1_000
const MINUTE_S = 60
const HOUR_S = 3_600

/** Formats a local day: `Sun 22 Nov`. */
export function dayText(time: number): string {
  const date = new Date(time)
  return `${DAYS[date.getDay()]} ${date.getDate()} ${MONTHS[date.getMonth()]}`
}

/** Formats a local time of day in minutes: `06:30`. */
export function clockText(time: number): string {
  return zonedTime(time, 'seconds').slice(-14, -9)
}

/** Formats a local time in minutes: `Sun 22 Nov 06:30`. */
export function timeText(time: number): string {
  return `${dayText(time)} ${clockText(time)}`
}

/** Formats a local time with its year: `Sun 22 Nov 2026, 06:30`. */
export function longTimeText(time: number): string {
  return `${dayText(time)} ${new Date(time).getFullYear()}, ${clockText(time)}`
}

/** Returns the time zone of this process, with its present offset: `Europe/Berlin (UTC+01:00)`. */
export function zoneText(time: number): string {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions()
  const offset = zonedTime(time, 'milliseconds').slice(UTC_OFFSET_AT)
  return offset === '+00:00' && timeZone === 'UTC' ? 'UTC' : `${timeZone} (UTC${offset})`
}

/** Formats a length of time: `45 s`, `10 min`, `2 h 5 min`. */
export function lengthText(ms: number): string {
  const seconds = Math.round(ms / SECOND_MS)
  if (seconds < MINUTE_S) return `${seconds} s`
  const hours = Math.floor(seconds / HOUR_S)
  const minutes = Math.floor((seconds % HOUR_S) / MINUTE_S)
  if (hours === 0)
    return seconds % MINUTE_S === 0 || minutes >= 10 ? `${minutes} min` : `${minutes} min ${seconds % MINUTE_S} s`
  return minutes === 0 ? `${hours} h` : `${hours} h ${minutes} min`
}

/** Formats a number with commas: `100,214`. */
export function numberText(value: number): string {
  return value.toLocaleString('en')
}

/** Formats a number of things: `1 scan`, `2,000 scans`. */
export function manyText(value: number, noun: string): string {
  return `${numberText(value)} ${noun}${value === 1 ? '' : 's'}`
}

/** The beginnings of the parts of a time, at local midnights or hours, in milliseconds since 1970. */
export interface Parts {
  readonly starts: readonly number[]
  /** True if a part is a day or more. */
  readonly areDays: boolean
}

/** Lengths of parts in hours. The first that gives few enough parts is taken. */
const STEPS_H = [1, 2, 3, 6, 12, 24, 48, 168, 336, 672]
const DAY_H = 24

/** Divides a time into parts of equal length by the local clock, `max` at most. The first may begin before it. */
export function partsOf(from: number, to: number, max: number): Parts {
  const hours = (to - from) / (HOUR_S * SECOND_MS)
  const step = STEPS_H.find((each) => hours / each <= max - 2) ?? STEPS_H.at(-1)!
  const begin = new Date(from)
  if (step >= DAY_H) begin.setHours(0, 0, 0, 0)
  else begin.setHours(Math.floor(begin.getHours() / step) * step, 0, 0, 0)
  const starts = [begin.getTime()]
  for (let count = 1; starts.length < max; count++) {
    const next = new Date(begin)
    // The local clock keeps midnights at midnight when summer time begins or ends.
    next.setHours(begin.getHours() + count * step)
    if (next.getTime() >= to) break
    if (next.getTime() > starts.at(-1)!) starts.push(next.getTime())
  }
  return { starts, areDays: step >= DAY_H }
}
