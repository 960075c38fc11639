// Goal: whatever the daemon, its config and its strangers send, and however large the screen is, the picture fits, no byte
// of theirs is obeyed by the terminal, and what is drawn step by step is what would be drawn anew.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { anyText } from '../../../test/any-text.ts'
import { SLOW } from '../../../test/slow.ts'
import { WELL as WELL_BUT_EXPOSED, WHOLE_STATUS } from '../../../test/schema/status.ts'
import { FakeTerminal } from '../../../test/postern/terminal.ts'
import { healthOf } from '../../control/health.ts'
import type { Status } from '../../control/message.ts'
import { statusForMember } from '../../daemon/member.ts'
import type { Key } from './editor.ts'
import { pressed } from './keys.ts'
import { eventOf, told } from './news.ts'
import { Painter } from './paint.ts'
import type { Size } from './paint.ts'
import { pictureOf } from './picture.ts'
import { beginning } from './state.ts'
import type { Moment, WatchState } from './state.ts'

const WELL = { ...WELL_BUT_EXPOSED, exposed: [] }
const NOON = new Date(2026, 10, 22, 12).getTime()
const at = (ms: number): Moment => ({ steady: ms, wall: NOON + ms })
const judged = (status: Status): Status => ({ ...status, health: healthOf(status) })
const seeing = (status: Status, ms = 0, state = beginning(true, {})): WatchState =>
  told(state, { kind: 'status', reply: { status: judged(status) } }, at(ms))
const event = (text: string, more: object = {}): WatchState['events'][number] => {
  const fields = { time: '2026-11-22T11:59:58.123+01:00', level: 'info', event: 'notice', message: text, ...more }
  return eventOf(fields, JSON.stringify(fields))
}

/** Draws a state on a screen of its own. */
function drawn(state: WatchState, size: Size, ms = 0): FakeTerminal {
  const terminal = new FakeTerminal(size)
  terminal.write(new Painter(true).paint(pictureOf(state, size, at(ms)), size))
  return terminal
}

const SSH = { columns: 80, rows: 24 }

test('80 by 24: what is open comes first, with its time, and every list has its place', () => {
  const whole = told(seeing(WELL), { kind: 'events', events: [event('192.0.2.7: ssh: OPEN SESAME')] }, at(0))
  const rows = drawn(whole, SSH, 1_000).text
  expect(rows[0]).toMatch(/^knockd 1\.2\.3 {2}\/etc\/knockd\.conf {2}up 1h {2}process 7 +12:00:01$/)
  expect(rows[1]).toMatch(/^packets\/s +- +knocks\/s +-$/)
  expect(rows[2]).toMatch(/^all is well - capture: 1 interface, guard: hides 1 service/)
  expect(rows[3]).toMatch(/^Open 1 +source +user +opens +left$/)
  expect(rows[4]).toMatch(/^ {2}ssh +192\.0\.2\.7 +alice, carol? .* +19s$/)
  const headings = rows.flatMap((row, index) =>
    /^(?:Open|Doors|Attempts|Events)/.test(row) ? [[row.split(' ')[0], index]] : [],
  )
  expect(headings.map(([name]) => name)).toEqual(['Open', 'Doors', 'Attempts', 'Events'])
  expect(rows.find((row) => row.startsWith('Attempts'))).toMatch(/^Attempts 1 .*left {2}Ignored 1 .*left$/)
  expect(rows.find((row) => row.includes('192.0.2.9'))).toMatch(
    /^ {2}192\.0\.2\.8 +ssh +1 +0s {4}192\.0\.2\.9 +port scan +49s$/,
  )
  expect(rows.at(-3)).toBe('')
  expect(rows).toContain('  11-22 11:59:58  192.0.2.7: ssh: OPEN SESAME')
  expect(rows.at(-1)).toMatch(/^o open .* q quit$/)
})

test('200 by 60: two columns, whose headings are on the same rows', () => {
  const rows = drawn(seeing(WELL), { columns: 200, rows: 60 }).text
  expect(rows.find((row) => row.startsWith('Open'))).toMatch(/left {2}Attempts 1/)
  expect(rows.find((row) => row.startsWith('Doors'))).toMatch(/Ignored 1/)
  expect(rows.find((row) => row.startsWith('Events'))).toBe('Events')
  expect(rows.find((row) => row.includes('192.0.2.9'))).toMatch(/192\.0\.2\.9 +port scan +50s {2}ssh$/)
})

