import type { EventName } from '../config/on-event.ts'
import type { LogEvent } from '../log/event.ts'
import { sourceOf } from '../log/format.ts'
import { jsonLine, oneLine, plainText } from '../log/line.ts'
import type { Entry } from '../log/line.ts'
import { zonedTime } from '../log/time.ts'

/** An event as a command gets it. */
export interface Notification {
  /** The line of the event in the JSON log. */
  readonly input: string
  /** The variables of the event: text on one line, without control characters. */
  readonly environment: Readonly<Record<string, string>>
}

/**
 * Returns the names of an event in On_Event. `opened` and `closed` are also those of doors without ports, whose openings
 * have no further event.
 */
export function namesOf(event: LogEvent, hasPorts: (door: string) => boolean): readonly EventName[] {
  const name = event.kind as EventName
  if (event.kind === 'open' && !hasPorts(event.door)) return [name, 'opened']
  if (event.kind === 'by-hand' && event.action === 'opened' && event.door !== undefined && !hasPorts(event.door))
    return [name, 'opened']
  if (event.kind === 'command-timeout' && !hasPorts(event.door)) return [name, 'closed']
  return [name]
}

/** @param dropped the number of events that the command was not told of */
export function notificationOf(event: LogEvent, entry: Entry, dropped: number): Notification {
  const { door, user } = event as { readonly door?: string | undefined; readonly user?: string | undefined }
  return {
    input: jsonLine(entry, undefined),
    environment: {
      POSTERN_ACTION: 'event',
      POSTERN_EVENT: event.kind,
      POSTERN_TIME: zonedTime(entry.time, 'milliseconds'),
      POSTERN_DOOR: oneLine(door ?? ''),
      POSTERN_SOURCE: oneLine(sourceOf(event) ?? ''),
      POSTERN_USER: oneLine(user ?? ''),
      POSTERN_MESSAGE: plainText(entry, undefined),
      POSTERN_DROPPED: String(dropped),
    },
  }
}
