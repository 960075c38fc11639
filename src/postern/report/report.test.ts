// Goal: a report in each form says the same, and only what is true; names are text, whatever they are; and the page is private.
import { createHash } from 'node:crypto'
import {
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { anyText } from '../../../test/any-text.ts'
import { faultsOf, propertiesOf } from '../../../test/schema/schema.ts'
import { readSince, startOf } from '../../cli/since.ts'
import { postern } from '../postern.ts'
import type { Contents } from './contents.ts'
import { jsonOf } from './json.ts'
import { pageOf } from './page/page.ts'
import { targetOf } from '../target-file.ts'
import { writePage } from './page/write.ts'
import { textOf } from './text.ts'
import { lengthText, partsOf } from './times.ts'

const T = new Date(2026, 10, 22, 6, 30).getTime()
const DAY_MS = 86_400_000
const folder = mkdtempSync(join(tmpdir(), 'postern-report-'))
afterAll(() => rmSync(folder, { recursive: true }))

const input = {
  name: '/var/log/knockd.log',
  lines: 9,
  first: T - DAY_MS,
  last: T,
  unreadable: 1,
  ambiguous: 0,
  foreign: 0,
}
const rows = <Row>(...all: readonly Row[]): { rows: readonly Row[]; more: number; isCut: boolean } => ({
  rows: all,
  more: 0,
  isCut: false,
})

function contents(name = 'ssh', more: Partial<Contents> = {}): Contents {
  return {
    machine: name,
    zone: 'UTC',
    made: T,
    from: T - 7 * DAY_MS,
    to: T,
    inputs: [{ ...input, name, problem: undefined, notes: [] }],
    notes: [name],
    isWhole: true,
    isEmpty: false,
    openings: 2,
    byHand: 1,
    unnamed: 1,
    failures: 3,
    scans: 4,
    starts: 1,
    doors: rows({ name, openings: 2, last: T - 5 }),
    users: { ...rows({ name, openings: 1, last: T - 5, door: name, source: '192.0.2.7', host: name }), more: 7 },
    timeline: [
      {
        time: T - DAY_MS,
        until: undefined,
        door: name,
        source: undefined,
        host: undefined,
        user: undefined,
        claimedUser: undefined,
        isByHand: true,
        by: name,
      },
      {
        time: T - 5,
        until: T,
        door: name,
        source: '192.0.2.7',
        host: name,
        user: name,
        claimedUser: name,
        isByHand: false,
        by: undefined,
      },
    ],
    reasons: rows(
      {
        why: name,
        door: name,
        count: 2,
        last: T,
        sources: ['192.0.2.7'],
        isMoreSources: true,
        users: [name],
        isMoreUsers: false,
      },
      {
        why: 'wrong codes',
        door: undefined,
        count: 1,
        last: T,
        sources: [],
        isMoreSources: false,
        users: [],
        isMoreUsers: false,
      },
    ),
    sources: rows({ source: '192.0.2.7', host: name, count: 3, last: T, reasons: [name] }),
    networks: {
      ...rows({
        network: '203.0.113.0/24',
        count: 4,
        addresses: 2,
        isMoreAddresses: false,
        first: T - DAY_MS,
        last: T,
      }),
      isCut: true,
    },
    hours: [{ time: T - DAY_MS, openings: 2, failures: 3, scans: 4 }],
    unusedDoors: [name],
    absentUsers: [name],
    lists: [
      { door: name, left: 2, lowWater: 3, isLow: true, fault: undefined },
      { door: name, left: 0, lowWater: 3, isLow: true, fault: undefined },
      { door: name, left: undefined, lowWater: 3, isLow: false, fault: name },
    ],
    ...more,
  }
}
const flat = (text: string): string => text.replaceAll(/\s+/g, ' ')
const two = (value: number): string => String(value).padStart(2, '0')
const STYLE = 'body { color: red }\n'
const EMPTY = rows<never>()
const NOTHING = contents('gate', {
  openings: 0, byHand: 0, unnamed: 0, failures: 0, scans: 0, doors: EMPTY, users: EMPTY, timeline: [], reasons: EMPTY, sources: EMPTY,
  networks: EMPTY, hours: [], lists: undefined, unusedDoors: undefined, absentUsers: undefined,
}) // prettier-ignore
const NO_TIME = {
  ...NOTHING,
  from: undefined,
  to: undefined,
  inputs: [{ ...input, first: undefined, last: undefined, problem: 'no such file', notes: [] }],
}

const tags = (page: string): readonly string[] => Array.from(page.matchAll(/<\/?[a-z][\w-]*/g), ([tag]) => tag)
const inFolder = (name: string): string => join(folder, name)

async function report(...words: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  let [out, err] = ['', '']
  const code = await postern(['report', ...words], { out: (text) => (out += text), err: (text) => (err += text) })
  return { code, out, err }
}

test('JSON is as the schema says', () => {
  const used = new Set<string>()
  const samples = [contents(), NOTHING, NO_TIME]
  expect(samples.flatMap((of) => faultsOf(JSON.parse(jsonOf(of)), 'report', used))).toEqual([])
  expect([...propertiesOf('report')].filter((each) => !used.has(each))).toEqual([])
})

test('text has all of it within 80 columns', () => {
  const text = textOf(contents())
  for (const each of [
    '2 openings, 3 failed knocks, 4 port scans',
    'runs low: 2 sequences left',
    'is used up',
    '203.0.113.0/24',
    'by hand, user ssh',
  ]) {
    expect(text).toContain(each)
  }
  expect(text).toContain('The log has no opening of the door ssh.')
  const long = 'a'.repeat(127)
  const all = [contents(), NOTHING, NO_TIME, contents('2001:db8:1234:5678:9abc:def0:1234:5678')].map(textOf).join('')
  expect(all.split('\n').filter((line) => line.length > 80)).toEqual([])
  expect(textOf(contents(long))).toContain('…')
})

test('a report that could not read all does not say what nobody did', () => {
  const text = textOf({ ...NO_TIME, isWhole: false })
  expect(flat(text)).toContain('Not all of the log could be read')
  expect(flat(text)).toContain('Not read to its end: no such file.')
  expect(text).not.toMatch(/nobody|did not come|no opening of/)
  expect(textOf({ ...NOTHING, isEmpty: true, unusedDoors: ['ssh'] })).toContain('The log has no line of this time')
})

describe('the page', () => {
  test('has no script, requests nothing, and names its style to the byte', () => {
    const page = pageOf(contents(), STYLE)
    const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(page)![1]!.replaceAll('&#39;', "'")
    const hash = createHash('sha256')
      .update(/<style>([^]*?)<\/style>/.exec(page)![1]!)
      .digest('base64')
    expect(policy.split('; ')).toEqual([
      "default-src 'none'",
      `style-src 'sha256-${hash}'`,
      'img-src data:',
      "base-uri 'none'",
      "form-action 'none'",
    ])
    expect(page).not.toMatch(/<script|<iframe|<object|<form|\son\w+=|\sstyle=|url\(|@import/)
    expect([...page.matchAll(/\s(?:src|href)="([^"]{0,5})/g)].map(([, begin]) => begin)).toEqual(['data:'])
  })

  test('has each picture with a title, and a heading and a caption for each table', () => {
    const page = pageOf(contents(), STYLE)
    for (const [picture] of page.matchAll(/<svg[^>]*role="img"[^]*?<\/svg>/g))
      expect(picture).toMatch(/<title>[^<]+<\/title>/)
    expect(page.split('<table').length).toBe(page.split('<caption>').length)
    expect(page.split('<th ').length - 1).toBe([...page.matchAll(/<th scope="(?:col|row)"/g)].length)
    expect(page.split('<h1').length).toBe(2)
    const ids = Array.from(page.matchAll(/\sid="([^"]+)"/g), ([, id]) => id!)
    expect(new Set(ids).size).toBe(ids.length)
    for (const [, id] of page.matchAll(/aria-labelledby="([^"]+)"/g)) expect(ids).toContain(id)
  })

  test('of nothing says so', () => {
    for (const of of [NOTHING, NO_TIME]) {
      const page = pageOf(of, STYLE)
      expect(page).toContain('There is no opening, no failed knock and no port scan of this time in what was read.')
      expect(page).not.toMatch(/NaN|undefined|Infinity/)
    }
  })

  test('has names as text, whatever they are', () => {
    const plain = tags(pageOf(contents(), STYLE))
    const hostile = fc.oneof(
      anyText({ minLength: 1, maxLength: 127 }),
      fc.constantFrom(
        '<script>alert(1)</script>',
        '"><img src=x onerror=alert(1)>',
        "'",
        '</title><svg onload=x>',
        '--><!--',
        '&lt;',
        '</bdi>',
      ),
    )
    fc.assert(
      fc.property(hostile, (name) => {
        expect(tags(pageOf(contents(name), STYLE))).toEqual(plain)
      }),
      { numRuns: 300 },
    )
  })
})