test('nothing moves because something opens, knocks or happens', () => {
  const headings = (state: WatchState): readonly (readonly [string, number])[] =>
    drawn(state, SSH).text.flatMap((row, index) =>
      /^[A-Z][a-z]+/.test(row) ? [[/^\w+/.exec(row)![0], index] as const] : [],
    )
  const quiet = seeing({ ...WELL, openings: [], ignored: [], attempts: { count: 0, sources: 0, listed: [] } })
  const opening = WELL.openings[0]!
  const busy = seeing({
    ...WELL,
    openings: Array.from({ length: 50 }, (_, index) => ({ ...opening, source: `192.0.2.${index}` })),
    ignored: Array.from({ length: 100 }, (_, index) => ({ ...WELL.ignored[0]!, source: `198.51.100.${index}` })),
    attempts: { count: 5_000, sources: 9_000, listed: Array.from({ length: 100 }, () => WELL.attempts!.listed[0]!) },
  })
  const later = told(
    busy,
    { kind: 'events', events: Array.from({ length: 600 }, (_, index) => event(`e${index}`)) },
    at(0),
  )
  expect(headings(later)).toEqual(headings(quiet))
  const rows = drawn(later, SSH).text
  expect(rows.join('\n')).toMatch(/and 45 more[^]*and 4,998 more/)
  expect(rows.find((row) => row.startsWith('Attempts'))).toMatch(/^Attempts 5,000 .* Ignored 100\+/)
})

test('a member is told what is hidden, and sees the rest', () => {
  const rows = drawn(seeing(statusForMember(WELL)), SSH).text
  expect(rows[1]).toBe('packets, knocks, attempts and who is ignored are shown only to root')
  expect(rows.find((row) => row.startsWith('  shown only to root'))).toMatch(
    /^ {2}shown only to root +shown only to root$/,
  )
  expect(rows[4]).toMatch(/^ {2}ssh +192\.0\.2\.7/)
})

test('what the daemon complains of is in the third row, the worst first, and all of it behind a key', () => {
  const state = seeing(WHOLE_STATUS)
  expect(drawn(state, SSH).text[2]).toMatch(/^CRITICAL capture: eth0 is not captured.* \(\d more: press !\)$/)
  const all = drawn(pressed(state, { name: '!', text: '!' }, at(0)).state, { columns: 80, rows: 40 }).text.join('\n')
  for (const part of ['guard critical', 'journal critical', 'daemon warning', 'tcp/80 is no longer hidden'])
    expect(all).toContain(part)
})

test('without an answer, times stand still, and the picture says of when it is', () => {
  const down = told(seeing(WELL, 1_000), { kind: 'down', reason: 'knockd is not running', hint: 'start it' }, at(5_000))
  const [title = '', , third = '', , open = ''] = drawn(down, SSH, 60_000).text
  expect(title).toMatch(/NO ANSWER, as of 12:00:01$/)
  expect(third).toBe('knockd is not running since 12:00:05: start it; trying again')
  expect(open).toMatch(/20s$/)
  const back = told(down, { kind: 'status', reply: { status: judged({ ...WELL, pid: 9, upMs: 10 }) } }, at(17_000))
  expect(drawn(back, SSH, 17_000).text.at(-2)).toBe('knockd is back after 12s, restarted: process 7 is now 9')
})

test('only what changed is written: a countdown, and nothing else', () => {
  const painter = new Painter(true)
  const terminal = new FakeTerminal(SSH)
  const write = (state: WatchState, ms: number): number => {
    const text = painter.paint(pictureOf(state, SSH, at(ms)), SSH)
    terminal.write(text)
    return Buffer.byteLength(text)
  }
  const quiet = { ...WELL, ignored: [], attempts: { count: 0, sources: 0, listed: [] } }
  const state = seeing(quiet)
  expect(write(state, 0)).toBeGreaterThan(500)
  expect(write(state, 10)).toBe(0)
  const bytes = write(state, 1_000)
  if (process.env.MEASURE !== undefined) console.log(`${bytes} bytes`)
  // Of the clock in the corner, and of the countdown.
  expect(bytes).toBeLessThanOrEqual(40)
  expect(terminal.text).toEqual(drawn(state, SSH, 1_000).text)
})

