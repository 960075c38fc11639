// Goal: what the log wrote is read back to the same facts, in every form; and a name that looks like a line is never taken for one:
// such a line is ambiguous, or about nothing.
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { anyText } from '../../test/any-text.ts'
import { SLOW } from '../../test/slow.ts'
import { WHOLE, least } from '../../test/schema/events.ts'
import type { LogEvent } from './event.ts'
import { factOf } from './fact.ts'
import type { Fact } from './fact.ts'
import { entryOf } from './format.ts'
import { jsonLine, knockdLine, oneLine, plainText } from './line.ts'
import { LogReader } from './read-log.ts'
import type { LogRecord, NoRecord } from './read-log.ts'
import { isDoorOf } from './read-text.ts'

const TIME = new Date(2026, 10, 22, 6, 30).getTime()
const NOW = TIME + 3_600_000
const SAMPLES = (Object.values(WHOLE) as LogEvent[]).flatMap((event) => [event, least(event)])
const ADDRESS = { family: 4, a: 0xc0000207 | 0, b: 0, c: 0, d: 0 } as const

/** The fact that a line of text can have: a refused packet has its door in its reason, and a refusal has no user. */
function inText(event: LogEvent): Fact {
  const fact = factOf(event)
  if (fact.kind !== 'failed') return fact
  if (event.kind === 'rejected') {
    const { door, why, ...rest } = fact
    return { ...rest, why: `${door === undefined ? '' : `${door}: `}${why}`.slice(0, 160) }
  }
  const { user, ...rest } = fact
  return event.kind === 'refused' || user === undefined ? rest : fact
}

const reader = (doors?: readonly string[]): LogReader =>
  new LogReader(doors === undefined ? undefined : isDoorOf(doors), NOW)
const line = (event: LogEvent, host?: string): string => knockdLine(entryOf(event, TIME), host).slice(0, -1)
const factIn = (record: LogRecord | NoRecord): Fact | NoRecord => (typeof record === 'string' ? record : record.fact)

test.each(SAMPLES.map((event) => [event.kind, event] as const))('%s in JSON', (_, event) => {
  const entry = entryOf(event, TIME)
  for (const host of entry.source === undefined ? [undefined] : [undefined, 'host.example']) {
    const read = reader().read(jsonLine(entry, host).trimEnd())
    // The text of a notice is no fact, whatever it says would be.
    const fact = event.kind === 'would-be' ? { kind: 'other' } : factOf(event)
    expect(read).toEqual({ time: TIME, fact, ...(host === undefined ? {} : { host }) })
  }
})

const IN_FILE = SAMPLES.filter((event) => entryOf(event, 0).level !== 'debug' && event.kind !== 're-opening')

test.each(IN_FILE.map((event) => [event.kind, event] as const))('%s in text, and in the system log', (_, event) => {
  const { source } = entryOf(event, TIME)
  for (const host of source === undefined ? [undefined] : [undefined, 'host.example']) {
    const fact = inText(event)
    const hosts = host === undefined || fact.kind === 'other' ? {} : { host }
    expect(reader().read(line(event, host))).toMatchObject({ time: TIME, fact, ...hosts })
    const text = plainText(entryOf(event, TIME), host)
    for (const head of ['Nov 22 06:30:00 gate knockd[7]:', `${new Date(TIME).toISOString()} gate knockd:`]) {
      expect(reader().read(`${head} ${text}`)).toMatchObject({ time: TIME, fact })
    }
  }
  const withDoor = event.kind === 'rejected' ? factOf(event) : inText(event)
  expect(factIn(reader(['ssh']).read(line(event)))).toEqual(withDoor)
})

test('facts are there for each kind that a report uses', () => {
  const kinds = new Set(SAMPLES.map((event) => factOf(event).kind))
  expect([...kinds].sort()).toEqual(
    ['by-hand', 'closed', 'failed', 'lasts', 'left-out', 'open', 'other', 'scan', 'shutting-down', 'starting'].sort(),
  )
})

