import { quote } from '../text/fault.ts'
import { COMMENT_HINT } from '../text/read.ts'
import type { Read, Reader } from '../text/read.ts'

/** Milliseconds in each unit of a time. */
const UNITS: Readonly<Record<string, number>> = { '': 1000, ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/**
 * Reads a time: whole seconds as in knockd, or a whole number with a unit: `500ms`, `30s`, `10m`, `2h`. The bounds are
 * in milliseconds, both included. A message follows the text, as in `1d is not a time`.
 */
export function parseDuration(text: string, min: number, max: number): Read<number> {
  const match = /^([0-9]{1,12})(ms|s|m|h)?$/.exec(text)
  if (match === null) return { message: 'is not a time', hint: hintFor(text) }
  const ms = Number(match[1]) * UNITS[match[2] ?? '']!
  if (ms < min) return { message: 'is too short', hint: `at least ${formatDuration(min)}` }
  if (ms > max) return { message: 'is too long', hint: `at most ${formatDuration(max)}` }
  return { value: ms }
}

/** Returns a reader of a time in milliseconds. Its messages quote the text. See {@link parseDuration}. */
export function readTime(min: number, max: number): Reader<number> {
  return (text) => {
    const read = parseDuration(text, min, max)
    return 'message' in read ? { ...read, message: `${quote(text)} ${read.message}` } : read
  }
}

function hintFor(text: string): string {
  if (/^[0-9]+\s*[a-z]*\s*#/i.test(text)) return COMMENT_HINT
  const spelled = /^([0-9]+)\s*(ms|s|m|h)[a-z]*$/i.exec(text)
  if (spelled !== null) return `write \`${spelled[1]}${spelled[2]!.toLowerCase()}\``
  const days = /^([0-9]{1,4})\s*d(ays?)?$/i.exec(text)
  if (days !== null) return `write \`${Number(days[1]) * 24}h\``
  return 'whole seconds, or a whole number with a unit: 500ms, 30s, 10m, 2h'
}

/** Formats a time in the largest unit that divides it: `500ms`, `25s`, `24h`. {@link parseDuration} reads it back. */
export function formatDuration(ms: number): string {
  const [unit, length] = Object.entries(UNITS)
    .filter(([name, each]) => name !== '' && ms > 0 && ms % each === 0)
    .sort(([, one], [, other]) => other - one)[0] ?? ['ms', 1]
  return `${ms / length}${unit}`
}