test('pictures are of bounded size', () => {
  const timeline = Array.from({ length: 10_000 }, (_, index) => ({
    ...contents().timeline[1]!,
    time: T - DAY_MS * 7 * (index / 10_000),
  })).toReversed()
  expect(pageOf(contents('ssh', { timeline, openings: 10_000 }), STYLE).length).toBeLessThan(400_000)
})

describe('the file', () => {
  const quiet = { out: () => undefined, err: () => undefined }
  const withStyle = async (path: string): Promise<void> => await writePage(path, contents(), quiet)

  test('is private, and replaced as a whole', async () => {
    const path = inFolder('a.html')
    writeFileSync(path, 'old', { mode: 0o644 })
    const other = inFolder('name.html')
    linkSync(path, other)
    await withStyle(path)
    expect(statSync(path).mode & 0o7777).toBe(0o600)
    expect(readFileSync(path, 'utf8')).toMatch(/^<!doctype html>/)
    expect(readFileSync(other, 'utf8')).toBe('old')
  })

  test('may be named by a link of its owner, and not be anything but a file', () => {
    writeFileSync(inFolder('b.html'), '')
    symlinkSync(inFolder('b.html'), inFolder('link.html'))
    expect(targetOf(inFolder('link.html'))).toBe(inFolder('b.html'))
    symlinkSync(inFolder('none.html'), inFolder('dangling.html'))
    expect(() => targetOf(inFolder('dangling.html'))).toThrow('the link leads to nothing')
    expect(() => targetOf('/dev/null')).toThrow('it is not a regular file')
    expect(() => targetOf(folder)).toThrow('it is not a regular file')
    expect(() => targetOf(inFolder('none/a.html'))).toThrow('no such file')
  })

  test('is not written where others can replace it', () => {
    mkdirSync(inFolder('open'))
    chmodSync(inFolder('open'), 0o777)
    expect(() => targetOf(inFolder('open/a.html'))).toThrow('others can write its folder')
    writeFileSync(inFolder('open/b.html'), '')
    expect(() => targetOf(inFolder('open/b.html'))).toThrow('others can write its folder')
  })

  test.runIf(process.geteuid?.() === 0)('is not written through a link that others made', async () => {
    const { lchownSync } = await import('node:fs')
    mkdirSync(inFolder('sticky'))
    chmodSync(inFolder('sticky'), 0o1777)
    symlinkSync('/etc/passwd', inFolder('sticky/a.html'))
    lchownSync(inFolder('sticky/a.html'), 65_534, 65_534)
    expect(() => targetOf(inFolder('sticky/a.html'))).toThrow('belongs to another user')
    symlinkSync(folder, inFolder('sticky/folder'))
    lchownSync(inFolder('sticky/folder'), 65_534, 65_534)
    expect(() => targetOf(inFolder('sticky/folder/b.html'))).toThrow('belongs to another user')
  })
})

