import { formatAddress } from '../packet/address.ts'
import type { Address } from '../packet/address.ts'
import type { LogEvent, OpeningEvent } from './event.ts'
import { joinLines } from '../text/joined-lines.ts'
import { plainText } from './line.ts'
import type { Entry, Facts, Level } from './line.ts'

type Kind = LogEvent['kind']
type NoticeKind = OpeningEvent['kind'] | 'notice'
/** Returns the level and the text of an event. */
type Row<Of extends Kind> = (event: Extract<LogEvent, { kind: Of }>) => readonly [Level, string]

/** Events that have a name of their own in JSON. The line has the source before the text. */
const NAMED: { readonly [Of in Exclude<Kind, NoticeKind>]: Row<Of> } = {
  stage: ({ door, stage }) => ['notice', `${door}: Stage ${stage}`],
  'sequence-timeout': ({ door, stage }) => ['notice', `${door}: sequence timeout (stage ${stage})`],
  scan: ({ ignoredSeconds: seconds }) => [
    'info',
    seconds > 0 ? `port scan, ignored for ${seconds} s by doors that a scan could open` : 'port scan',
  ],
  'wrong-codes': ({ ignoredSeconds, behindSequence }) => {
    const doors = behindSequence ? 'doors with a Sequence before their codes' : 'doors with codes alone'
    return ['info', `wrong codes, ignored for ${ignoredSeconds} s by ${doors}`]
  },
  withheld: ({ door, reason, strays }) => {
    const why = reason === 'codes' ? 'too many wrong codes' : `${strays} other ports touched between its knocks`
    return ['info', `${door}: stays shut, ${why}`]
  },
  explanation({ door, reason, stage, knock }) {
    const details = [named('stage', stage), named('knock', knock)]
    return ['debug', `${place({ door })}${reason}${listed(details)}`]
  },
  open: ({ door, user, claimedUser, from }) => [
    'notice',
    `${door}: OPEN SESAME${listed([user, named('claims to be', claimedUser), named('told by', from)])}`,
  ],
  command: ({ door, command }) => ['notice', `${door}: running command: ${command}`],
  'command-timeout': ({ door }) => ['notice', `${door}: command timeout`],
  status: ({ door, status }) => ['notice', `${door}: command returned non-zero status code (${status})`],
  output: ({ door, output }) => ['info', `${door}: command printed: ${output}`],
  'would-run': ({ door, command }) => ['notice', `${door}: would run: ${command}`],
  'would-be': ({ door, message }) => ['notice', `${door}: ${message}`],
  starting: ({ interfaces }) => ['notice', `starting up, listening on ${interfaces.join(', ')}`],
  'shutting-down': () => ['notice', 'shutting down'],
  're-reading': ({ file }) => ['notice', `re-reading config file: ${file}`],
  're-opening': ({ file }) => ['notice', `re-opening log file: ${file}`],
  'left-out': ({ lines }) => ['notice', `${lines} lines left out (too many knocks)`],
}

/** Events that JSON names `notice`, with their text as the message. Those of openings have their kind in `kind`. */
const NOTICES: { readonly [Of in NoticeKind]: Row<Of> } = {
  opened: (of) => [
    'info',
    `${place(of)}${of.what} open for ${of.seconds} s${of.from === undefined ? '' : `, told by ${of.from}`}`,
  ],
  closed: (of) => ['info', `${place(of)}${of.what} closed`],
  extended: (of) =>
    of.connected === true
      ? ['debug', `${place(of)}stays open, its source is connected`]
      : ['info', `${place(of)}is open already, and stays so for another ${of.seconds} s`],
  refused: (of) => [
    of.level,
    `${place(of)}stays shut${of.reason === undefined ? '' : `, ${of.reason}`}${because(of.cause)}`,
  ],
  'used-before': (of) => [
    'warning',
    `${place(of)}this ${of.secret} was used before${of.user === undefined ? '' : `, ${of.user}'s`}`,
  ],
  rejected({ packet, source, to, door, user, claimedUser, reason }) {
    const claims = claimedUser === undefined ? '' : `, which claims to be ${claimedUser}`
    return ['notice', `${packet} of ${user}${claims}, from ${source} to ${to}: ${place({ door })}${reason}`]
  },
  list: (of) => ['warning', `${place(of)}${listState(of)}`],
  trouble: (of) => [of.level, `${place(of)}${of.what}${because(of.cause)}`],
  skipped: (of) =>
    of.reason === 'cooldown'
      ? ['debug', `${place(of)}cools down`]
      : ['info', `${place(of)}its rule is in place already`],
  revoked: (of) => ['notice', `${place(of)}access${of.user === undefined ? '' : ` of ${of.user}`} revoked`],
  'by-hand': ({ action, source = 'everybody', door = action === 'closed' ? 'every door' : undefined, by }) => [
    'notice',
    `${place({ source, door })}${action} by hand${by === undefined ? '' : `, by user ${by}`}`,
  ],
  notice: ({ level, text }) => [level, text],
}

const ROWS = { ...NAMED, ...NOTICES } as { readonly [Of in Kind]: (of: LogEvent) => readonly [Level, string] }

/** All kinds of events. */
export const KINDS = Object.keys(ROWS) as readonly Kind[]

type Fields = Facts & { readonly kind: Kind; readonly level?: Level; readonly source?: Address | string }

/**
 * Forms the entry of an event.
 *
 * @param time milliseconds since 1970
 */
export function entryOf(event: LogEvent, time: number): Entry {
  const [level, text] = ROWS[event.kind](event)
  const { kind, level: _, source, ...facts } = event as Fields
  if (kind in NOTICES) {
    // A hint is put on the same line as its message, so that no text can forge a line.
    const message = joinLines(text)
    const about = kind === 'notice' ? {} : { kind, source: source as string, ...facts }
    return { time, level, event: 'notice', text: message, facts: { ...about, message } }
  }
  return {
    time,
    level,
    event: kind === 'would-be' ? 'notice' : kind,
    source: sourceOf(event),
    text,
    facts,
    verboseText: event.kind === 'starting' ? `listening on ${event.interfaces.join(', ')}...` : undefined,
    notInFile: kind === 're-opening',
    urgent: kind === 'open',
  }
}

/** Returns the line of an event without its time, as on standard output with `-v`. */
export function textOf(event: LogEvent): string {
  return plainText(entryOf(event, 0), undefined)
}

/** Returns the source of an event as text. */
export function sourceOf(event: LogEvent): string | undefined {
  const { source } = event as Fields
  return typeof source === 'object' ? formatAddress(source) : source
}

function place({ source, door }: { readonly source?: string | undefined; readonly door?: string | undefined }): string {
  return `${source === undefined ? '' : `${source}: `}${door === undefined ? '' : `${door}: `}`
}

function listState({ left, usedAgain, cause }: Extract<LogEvent, { kind: 'list' }>): string {
  if (left === 0) return `disabled, no sequence is left${because(cause)}`
  if (usedAgain) return 'the list contains sequences that were used already: they open nothing'
  return `only ${left === 1 ? 'one sequence is' : `${left} sequences are`} left\npostern sequences make writes a new list`
}

function because(cause: string | undefined): string {
  return cause === undefined ? '' : `: ${cause}`
}

/** Formats what is known in brackets. */
function listed(details: readonly (string | undefined)[]): string {
  const known = details.filter((detail) => detail !== undefined)
  return known.length === 0 ? '' : ` (${known.join(', ')})`
}

function named(name: string, value: string | number | undefined): string | undefined {
  return value === undefined ? undefined : `${name} ${value}`
}
