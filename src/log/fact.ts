import type { LogEvent } from './event.ts'
import { sourceOf } from './format.ts'
import { oneLine } from './line.ts'
import { joinLines } from '../text/joined-lines.ts'

/** The longest reason of a failed knock in characters. */
export const WHY_MAX_CHARS = 160

/**
 * The part of an event that every form of the log has, for reports. Names are on one line, as in the log. A user who is
 * missing is unknown: lines of text have fewer than JSON.
 */
export type Fact = Readonly<
  | { kind: 'open'; source: string; door: string; user?: string; claimedUser?: string }
  /** The ports are open for this time, from this event on. */
  | { kind: 'lasts'; source: string; door: string; seconds: number }
  | { kind: 'closed'; source: string; door: string }
  | { kind: 'by-hand'; action: string; source?: string; door?: string; by?: string }
  /** A knock or a packet opened nothing. `refused`: the secret was right. */
  | { kind: 'failed'; why: string; door?: string; source?: string; user?: string; refused?: true }
  | { kind: 'scan'; source: string }
  /** Lines that the log itself left out. */
  | { kind: 'left-out'; lines: number }
  | { kind: 'starting' }
  | { kind: 'shutting-down' }
  /** An event that no report uses. */
  | { kind: 'other' }
>

/** The fields of an event, as a program that did not form them reads them. */
export type EventFields = Readonly<Record<string, unknown>>

const OTHER: Fact = { kind: 'other' }

/** The reasons of failed knocks that have no text of their own in the log. */
export const WHY = {
  slow: 'not finished in time',
  strays: 'too many packets to other ports between the knocks',
  codes: 'stays shut after too many wrong codes',
  'wrong-codes': 'wrong codes',
  shut: 'stays shut',
  used: (secret: string) => `this ${secret} was used before`,
  status: (status: number) => `its command returned status ${status}`,
} as const

/** Lines that could not be written. They are a notice, and not an event of their own. */
const UNWRITTEN = /^(\d{1,15}) lines left out \(the log could not be written in time\)$/
/** Texts of a replay. */
const WOULD_LAST = /(?:would be open|would stay so) for (?:another )?(\d{1,12}) s$/

/** Returns the fact of an event. */
export function factOf(event: LogEvent): Fact {
  return factOfFields(event.kind, { ...event, source: sourceOf(event) })
}

/**
 * Returns the fact of an event by its fields. A fact whose fields are missing or of another type is `other`.
 *
 * @param kind the kind of a {@link LogEvent}
 */
export function factOfFields(kind: string, fields: EventFields): Fact {
  const raw = (name: string): string | undefined => {
    const value = fields[name]
    return typeof value === 'string' ? value : undefined
  }
  const text = (name: string): string | undefined => {
    const value = raw(name)
    return value === undefined ? undefined : oneLine(value)
  }
  const number = (name: string): number => {
    const value = fields[name]
    return typeof value === 'number' && Number.isFinite(value) ? value : 0
  }
  const [source, door, user] = [text('source'), text('door'), text('user')]
  const failed = (why: string, refused?: true): Fact =>
    known({ kind: 'failed', why: reasonOn(why), door, source, user, refused })
  switch (kind) {
    case 'scan':
      return source === undefined ? OTHER : { kind, source }
    case 'sequence-timeout':
      return failed(WHY.slow)
    case 'wrong-codes':
      return failed(WHY['wrong-codes'])
    case 'withheld':
      return failed(fields['reason'] === 'codes' ? WHY.codes : WHY.strays)
    case 'refused':
      return failed([raw('reason'), raw('cause')].filter((each) => each !== undefined).join(': ') || WHY.shut, true)
    case 'used-before':
      return failed(WHY.used(text('secret') ?? 'secret'))
    case 'rejected':
      return failed(raw('reason') ?? WHY.shut)
    case 'status':
      return failed(WHY.status(number('status')))
    // Packets that are no part of an attempt fail at no door.
    case 'explanation':
      return door === undefined ? OTHER : failed(raw('reason') ?? WHY.shut)
    case 'by-hand':
      return known({ kind, action: text('action') ?? '', source, door, by: text('by') })
    case 'left-out':
      return { kind, lines: number('lines') }
    case 'starting':
    case 'shutting-down':
      return { kind }
    case 'notice': {
      const lines = UNWRITTEN.exec(text('text') ?? text('message') ?? '')?.[1]
      return lines === undefined ? OTHER : { kind: 'left-out', lines: Number(lines) }
    }
    default:
      return source === undefined || door === undefined ? OTHER : opening(kind, source, door)
  }

  function opening(of: string, at: string, name: string): Fact {
    if (of === 'open') return known({ kind: of, source: at, door: name, user, claimedUser: text('claimedUser') })
    if (of === 'closed' || of === 'command-timeout') return { kind: 'closed', source: at, door: name }
    if (of === 'would-be') {
      const seconds = WOULD_LAST.exec(text('message') ?? '')?.[1]
      return seconds === undefined ? OTHER : { kind: 'lasts', source: at, door: name, seconds: Number(seconds) }
    }
    if (of !== 'opened' && of !== 'extended') return OTHER
    return { kind: 'lasts', source: at, door: name, seconds: number('seconds') }
  }
}

/** Returns a reason on one line, as the log's format puts it there. */
function reasonOn(text: string): string {
  return oneLine(joinLines(text)).slice(0, WHY_MAX_CHARS)
}

/** Returns a fact without the fields that are `undefined`. */
export function known<Of extends Fact>(fact: { readonly [Field in keyof Of]: Of[Field] | undefined }): Fact {
  return Object.fromEntries(Object.entries(fact).filter(([, value]) => value !== undefined)) as unknown as Fact
}
