import type { Address } from '../packet/address.ts'
import type { LogEvent } from './event.ts'
import { KINDS, textOf } from './format.ts'
import { oneLine, plainText } from './line.ts'

/** The fields of an event in JSON, as a program that did not form them reads them. */
export type JsonEvent = Readonly<Record<string, unknown>>

const SECONDS_CHARS = 19

/** Formats an event in JSON as a line for people: its time, and the text of the log, whatever the fields hold. */
export function textOfJson(fields: JsonEvent): string {
  const { time } = fields
  const when = typeof time === 'string' ? oneLine(time).slice(0, SECONDS_CHARS).replace('T', ' ') : '-'
  return `${when} ${oneLine(wordsOf(fields))}\n`
}

function wordsOf(fields: JsonEvent): string {
  const { event, message, source, events } = fields
  if (typeof message === 'string') return message
  if (event === 'missed') return `${String(events)} events are missing here: they came faster than this was read`
  const kind = KINDS.find((each) => each === event)
  if (kind === undefined) return JSON.stringify(fields)
  try {
    // The address stays text, so that it is put in front as it is.
    const text = textOf({ ...fields, kind, source: undefined as unknown as Address } as LogEvent)
    return plainText(
      { time: 0, level: 'info', event: kind, facts: {}, text, source: source as string | undefined },
      undefined,
    )
  } catch {
    return JSON.stringify(fields)
  }
}