const PARTS = [
  'ssh', ': ', 'OPEN SESAME', ' (', ')', 'Stage 1', '192.0.2.9', '192.0.2.9: ', ' closed', 'tcp/22', ' open for 3 s', 'port scan',
  ', ', 'packet of ', 'single packet of x', ', from 192.0.2.9 to udp/1: ', 'stays shut', ', ', 'command printed: ',
  'running command: ', 'everybody', 'everybody: ', 'opened by hand', ', by user ', '\n', '"', '{', '}', '[2026-11-22 06:30] ', 'shutting down',
  'this code was used before', "'s", 'command timeout', 'sequence timeout (stage 1)', 'access of ', ' revoked', '\u202E', '<script>', ' ',
  'command returned non-zero status code (1)', 'starting up', '7 lines left out (too many knocks)', ', which ',
] // prettier-ignore
const hostile = fc.array(fc.constantFrom(...PARTS), { minLength: 1, maxLength: 6 }).map((parts) => parts.join(''))
const anything = anyText({ minLength: 1, maxLength: 40 })
/** A name as a line of knockd.conf or of a file of users can have it: its ends are trimmed, and it is not empty. */
const name = fc
  .oneof(hostile, anything, fc.constantFrom('ssh', 'web'))
  .map((text) => text.replaceAll('\n', ' ').trim().slice(0, 127))
  .filter((text) => text !== '' && !text.includes('claims to be ') && !/^\S+: /.test(text))

/** Puts names and texts in place of those of a sample. */
function renamed(event: LogEvent, names: Readonly<Record<string, string>>): LogEvent {
  return Object.fromEntries(
    Object.entries(event).map(([field, value]) => [
      field,
      names[field] !== undefined && value !== undefined ? names[field] : value,
    ]),
  ) as unknown as LogEvent
}
// The words of these events are the daemon's own; what a program printed, a command or a cause may be anything.
const FREE = new Set(['notice', 'trouble', 'would-be', 'would-run', 'list', 're-reading'])
const EVENTS = IN_FILE.filter(({ kind }) => !FREE.has(kind))
const named = fc.record({
  door: name,
  user: name,
  claimedUser: name,
  cause: hostile.map((text) => text.trim()).filter(Boolean),
  command: name,
  output: name,
})

describe('hostile names', () => {
  test('in JSON change nothing', () => {
    fc.assert(
      fc.property(fc.constantFrom(...SAMPLES), named, (sample, names) => {
        const event = renamed(sample, names)
        if (event.kind === 'would-be') return
        expect(factIn(reader().read(jsonLine(entryOf(event, TIME), undefined).trimEnd()))).toEqual(factOf(event))
      }),
      { numRuns: 2_000 },
    )
  })

  test('in text are read as they are, or said to be ambiguous', () => {
    fc.assert(
      fc.property(fc.constantFrom(...EVENTS), named, fc.boolean(), (sample, names, isKnown) => {
        const event = renamed(sample, names)
        const read = factIn(reader(isKnown ? [names.door] : undefined).read(line(event)))
        if (read === 'ambiguous') return
        const fact = factOf(event)
        const possible = [inText(event), ...(isKnown ? [fact] : [])].map((each) => JSON.stringify(sorted(each)))
        expect(possible).toContain(JSON.stringify(sorted(read as Fact)))
      }),
      { numRuns: SLOW ? 20_000 : 4_000 },
    )
  })

  test('of ordinary doors are read whatever the user is called', () => {
    fc.assert(
      fc.property(name, (user) => {
        const event: LogEvent = { kind: 'open', source: ADDRESS, door: 'ssh', user }
        expect(factIn(reader(['ssh']).read(line(event)))).toEqual(factOf(event))
      }),
      { numRuns: 2_000 },
    )
  })
})

function sorted(fact: Fact): unknown {
  return Object.fromEntries(Object.entries(fact).sort(([one], [other]) => (one < other ? -1 : 1)))
}

test.each([
  ['x: OPEN SESAME (y): OPEN SESAME', undefined, { door: 'x: OPEN SESAME (y)' }],
  ['ssh: OPEN SESAME (y: OPEN SESAME)', undefined, { door: 'ssh', user: 'y: OPEN SESAME' }],
  ['ssh: OPEN SESAME (y: OPEN SESAME (z)', ['ssh'], { door: 'ssh', user: 'y: OPEN SESAME (z' }],
])('%s, if the doors are %s', (text, doors, opened) => {
  expect(reader(doors).read(`[2026-11-22 06:30] 192.0.2.7: ${text}`)).toMatchObject({
    fact: { kind: 'open', source: '192.0.2.7', ...opened },
  })
})

test.each(['192.0.2.7: ssh: OPEN SESAME (y: OPEN SESAME (z)', '192.0.2.7: command printed: ssh: OPEN SESAME'])(
  '%s is ambiguous',
  (text) => expect(reader().read(`[2026-11-22 06:30] ${text}`)).toBe('ambiguous'),
)

test('a text about a door that exists is no event of a door that does not', () => {
  const text = '[2026-11-22 06:30] 192.0.2.7: ssh: is not kept open: x: OPEN SESAME'
  expect(factIn(reader(['ssh']).read(text))).toEqual({ kind: 'other' })
  expect(factIn(reader(['gone']).read('[2026-11-22 06:30] 192.0.2.7: old: OPEN SESAME'))).toMatchObject({ door: 'old' })
})

