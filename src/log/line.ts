import { knockdTime, zonedTime } from './time.ts'

/** The severity of a line, with the names of syslog(3). */
export type Level = 'debug' | 'info' | 'notice' | 'warning' | 'error'

/** The fields of a JSON line besides time, level and event. */
export type Facts = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>

/** The longest text of a line in UTF-16 units. The longest command of a config and its door's name fit. */
export const LOG_LINE_MAX_CHARS = 20_480
/** Priorities of syslog(3), without facility. */
export const PRIORITY: Readonly<Record<Level, number>> = { error: 3, warning: 4, notice: 5, info: 6, debug: 7 }

/** A log entry before it is formatted. */
export interface Entry {
  /** Milliseconds since 1970. */
  readonly time: number
  readonly level: Level
  readonly event: string
  /** The text after the source. */
  readonly text: string
  readonly facts: Facts
  /** The address that the entry is about. */
  readonly source?: string | undefined
  /** The text on standard output with `-v`, if it differs. */
  readonly verboseText?: string | undefined
  /** Omits the entry from the log file. It is for programs that watch other outputs. */
  readonly notInFile?: boolean
  /** The entry may use the part of the queue for lines that must not be lost. */
  readonly urgent?: boolean
}

/**
 * Returns the text without its time, always on one line.
 *
 * @param host a validated host name
 */
export function plainText({ source, text }: Entry, host: string | undefined): string {
  if (source === undefined) return oneLine(text)
  return oneLine(`${source}${host === undefined ? '' : ` (${host})`}: ${text}`)
}

/** Formats a line of knockd's log file. */
export function knockdLine(entry: Entry, host: string | undefined): string {
  return `[${knockdTime(entry.time)}] ${plainText(entry, host)}\n`
}

/** Formats a line of the explanations that `-D` prints. */
export function debugLine(entry: Entry, host: string | undefined): string {
  return `${zonedTime(entry.time, 'seconds')} ${plainText(entry, host)}\n`
}

/** Formats one JSON object (RFC 8259) on a line of its own. */
export function jsonLine({ time, level, event, source, facts }: Entry, host: string | undefined): string {
  // The head is given twice, so that it comes first and no fact of the same name replaces it.
  const head = { time: zonedTime(time, 'milliseconds'), level, event }
  const text = JSON.stringify({ ...head, source, host, ...facts, ...head }, (_, value: unknown) =>
    typeof value === 'string' ? cut(value) : value,
  )
  return `${text.replace(CONTROL, (character) => `\\u${codeOf(character)}`)}\n`
}

// Control characters, line and paragraph separators, and text direction controls (Unicode's Cc, Zl, Zp and
// Bidi_Control).
const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu

/** Returns the text with control characters escaped, cut to {@link LOG_LINE_MAX_CHARS}. */
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