test.each([
  ['7d', { agoMs: 7 * DAY_MS }],
  ['2w', { agoMs: 14 * DAY_MS }],
  ['12h', { agoMs: DAY_MS / 2 }],
  ['30', { agoMs: 30_000 }],
  ['2026-11-15', { at: new Date(2026, 10, 15).getTime() }],
  ['2026-11-15 06:30', { at: new Date(2026, 10, 15, 6, 30).getTime() }],
  ['2026-11-15T06:30:05', { at: new Date(2026, 10, 15, 6, 30, 5).getTime() }],
])('--since %s', (text, since) => expect(readSince(text)).toEqual(since))

test.each([
  '',
  '0d',
  '400d',
  '2026-02-30',
  '2026-11-15 24:00',
  '2026-11-15 06:60',
  'yesterday',
  '-1d',
  '1.5d',
  '0',
  '9999w',
])('--since %j is refused', (text) => expect(() => readSince(text)).toThrow(/./))

test('a date has to be in the past, and not too long ago', () => {
  expect(startOf({ agoMs: 5 }, T)).toBe(T - 5)
  expect(() => startOf({ at: T }, T)).toThrow('not in the past')
  expect(() => startOf({ at: T - 400 * DAY_MS }, T)).toThrow('too long ago')
})

test('parts of a time begin at local midnights or hours, each once', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 500 * DAY_MS }), fc.integer({ min: 3, max: 60 }), (length, max) => {
      const { starts, areDays } = partsOf(T - length, T, max)
      expect(starts.length).toBeLessThanOrEqual(max)
      expect(starts[0]).toBeLessThanOrEqual(T - length)
      expect(starts.toSorted((one, other) => one - other)).toEqual([...new Set(starts)])
      for (const start of starts) {
        const date = new Date(start)
        expect(date.getMinutes() + (areDays ? date.getHours() : 0)).toBe(0)
      }
    }),
  )
})

