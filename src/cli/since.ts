import { UsageError } from './fault.ts'
import { parseDuration } from '../config/duration.ts'

/** The longest time that a report goes back: a year, in milliseconds. */
export const SINCE_MAX_MS = 366 * 86_400_000
const DAY_MS = 86_400_000

/** The beginning of a report: an age, or a date in milliseconds since 1970. */
export type Since = { readonly agoMs: number } | { readonly at: number }

/** Reads `7d`, `2w`, a time as in `postern events`, or a local date with or without a time of day. @throws UsageError */
export function readSince(text: string): Since {
  const days = /^([0-9]{1,4})([dw])$/.exec(text)
  if (days !== null) return { agoMs: bounded(Number(days[1]) * (days[2] === 'w' ? 7 : 1) * DAY_MS, text) }
  const date = /^(\d{4})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d))?)?$/.exec(text)
  if (date !== null) {
    const [year = 0, month = 0, day = 0, ...clock] = date.slice(1).map((part) => Number(part ?? 0))
    const at = new Date(year, month - 1, day, ...clock)
    const isThere = at.getFullYear() === year && at.getMonth() === month - 1 && at.getDate() === day
    if (isThere && clock[0]! < 24 && clock[1]! < 60 && clock[2]! < 60) return { at: at.getTime() }
    throw new UsageError(`there is no ${text}`, HINT)
  }
  const read = parseDuration(text, 1, SINCE_MAX_MS)
  if ('value' in read) return { agoMs: read.value }
  throw new UsageError(`${text || '(empty)'} ${read.message}`, HINT)
}

const HINT = 'as in 7d, 2w, 12h or 30m, or a date: 2026-11-15 or "2026-11-15 06:30"; at most 366d'

function bounded(ms: number, text: string): number {
  if (ms >= 1 && ms <= SINCE_MAX_MS) return ms
  throw new UsageError(`${text} ${ms < 1 ? 'is too short' : 'is too long'}`, HINT)
}

/** Returns the time that a report begins with. @throws UsageError for one that is not in the past, or too long ago */
export function startOf(since: Since, now: number): number {
  const at = 'at' in since ? since.at : now - since.agoMs
  if (at >= now) throw new UsageError('--since: the date is not in the past', HINT)
  if (now - at > SINCE_MAX_MS) throw new UsageError('--since: the date is too long ago', HINT)
  return at
}
