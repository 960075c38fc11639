import { quote } from '../text/fault.ts'
import { listOf, meantOr } from '../text/read.ts'
import type { Read } from '../text/read.ts'

/** Most lines with On_Event. */
export const ON_EVENT_MAX = 16
/** The form of a value, for hints. */
export const ON_EVENT_FORM = 'EVENT[,EVENT]...: COMMAND'

/** The kinds of events that a command can be told of: those of the log, without debug messages and what replays make up. */
export const EVENT_NAMES = [
  'open',
  'opened',
  'closed',
  'extended',
  'refused',
  'used-before',
  'rejected',
  'revoked',
  'by-hand',
  'list',
  'trouble',
  'skipped',
  'command',
  'command-timeout',
  'status',
  'output',
  'stage',
  'sequence-timeout',
  'scan',
  'wrong-codes',
  'withheld',
  'notice',
  'left-out',
  'starting',
  'shutting-down',
  're-reading',
  're-opening',
] as const

export type EventName = (typeof EVENT_NAMES)[number]

/** A command that is told of events. */
export interface OnEvent {
  readonly events: readonly EventName[]
  readonly command: string
}

const readNames = listOf<EventName>((word) => {
  const value = EVENT_NAMES.find((name) => name === word.toLowerCase())
  if (value !== undefined) return { value }
  if (word === '') return { message: 'an empty name is not an event', hint: 'a comma too many?' }
  const hint = meantOr(word.toLowerCase(), EVENT_NAMES, `the events: ${EVENT_NAMES.join(', ')}`)
  return { message: `${quote(word)} is not an event`, hint }
})

/** Reads a value of On_Event. */
export function readOnEvent(text: string): Read<OnEvent> {
  const at = commandOffset(text)
  if (at === undefined) {
    return { message: 'there is no command', hint: `On_Event = ${ON_EVENT_FORM}` }
  }
  const events = readNames(text.slice(0, text.indexOf(':')))
  return 'message' in events ? events : { value: { events: [...new Set(events.value)], command: text.slice(at) } }
}

/** Returns the place of the command in UTF-16 units; `undefined`: the text has no command. */
export function commandOffset(text: string): number | undefined {
  const match = /^[^:]*:[ \t]*(?=\S)/.exec(text)
  return match?.[0].length
}
