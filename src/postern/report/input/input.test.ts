// Goal: every file, pipe and journal is read to its end in bounded memory, or the report says why not; and nobody's lines but those of
// knockd are read.
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import * as fc from 'fast-check'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { anyText } from '../../../../test/any-text.ts'
import { LogReader } from '../../../log/read-log.ts'
import { Tally } from '../tally.ts'
import { Intake } from './intake.ts'
import { journalRecord, readJournal } from './journal.ts'
import { LINE_MAX_CHARS, eachLine } from './lines.ts'
import { logFilesOf, readLogFile } from './log-files.ts'

const T = new Date(2026, 10, 22, 6, 30).getTime()
let folder: string
const folders: string[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-report-'))
  folders.push(folder)
})
afterAll(() => {
  for (const each of folders) rmSync(each, { recursive: true })
})

function write(name: string, text: string | Buffer, mode = 0o600): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  chmodSync(path, mode)
  return path
}

function intakeFor(): { readonly intake: Intake; readonly tally: Tally } {
  const tally = new Tally(-Infinity)
  return { tally, intake: new Intake(new LogReader(undefined, T), tally) }
}
const SCAN = '[2026-11-22 06:30] 203.0.113.7: port scan'

async function* chunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size))
}

test('lines are the same in chunks of any size, a byte at a time too', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyText()), fc.integer({ min: 1, max: 9 }), async (lines, size) => {
      const clean = lines.map((line) => Buffer.from(line.replaceAll(/[\r\n]/g, '')).toString())
      const got: string[] = []
      await eachLine(chunks(Buffer.from(clean.map((line) => `${line}\n`).join('')), size), (line) => got.push(line))
      // A byte order mark at the beginning is no part of a text.
      expect(got.map((line) => line.replace(/^\uFEFF/, ''))).toEqual(clean.map((line) => line.replace(/^\uFEFF/, '')))
    }),
    { numRuns: 200 },
  )
})

test('a line that is too long is left out, and the next one is not', async () => {
  const got: unknown[] = []
  const text = `a\n${'x'.repeat(3 * LINE_MAX_CHARS)}\nb\r\nend`
  await eachLine(chunks(Buffer.from(text), 65_536), (line, isCut) => got.push(isCut ?? line))
  expect(got).toEqual(['a', true, 'b', 'end'])
})

test('rotated files are read with their log, the oldest first, and old ones not', () => {
  const names = [
    'k.log',
    'k.log.1',
    'k.log.2.gz',
    'k.log.10.gz',
    'k.log.3.xz',
    'k.log.1.gz',
    'k.log.bak',
    'k.log.1.swp',
    'other.log.1',
    'k.log-x',
  ]
  for (const name of names) write(name, '')
  const found = (from: number): readonly string[] =>
    logFilesOf(join(folder, 'k.log'), from).paths.map((path) => basename(path))
  expect(found(0)).toEqual(['k.log.10.gz', 'k.log.2.gz', 'k.log.1', 'k.log'])
  expect(logFilesOf(join(folder, 'k.log'), 0).unread).toEqual([join(folder, 'k.log.3.xz')])
  utimesSync(join(folder, 'k.log.10.gz'), 1, 1)
  expect(found(2_000)).toEqual(['k.log.2.gz', 'k.log.1', 'k.log'])
  for (const name of ['d.log-20261101.gz', 'd.log-20261108', 'd.log']) write(name, '')
  expect(logFilesOf(join(folder, 'd.log'), 0).paths.map((path) => basename(path))).toEqual([
    'd.log-20261101.gz',
    'd.log-20261108',
    'd.log',
  ])
})

test('a compressed file is read, and one that is damaged as far as it goes', async () => {
  const text = Array.from({ length: 10_000 }, (_, index) => SCAN.replace('.7:', `.${index % 250}:`)).join('\n')
  const whole = gzipSync(text)
  const { intake, tally } = intakeFor()
  expect(await readLogFile(write('a.gz', whole), intake)).toMatchObject({ lines: 10_000, problem: undefined })
  expect(tally.scans.total).toBe(10_000)
  const cut = await readLogFile(write('b.gz', whole.subarray(0, whole.length - 200)), intake)
  expect(cut).toMatchObject({ problem: 'is damaged, or not compressed by gzip' })
  const none = await readLogFile(write('c.gz', 'no gzip'), intake)
  expect(none).toMatchObject({ lines: 0, problem: 'is damaged, or not compressed by gzip' })
})

