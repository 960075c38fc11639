import { command } from '../../cli/command.ts'
import { UsageError } from '../../cli/fault.ts'
import type { Options, Values } from '../../cli/option.ts'
import { duration } from '../../cli/value.ts'
import { EVENTS_NAMED_MAX, EVENTS_SINCE_MAX_MS } from '../../control/message.ts'
import type { Choice } from '../../control/message.ts'
import { parseNetwork } from '../../packet/network.ts'
import { DAEMON } from '../control/arguments.ts'

/** The options that choose events. */
export const CHOICE = {
  door: { value: 'DOOR', kind: 'door', many: true, help: 'show only events of this door, may be repeated' },
  user: { value: 'USER', kind: 'user', many: true, help: 'show only events of this user, may be repeated' },
  source: {
    value: 'NETWORK',
    kind: 'source',
    many: true,
    read: network,
    help: 'show only events of this address or network, may be repeated',
  },
} as const satisfies Options

const OPTIONS = {
  since: {
    value: 'TIME',
    read: duration(1, EVENTS_SINCE_MAX_MS),
    help: 'leave out events that are older: 30s, 10m, 2h',
  },
  follow: { short: 'f', help: 'go on with new events' },
  json: { help: 'print one JSON object a line, as in the JSON log' },
  ...CHOICE,
  ...DAEMON,
} as const satisfies Options

/** The arguments of `postern events`. */
export type EventsArguments = Values<typeof OPTIONS>

/** `postern events` */
export const EVENTS = command({
  name: 'postern events',
  summary: 'show what happened at the doors of a running knockd, and follow it',
  about: `Shows the last events of a running knockd, oldest first, from its memory: up to
10,000, fewer of each kind that unknown sources can cause. With --follow it
then prints new ones until it is interrupted.`,
  options: OPTIONS,
  operands: { text: '' },
  exits: { 0: 'all were shown', 1: 'not all of them, or knockd has ended' },
  examples: `  postern events --since 1h --door ssh
  postern events --follow --json --user alice`,
  read: (values, words): EventsArguments => {
    if (words.length > 0) throw new UsageError('events takes no operand')
    choiceOf(values)
    return values
  },
  run: async () => (await import('./events.ts')).events,
})

/** Makes a choice of the options. @throws UsageError if there are too many */
export function choiceOf({ door, user, source }: Values<typeof CHOICE>): Choice {
  for (const [name, { length }] of Object.entries({ door, user, source })) {
    if (length > EVENTS_NAMED_MAX) throw new UsageError(`--${name}: at most ${EVENTS_NAMED_MAX} times`)
  }
  return {
    ...(door.length === 0 ? {} : { doors: door }),
    ...(user.length === 0 ? {} : { users: user }),
    ...(source.length === 0 ? {} : { sources: source }),
  }
}

function network(text: string): string {
  if (parseNetwork(text) === undefined) {
    throw new UsageError(`invalid address or network ${text}`, 'as in 192.0.2.7 or 2001:db8::/32')
  }
  return text
}
