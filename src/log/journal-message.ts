import type { Entry } from './line.ts'

/** The longest value of a field besides the message, in bytes. Names of doors and users are shorter. */
export const FIELD_MAX_BYTES = 1_024
/** The longest message in bytes, where the system sends no larger datagram. */
export const SHORT_MESSAGE_MAX_BYTES = 1_024
const LENGTH_BYTES = 8
/** A value with these would end its line, and begin another field. */
const CONTROL = /\p{Cc}/u
/** LOG_DAEMON of syslog(3), as in knockd. */
const FACILITY = 3

/** The name and the value of a field. */
export type Field = readonly [name: string, value: string]

/**
 * Returns the fields of a line: those that journald makes of the same line from syslog(3), and those of its event.
 *
 * @param priority as for syslog(3), without facility
 */
export function journalFields(identity: string, entry: Entry, priority: number, text: string): readonly Field[] {
  const { event, source, facts } = entry
  const fields: (readonly [string, unknown])[] = [
    // journald takes the blanks off a line of syslog(3).
    ['MESSAGE', withoutBlanks(text)],
    ['PRIORITY', String(priority)],
    ['SYSLOG_FACILITY', String(FACILITY)],
    ['SYSLOG_IDENTIFIER', identity],
    ['POSTERN_EVENT', facts['kind'] ?? event],
    ['POSTERN_DOOR', facts['door']],
    ['POSTERN_SOURCE', source ?? facts['source']],
    ['POSTERN_USER', facts['user']],
  ]
  return fields.filter((field): field is Field => typeof field[1] === 'string' && field[1] !== '')
}

/** Takes the blanks off both ends, in time that grows with the length alone. */
function withoutBlanks(text: string): string {
  let from = 0
  let end = text.length
  while (text[from] === ' ') from++
  while (end > from && text[end - 1] === ' ') end--
  return text.slice(from, end)
}

/**
 * Encodes fields as a datagram for the journal (https://systemd.io/JOURNAL_NATIVE_PROTOCOL/). A value with control
 * characters is preceded by its length, so that no value can begin a field.
 *
 * @param messageMax the longest MESSAGE in bytes
 */
export function journalMessage(fields: readonly Field[], messageMax = Infinity): Buffer {
  const parts = fields.map(([name, text]) => {
    const value = bounded(text, name === 'MESSAGE' ? messageMax : FIELD_MAX_BYTES)
    if (!CONTROL.test(text)) return Buffer.concat([Buffer.from(`${name}=`), value, END])
    const length = Buffer.alloc(LENGTH_BYTES)
    length.writeBigUInt64LE(BigInt(value.length))
    return Buffer.concat([Buffer.from(`${name}\n`), length, value, END])
  })
  return Buffer.concat(parts)
}

const END = Buffer.from('\n')
const CUT = Buffer.from('…')

/** Returns a text as UTF-8, cut after a whole character. */
function bounded(text: string, max: number): Buffer {
  const bytes = Buffer.from(text)
  if (bytes.length <= max) return bytes
  let end = max - CUT.length
  // Bytes of the form 10xxxxxx continue a character (RFC 3629).
  while ((bytes[end]! & 0xc0) === 0x80) end--
  return Buffer.concat([bytes.subarray(0, end), CUT])
}