test.each([
  ['a folder', () => folder, 'is not a regular file'],
  ['nothing', () => join(folder, 'none'), 'no such file'],
  [
    'a named pipe, which does not block',
    () => {
      execFileSync('mkfifo', [join(folder, 'pipe')])
      return join(folder, 'pipe')
    },
    'is not a regular file',
  ],
  ['a device', () => '/dev/zero', 'is not a regular file'],
])('%s', async (_, path, problem) => {
  expect(await readLogFile(path(), intakeFor().intake)).toMatchObject({ lines: 0, problem })
})

test('a log that others can write is read, and said to be so', async () => {
  const account = await readLogFile(write('open.log', `${SCAN}\n`, 0o666), intakeFor().intake)
  expect(account.lines).toBe(1)
  expect(account.notes.join()).toContain('others than its owner can change it (mode 0666)')
})

test('what is no line is counted', async () => {
  const text = `${SCAN}\n\n\0\0\0\nNov 22 06:30:00 gate sshd[1]: x\n[2026-11-22 06:30] 192.0.2.7: command printed: ssh: OPEN SESAME\n`
  expect(await readLogFile(write('mixed.log', text), intakeFor().intake)).toMatchObject({
    lines: 4,
    unreadable: 1,
    foreign: 1,
    ambiguous: 1,
    first: T,
    last: T,
  })
})

const entry = (fields: object): string =>
  JSON.stringify({ __REALTIME_TIMESTAMP: `${T}123`, SYSLOG_IDENTIFIER: 'knockd', ...fields })
const read = (fields: object): unknown => journalRecord(entry(fields), new LogReader(undefined, T))

test('entries of the journal', () => {
  const time = T + 0.123
  expect(read({ MESSAGE: '203.0.113.7: port scan' })).toEqual({ time, fact: { kind: 'scan', source: '203.0.113.7' } })
  const bytes = [...Buffer.from('192.0.2.7: caf\u00E9: OPEN SESAME')]
  expect(read({ MESSAGE: bytes })).toMatchObject({ fact: { kind: 'open', door: 'caf\u00E9' } })
  // Its fields decide where a line alone can be read in two ways, and name who it is.
  const text = '192.0.2.7: ssh: OPEN SESAME (y: OPEN SESAME (z)'
  expect(read({ MESSAGE: text })).toBe('ambiguous')
  expect(read({ MESSAGE: text, POSTERN_DOOR: 'ssh' })).toMatchObject({
    fact: { door: 'ssh', user: 'y: OPEN SESAME (z' },
  })
  const refused = { MESSAGE: '192.0.2.7: ssh: stays shut, too many doors are open', POSTERN_USER: 'alice' }
  expect(read(refused)).toMatchObject({ fact: { kind: 'failed', user: 'alice' } })
  for (const fields of [
    {},
    { MESSAGE: null },
    { MESSAGE: ['a'] },
    { MESSAGE: [300] },
    { MESSAGE: 'x', __REALTIME_TIMESTAMP: 'x' },
  ]) {
    expect(read(fields)).toBe('unreadable')
  }
  for (const line of ['', 'null', '[]', '7', '{'])
    expect(journalRecord(line, new LogReader(undefined, T))).toBe('unreadable')
})

test('journalctl is asked for the lines of the service and of root, and ends in time', async () => {
  const { intake, tally } = intakeFor()
  const asked = join(folder, 'asked')
  const fake = write(
    'journalctl',
    `#!/bin/sh\necho "$@" > ${asked}\necho '${entry({ MESSAGE: '203.0.113.7: port scan' })}'\n`,
    0o700,
  )
  expect(await readJournal(T, intake, fake)).toMatchObject({ lines: 1, problem: undefined })
  expect(tally.scans.total).toBe(1)
  expect(execFileSync('cat', [asked], { encoding: 'utf8' })).toBe(
    '--output=json --output-fields=MESSAGE,POSTERN_EVENT,POSTERN_DOOR,POSTERN_USER --all --no-pager ' +
      `--since=@${T / 1_000} SYSLOG_IDENTIFIER=knockd _SYSTEMD_UNIT=knockd.service + SYSLOG_IDENTIFIER=knockd _UID=0\n`,
  )
  const slow = write('slow', '#!/bin/sh\nexec sleep 60\n', 0o700)
  expect(await readJournal(T, intake, slow, 300)).toMatchObject({ problem: 'journalctl took longer than 0.3 s' })
  const failing = write('failing', '#!/bin/sh\necho "no access" >&2\nexit 1\n', 0o700)
  expect(await readJournal(T, intake, failing)).toMatchObject({ problem: 'journalctl ended with status 1: no access' })
  expect((await readJournal(T, intake, join(folder, 'none'))).problem).toBe('cannot be run: ENOENT')
})
