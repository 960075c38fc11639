import { command } from '../../cli/command.ts'
import { UsageError } from '../../cli/fault.ts'
import { CONFIG, INTERFACES, JSON_OUTPUT } from '../../cli/option.ts'
import type { Options, Values } from '../../cli/option.ts'
import { atMostOne, duration, one } from '../../cli/value.ts'
import { BY_HAND_MAX_MS } from '../../control/message.ts'

/** The options that say which daemon is meant. */
export const DAEMON = {
  config: { ...CONFIG, help: 'the config of the daemon' },
  interface: {
    ...INTERFACES,
    help: 'the interface that the daemon was started with, where several run with that config',
  },
} as const satisfies Options

const STATUS_OPTIONS = {
  json: JSON_OUTPUT,
  quiet: { short: 'q', help: 'print nothing: the exit status tells whether all is well' },
  nagios: { help: 'print one line for Nagios, and exit with its statuses: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN' },
  openmetrics: { help: 'print metrics as OpenMetrics text' },
  to: {
    within: 'openmetrics',
    value: 'FILE',
    kind: 'file',
    help: 'with --openmetrics: replace this file with them, in one step',
  },
  ...DAEMON,
} as const satisfies Options
const OPEN_OPTIONS = {
  for: {
    value: 'TIME',
    read: duration(1, BY_HAND_MAX_MS),
    help: "how long: 30s, 10m, 2h; default: the door's own time",
  },
  source: {
    value: 'ADDRESS',
    kind: 'source',
    help: 'the address to open for; default: the other end of your ssh connection. Needed in tmux and screen',
  },
  ...DAEMON,
} as const satisfies Options
const CLOSE_OPTIONS = {
  source: { value: 'ADDRESS', kind: 'source', help: 'close for this address alone' },
  all: { help: 'close everything' },
  ...DAEMON,
} as const satisfies Options

/** The arguments that say which daemon is meant. */
export type DaemonArguments = Values<typeof DAEMON>
export type StatusArguments = Values<typeof STATUS_OPTIONS>
export type OpenArguments = Values<typeof OPEN_OPTIONS> & { readonly door: string }
export type CloseArguments = Values<typeof CLOSE_OPTIONS> & { readonly door: string | undefined }
export type ForgiveArguments = DaemonArguments & { readonly source: string }
export type AcceptLossArguments = DaemonArguments & { readonly door: string }

/** `postern status` */
export const STATUS = command({
  name: 'postern status',
  summary: 'show how a running knockd is doing: what is open, and for how long',
  about: `Shows how a running knockd is doing: doors and what they wait for, what is open
and for how long, who is ignored and until when, attempts under way, interfaces
and their packet counts, whether they were deaf, what happened so far, and the
health of the capture, the guard, the journal, the clock and the lists.`,
  options: STATUS_OPTIONS,
  operands: { text: '' },
  exits: { 0: 'knockd is running, and all is well', 1: 'it is not running, or something is wrong' },
  read: (values, words): StatusArguments => {
    if (words.length > 0) throw new UsageError('status takes no operand')
    const { json, quiet, nagios, openmetrics, to } = values
    const forms = Object.entries({ json, quiet, nagios, openmetrics }).filter(([, isGiven]) => isGiven)
    const [first, second] = forms.map(([name]) => `--${name}`)
    if (second !== undefined) throw new UsageError(`${first} and ${second} exclude each other`)
    if (to !== undefined && !openmetrics) throw new UsageError('--to is for --openmetrics')
    return values
  },
  run: async () => (await import('./status.ts')).status,
})

/** `postern open` */
export const OPEN = command({
  name: 'postern open',
  summary: 'open a door by hand',
  about: 'Opens a door by hand, as if the address had knocked.',
  options: OPEN_OPTIONS,
  operands: { text: 'DOOR', kinds: ['door'], first: true },
  exits: { 0: 'it is open', 1: 'it is not' },
  examples: '  postern open ssh --for 10m --source 192.0.2.7',
  read: (values, words): OpenArguments => ({ ...values, door: theDoor(words, 'open') }),
  run: async () => (await import('./by-hand.ts')).open,
})

/** `postern close` */
export const CLOSE = command({
  name: 'postern close',
  summary: 'close it before its time',
  about: 'Closes what is open, before its time. Established connections stay.',
  options: CLOSE_OPTIONS,
  operands: { text: '[DOOR]', kinds: ['door'], first: true, help: 'close this door, for everybody' },
  exits: { 0: 'it is closed', 1: 'it could not be closed' },
  examples: `  postern close ssh
  postern close --source 192.0.2.7`,
  read: (values, words): CloseArguments => {
    const door = atMostOne(words, 'close takes one door at most')
    const named = door !== undefined || values.source !== undefined
    if (!named && !values.all) throw new UsageError('missing DOOR, --source or --all')
    if (named && values.all) throw new UsageError('--all takes neither DOOR nor --source')
    return { ...values, door }
  },
  run: async () => (await import('./by-hand.ts')).close,
})

/** `postern forgive` */
export const FORGIVE = command({
  name: 'postern forgive',
  summary: 'stop ignoring an address that scanned ports or sent wrong codes',
  about: `Has a running knockd stop ignoring an address that scanned ports or sent wrong
codes. postern status lists who is ignored, by which doors, and for how long.`,
  options: DAEMON,
  operands: { text: 'ADDRESS', kinds: ['ignored'], first: true },
  exits: { 0: 'it is no longer ignored', 1: 'it could not be done' },
  examples: '  postern forgive 192.0.2.7',
  read: (values, words): ForgiveArguments => {
    atMostOne(words, 'forgive takes one address at most')
    return { ...values, source: one(words, 'no address given') }
  },
  run: async () => (await import('./forgive.ts')).forgive,
})

/** `postern accept-loss` */
export const ACCEPT_LOSS = command({
  name: 'postern accept-loss',
  summary: 'open a door again that was shut since its memory of used packets was lost',
  about: `Opens a door to single packets again that is shut because the daemon's journal
was damaged, deleted or replaced: packets that it accepted before could be
replayed. Make new keys or profiles for its users first.`,
  options: DAEMON,
  operands: { text: 'DOOR', kinds: ['door'], first: true },
  exits: { 0: 'it accepts packets again', 1: 'it does not' },
  examples: '  postern accept-loss ssh',
  read: (values, words): AcceptLossArguments => ({ ...values, door: theDoor(words, 'accept-loss') }),
  run: async () => (await import('./accept-loss.ts')).acceptLoss,
})

function theDoor(words: readonly string[], name: string): string {
  atMostOne(words, `${name} takes one door at most`)
  return one(words, 'missing DOOR')
}