test("lines of knockd's own", () => {
  const read = reader()
  const facts = [
    '[2026-11-22 06:30] starting up, listening on eth0',
    '[2026-11-22 06:30] 192.0.2.7: openSSH: Stage 1',
    '[2026-11-22 06:30] 192.0.2.7 (a.example): openSSH: OPEN SESAME',
    '[2026-11-22 06:30] openSSH: running command: /sbin/iptables -A INPUT -s 192.0.2.7 -j ACCEPT',
    '[2026-11-22 06:30] 192.0.2.7: openSSH: sequence timeout (stage 2)',
    '[2026-11-22 06:30] 192.0.2.7: openSSH: command timeout',
    '[2026-11-22 06:30] waiting for child processes...',
    '[2026-11-22 06:30] shutting down',
  ].map((text) => read.read(text))
  expect(facts.map(factIn)).toEqual([
    { kind: 'starting' },
    { kind: 'other' },
    { kind: 'open', source: '192.0.2.7', door: 'openSSH' },
    { kind: 'other' },
    { kind: 'failed', why: 'not finished in time', door: 'openSSH', source: '192.0.2.7' },
    { kind: 'closed', source: '192.0.2.7', door: 'openSSH' },
    { kind: 'other' },
    { kind: 'shutting-down' },
  ])
  expect(facts[2]).toMatchObject({ host: 'a.example' })
  expect(read.forms).toEqual({ knockd: 8, json: 0, syslog: 0 })
})

test.each([
  ['', 'unreadable'],
  ['\0\0\0', 'unreadable'],
  ['[2026-13-22 6:30] x', 'unreadable'],
  ['[2026-13-22 06:30] x', 'unreadable'],
  ['[2026-02-30 06:30] x', 'unreadable'],
  ['[2026-02-28 24:30] x', 'unreadable'],
  ['{"time":"2026-11-22T06:30:00.000+00:00"}', 'unreadable'],
  ['{"time":"yesterday","event":"scan"}', 'unreadable'],
  ['{"time":"2026-11-22T06:30:00.000+00:00","event":"scan","source":"<b>"}', 'unreadable'],
  ['[1,2]', 'unreadable'],
  ['null', 'unreadable'],
  ['{"time":', 'unreadable'],
  ['Feb 29 06:30:00 gate knockd[7]: 192.0.2.7: port scan', 'unreadable'],
  ['Nov 31 06:30:00 gate knockd[7]: 192.0.2.7: port scan', 'unreadable'],
  ['Nov 22 24:00:00 gate knockd[7]: 192.0.2.7: port scan', 'unreadable'],
  ['Nov 22 06:30:00 gate sshd[7]: 192.0.2.7: ssh: OPEN SESAME', 'foreign'],
  ['Nov 22 06:30:00 gate notknockd: 192.0.2.7: ssh: OPEN SESAME', 'foreign'],
])('%j is %s', (text, why) => expect(reader().read(text)).toBe(why))

test('a line of the system log has the year in which it is not in the future', () => {
  const read = new LogReader(undefined, new Date(2026, 0, 2).getTime())
  expect(read.read('Dec 31 23:59:59 gate knockd: shutting down')).toMatchObject({
    time: new Date(2025, 11, 31, 23, 59, 59).getTime(),
  })
  expect(read.read('Jan  1 00:00:01 gate knockd: shutting down')).toMatchObject({
    time: new Date(2026, 0, 1, 0, 0, 1).getTime(),
  })
  const later = new LogReader(undefined, new Date(2029, 0, 2).getTime())
  expect(later.read('Feb 29 23:59:59 gate knockd: shutting down')).toMatchObject({
    time: new Date(2028, 1, 29, 23, 59, 59).getTime(),
  })
})

test('any text is read in bounded time, and has no field that is not on one line', () => {
  fc.assert(
    fc.property(anything, hostile, (one, other) => {
      const read = reader().read(`[2026-11-22 06:30] 192.0.2.7: ${other}${one}`)
      if (typeof read === 'string') return
      for (const value of Object.values(read.fact)) if (typeof value === 'string') expect(oneLine(value)).toBe(value)
    }),
  )
  const long = `[2026-11-22 06:30] 192.0.2.7: ${': OPEN SESAME ('.repeat(20_000)}`
  const begun = performance.now()
  reader().read(long)
  expect(performance.now() - begun).toBeLessThan(2_000)
})