const HOSTILE = fc.oneof(
  anyText({ maxLength: 40 }),
  fc.constantFrom(
    '\u001B]0;x\u0007',
    '\u009B2J',
    '\u202Eabc',
    'מגן',
    'e\u0301\u0301',
    '漢字かな',
    '👩‍👩‍👧',
    '\r\n\t\b',
    'ﾊﾝ',
    'ｗｉｄｅ',
    '\uD800',
    'x'.repeat(5_000),
  ),
)
const KEYS: fc.Arbitrary<Key> = fc.oneof(
  fc
    .constantFrom(
      'up',
      'down',
      'left',
      'right',
      'home',
      'end',
      'pageup',
      'pagedown',
      'return',
      'tab',
      'escape',
      'backspace',
      'delete',
    )
    .map((name) => ({ name })),
  fc.constantFrom(...Array.from('oecf/?!pdsujkh y1')).map((text) => ({ text, name: text })),
  HOSTILE.map((text) => ({ text })),
  HOSTILE.map((text) => ({ text, isPasted: true })),
)
const STATUS: fc.Arbitrary<Status> = fc
  .record({
    name: HOSTILE,
    source: HOSTILE,
    user: HOSTILE,
    count: fc.nat(300),
    leftMs: fc.nat(1e9),
    isMember: fc.boolean(),
  })
  .map(({ name, source, user, count, leftMs, isMember }) => {
    const many = <T>(each: T): readonly T[] => Array.from({ length: count }, () => each)
    const status: Status = Object.assign({}, WHOLE_STATUS, {
      version: name,
      config: source,
      doors: many({ ...WHOLE_STATUS.doors[0]!, name, waits: user, shut: undefined }),
      openings: many({
        ...WHOLE_STATUS.openings[0]!,
        door: name,
        source,
        user,
        users: undefined,
        claimedUser: name,
        leftMs,
      }),
      attempts: { count: count * 7, sources: 1, listed: many({ source, doors: [name, user], stage: 2, leftMs }) },
      ignored: many({ source, why: 'scan', doors: [name], leftMs }),
      health: [{ subject: 'guard', state: 'critical', message: user }],
    })
    return isMember ? statusForMember(status) : status
  })
const STEP = fc.oneof(
  STATUS.map((status) => ({ kind: 'status', status }) as const),
  HOSTILE.map((text) => ({ kind: 'event', text }) as const),
  HOSTILE.map((text) => ({ kind: 'down', text }) as const),
  fc.array(KEYS, { maxLength: 8 }).map((keys) => ({ kind: 'keys', keys }) as const),
  fc.record({
    kind: fc.constant('size' as const),
    columns: fc.integer({ min: 1, max: 500 }),
    rows: fc.integer({ min: 1, max: 200 }),
  }),
)

test('any size, any text, any keys: it fits, nothing raw gets through, and the screen is as if drawn anew', () => {
  const small = fc.record({ columns: fc.integer({ min: 1, max: 40 }), rows: fc.integer({ min: 1, max: 30 }) })
  const any = fc.record({ columns: fc.integer({ min: 1, max: 500 }), rows: fc.integer({ min: 1, max: 200 }) })
  fc.assert(
    fc.property(
      fc.oneof(small, any),
      fc.boolean(),
      fc.boolean(),
      fc.array(STEP, { maxLength: 8 }),
      (first, isUtf8, colours, steps) => {
        let size = first
        let state = beginning(isUtf8, {})
        let painter = new Painter(colours)
        let terminal = new FakeTerminal(size)
        for (const [index, step] of steps.entries()) {
          const now = at(index * 400)
          if (step.kind === 'status') state = told(state, { kind: 'status', reply: { status: step.status } }, now)
          else if (step.kind === 'event')
            state = told(state, { kind: 'events', events: [event(step.text, { door: step.text })] }, now)
          else if (step.kind === 'down') state = told(state, { kind: 'down', reason: step.text, hint: step.text }, now)
          else if (step.kind === 'keys') for (const key of step.keys) state = pressed(state, key, now).state
          else {
            size = { columns: step.columns, rows: step.rows }
            terminal = new FakeTerminal(size)
          }
          const picture = pictureOf(state, size, now)
          expect(picture.rows.length).toBeLessThanOrEqual(size.rows)
          const text = painter.paint(picture, size)
          if (!isUtf8) expect(text.replaceAll('\u001B', '')).toMatch(/^[\x20-\x7E]*$/)
          terminal.write(text)
          const anew = new FakeTerminal(size)
          anew.write(new Painter(colours).paint(picture, size))
          expect(terminal.cells.join('\n')).toBe(anew.cells.join('\n'))
          expect(terminal.hasCursor).toBe(picture.cursor !== undefined)
          if (index === 4) painter = new Painter(colours)
        }
      },
    ),
    { numRuns: SLOW ? 2_000 : 30 },
  )
})

test('without colours only bold, faint and reversed text are used', () => {
  const state = seeing(WHOLE_STATUS)
  const text = new Painter(false).paint(pictureOf(state, SSH, at(0)), SSH)
  const codes = new Set([...text.matchAll(/\[([0-9;]*)m/g)].flatMap(([, code = '']) => code.split(';')))
  expect([...codes].filter((code) => !['', '0', '1', '2', '7'].includes(code))).toEqual([])
  expect(new Painter(true).paint(pictureOf(state, SSH, at(0)), SSH)).toContain('\u001B[0;1;31m')
})
