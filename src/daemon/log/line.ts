import { knockdTime, zonedTime } from './time.ts'

/** How grave a line is; the names are those of syslog(3). */
export type Level = 'debug' | 'info' | 'notice' | 'warning' | 'error'

/** What a JSON line says beside time, level and event. */
export type Facts = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>

/** Longest text of a line, in UTF-16 units: a command of the longest kind that a config can have, and its door. */
export const LOG_LINE_MAX_CHARS = 20_480
/** Priorities of syslog(3). */
const PRIORITY: Readonly<Record<Level, number>> = { error: 3, warning: 4, notice: 5, info: 6, debug: 7 }

/** One thing to be said, before it has a form. */
export interface Entry {
  /** Milliseconds since 1970. */
  readonly time: number
  readonly level: Level
  readonly event: string
  /** The text behind the source. */
  readonly text: string
  readonly facts: Facts
  /** The address it is about. */
  readonly source?: string
  /** What standard output is told with `-v`, where that differs. */
  readonly verboseText?: string
  /** For a log watcher: the file and JSON have nothing of it. */
  readonly notInFile?: boolean
  /** May use the part of the queue that is kept for what must not be lost. */
  readonly urgent?: boolean
}

/** Priority of syslog(3), without facility. */
export function priorityOf(level: Level): number {
  return PRIORITY[level]
}

/** The text without time, on one line whatever is in it. `host`: a name that was checked. */
export function plainText({ source, text }: Entry, host: string | undefined): string {
  if (source === undefined) return oneLine(text)
  return oneLine(`${source}${host === undefined ? '' : ` (${host})`}: ${text}`)
}

/** The line of knockd's log file. */
export function knockdLine(entry: Entry, host: string | undefined): string {
  return `[${knockdTime(entry.time)}] ${plainText(entry, host)}\n`
}

/** The line that explains something to whoever gave `-D`. */
export function debugLine(entry: Entry, host: string | undefined): string {
  return `${zonedTime(entry.time, 'seconds')} ${plainText(entry, host)}\n`
}

/** One JSON object (RFC 8259) on a line of its own. */
export function jsonLine({ time, level, event, source, facts }: Entry, host: string | undefined): string {
  // Named twice: to stand first, and not to be replaced by a fact of the same name.
  const head = { time: zonedTime(time, 'milliseconds'), level, event }
  const text = JSON.stringify({ ...head, source, host, ...facts, ...head }, (_, value: unknown) =>
    typeof value === 'string' ? cut(value) : value,
  )
  return `${text.replace(CONTROL, (character) => `\\u${codeOf(character)}`)}\n`
}

// What moves the cursor, ends a line somewhere, or turns the direction of what follows (Unicode's Cc, Zl, Zp and Bidi_Control).
const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu

/** The text with control characters written as escapes, no longer than {@link LOG_LINE_MAX_CHARS}. */
export function oneLine(text: string): string {
  return cut(
    cut(text).replace(CONTROL, (character) => {
      if (character === '\n') return String.raw`\n`
      if (character === '\r') return String.raw`\r`
      if (character === '\t') return String.raw`\t`
      return `\\u${codeOf(character)}`
    }),
  )
}

function cut(text: string): string {
  return text.length <= LOG_LINE_MAX_CHARS ? text : `${text.slice(0, LOG_LINE_MAX_CHARS - 1)}…`
}

function codeOf(character: string): string {
  return character.charCodeAt(0).toString(16).padStart(4, '0')
}