test.each([
  [0, '0 s'],
  [30_000, '30 s'],
  [90_000, '1 min 30 s'],
  [600_000, '10 min'],
  [605_000, '10 min'],
  [7_500_000, '2 h 5 min'],
  [7_200_000, '2 h'],
])('%i ms are %s', (ms, text) => expect(lengthText(ms)).toBe(text))

describe('postern report', () => {
  const log = join(folder, 'k.log')
  const now = new Date(Date.now() - 120_000)
  const stamp = `[${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())} ${two(now.getHours())}:${two(now.getMinutes())}]`

  test('without a config says what is not known', async () => {
    writeFileSync(log, `${stamp} 192.0.2.7: ssh: OPEN SESAME (alice)\n`)
    const { code, out, err } = await report('--log', log, '-c', join(folder, 'none'))
    expect([code, err]).toEqual([0, ''])
    expect(out).toContain('1 opening, 0 failed knocks, 0 port scans')
    expect(flat(out)).toContain('it is not known which doors nobody used')
    expect(out).not.toContain('Doors that nobody used')
  })

  test('with a config names doors, users and lists, and exits with 1 if a log is missing', async () => {
    const write = (name: string, text: string): string => {
      writeFileSync(join(folder, name), text, { mode: 0o600 })
      return join(folder, name)
    }
    const users = write('users', 'alice 7001,7002,7003\nbob 7101,7102,7103\n')
    const list = write('list', ' 1,2,3\n#4,5,6\n')
    const config = write(
      'knockd.conf',
      `[options]\nLogFile = ${log}\n[ssh]\nUsers = ${users}\nOpen_Ports = tcp/22\n[web]\nOne_Time_Sequences = ${list}\nOpen_Ports = tcp/80\n`,
    )
    const { code, out } = await report('--json', '-c', config)
    expect(code).toBe(0)
    expect(JSON.parse(out)).toMatchObject({
      whole: true,
      unusedDoors: ['web'],
      absentUsers: ['bob'],
      lists: [{ door: 'web', left: 1, low: true }],
      users: { rows: [{ name: 'alice', openings: 1, door: 'ssh' }] },
    })
    expect(await report('--log', join(folder, 'gone'), '-c', config)).toMatchObject({ code: 1 })
    expect(await report('--since', '1ms', '-c', config)).toMatchObject({ code: 0 })
    const broken = write('broken.conf', '[ssh]\nSequence = x\n')
    expect(await report('-c', broken)).toMatchObject({ code: 78, out: '' })
    expect(flat((await report('--log', log, '-c', broken)).out)).toContain('it is not known which doors nobody used')
    expect(await report('--log', log, '--journal')).toMatchObject({ code: 2 })
    expect((await report('--log', log, '--log', log, '-c', config)).out).toContain('1 opening,')
    expect(await report('--since', 'x')).toMatchObject({ code: 2 })
  })
})
