// Goal: every event has knockd's line to the letter wherever it goes, a flood is cut down, and no failure is thrown.
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Address } from '../packet/address.ts'
import { SOURCE_BURST_LINES, TOTAL_BURST_LINES } from './limit.ts'
import { FAILURE_REPORT_MS, LEFT_OUT_REPORT_MS, Log, OUTPUT_LINES_MAX } from './log.ts'
import type { LogSettings, LogSurroundings } from './log.ts'

const START = new Date(2009, 10, 9, 14, 1, 5).getTime()
const SOURCE: Address = { family: 4, a: 0xc0000207 | 0, b: 0, c: 0, d: 0 }

let folder = ''
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  folder = mkdtempSync(join(tmpdir(), 'postern-log-'))
})
afterEach(() => {
  vi.useRealTimers()
  rmSync(folder, { recursive: true })
})

function bench(settings: Partial<LogSettings> = {}, around: Partial<LogSurroundings> = {}) {
  const out: string[] = []
  const err: string[] = []
  const system: [number, string][] = []
  const clock = { now: START }
  const file = join(folder, 'knockd.log')
  const all: LogSettings = {
    format: 'knockd',
    file,
    syslog: false,
    verbose: false,
    debug: false,
    lookup: false,
    ...settings,
  }
  const log = new Log(all, {
    now: () => clock.now,
    stdout: { write: (text) => out.push(text) },
    stderr: { write: (text) => err.push(text) },
    syslog: async (priority, text) => void system.push([priority, text]),
    lookup: async () => undefined,
    ...around,
  })
  const written = (path = file): string[] => readFileSync(path, 'utf8').split('\n').slice(0, -1)
  return { all, clock, err, file, log, out, system, written }
}

function everything(log: Log): void {
  log.event({ kind: 'starting', interfaces: ['eth0', 'ppp0'] })
  log.event({ kind: 'stage', source: SOURCE, door: 'openSSH', stage: 1 })
  log.event({ kind: 'open', source: SOURCE, door: 'openSSH' })
  log.event({ kind: 'command', door: 'openSSH', command: '/sbin/iptables -I INPUT -s 192.0.2.7 -j ACCEPT' })
  log.event({ kind: 'status', door: 'openSSH', status: 1 })
  log.event({ kind: 'sequence-timeout', source: SOURCE, door: 'openSSH', stage: 1 })
  log.event({ kind: 'command-timeout', source: '192.0.2.7', door: 'openSSH' })
  log.event({ kind: 'explanation', source: SOURCE, stage: 1, knock: '7:tcp', door: 'openSSH', reason: 'wrong knock' })
  log.event({ kind: 're-reading', file: '/etc/knockd.conf' })
  log.event({ kind: 'shutting-down' })
}

const LINES = [
  'starting up, listening on eth0, ppp0',
  '192.0.2.7: openSSH: Stage 1',
  '192.0.2.7: openSSH: OPEN SESAME',
  'openSSH: running command: /sbin/iptables -I INPUT -s 192.0.2.7 -j ACCEPT',
  'openSSH: command returned non-zero status code (1)',
  '192.0.2.7: openSSH: sequence timeout (stage 1)',
  '192.0.2.7: openSSH: command timeout',
  're-reading config file: /etc/knockd.conf',
  'shutting down',
]

test('file, standard output and system log have the lines of knockd', async () => {
  const { log, out, system, written, file } = bench({ verbose: true, syslog: true })
  await log.openFile()
  everything(log)
  await log.close()
  expect(written()).toEqual(LINES.map((text) => `[2009-11-09 14:01] ${text}`))
  expect(out).toEqual(['listening on eth0, ppp0...', ...LINES.slice(1)].map((text) => `${text}\n`))
  expect(system).toEqual(LINES.map((text) => [5, text]))
  expect(statSync(file).mode & 0o133).toBe(0)
})

test('a log that is opened again is told of in the system log alone, as by knockd', async () => {
  const { all, file, log, system, written } = bench({ syslog: true })
  await log.openFile()
  await log.reopen({ ...all, syslog: true })
  await log.reopen({ ...all, syslog: true, file: undefined })
  await log.close()
  expect(system).toEqual([[5, `re-opening log file: ${file}`]])
  expect(written()).toEqual([])
})

test('a log in the format of knockd is for all to read, and for others never to write', async () => {
  const before = process.umask(0)
  try {
    const { file, log } = bench()
    await log.openFile()
    await log.close()
    expect(statSync(file).mode & 0o777).toBe(0o644)
  } finally {
    process.umask(before)
  }
})

test('with -D explanations go to standard output, with seconds and zone, and nowhere else', async () => {
  const { log, out, system, written } = bench({ debug: true, syslog: true })
  await log.openFile()
  everything(log)
  await log.close()
  expect(out).toEqual([
    expect.stringMatching(
      /^2009-11-09T14:01:05[+-]\d\d:\d\d 192\.0\.2\.7: openSSH: wrong knock \(stage 1, knock 7:tcp\)\n$/,
    ),
  ])
  expect(written()).toHaveLength(LINES.length)
  expect(system).toHaveLength(LINES.length)
})

test('JSON has one object a line, explanations included', async () => {
  const { log, written, file } = bench({ format: 'json' })
  await log.openFile()
  expect(statSync(file).mode & 0o137).toBe(0)
  everything(log)
  log.notice('error', 'no\nhint')
  await log.close()
  const objects = written().map((text) => JSON.parse(text) as Record<string, unknown>)
  expect(objects).toHaveLength(LINES.length + 2)
  expect(objects[1]).toMatchObject({ level: 'notice', event: 'stage', source: '192.0.2.7', door: 'openSSH', stage: 1 })
  expect(objects[7]).toMatchObject({ level: 'debug', event: 'explanation', reason: 'wrong knock', knock: '7:tcp' })
  expect(objects.at(-1)).toMatchObject({ level: 'error', event: 'notice', message: 'no; hint' })
})

test('what a command printed cannot forge a line, nor fill the log', async () => {
  const { log, written } = bench()
  await log.openFile()
  log.output('door', 'a\r\n\u001B[2Jb\n')
  log.output('door', 'x\n'.repeat(1_000))
  log.notice('error', 'one\n[2009-11-09 14:01] 192.0.2.9: door: OPEN SESAME')
  await log.close()
  const lines = written()
  expect(lines.slice(0, 2)).toEqual([
    '[2009-11-09 14:01] door: command printed: a',
    String.raw`[2009-11-09 14:01] door: command printed: \u001b[2Jb`,
  ])
  expect(lines).toHaveLength(3 + OUTPUT_LINES_MAX + 2)
  expect(lines.at(-1)).toBe('[2009-11-09 14:01] one; [2009-11-09 14:01] 192.0.2.9: door: OPEN SESAME')
})

test('a flood is cut down, told of once, and never hides that a door opens', async () => {
  const { log, written } = bench()
  await log.openFile()
  let formatted = 0
  const door = { toString: () => `door ${++formatted}` } as unknown as string
  for (let source = 1; source <= 20_000; source++)
    log.event({ kind: 'stage', source: { ...SOURCE, a: source }, door, stage: 1 })
  // A line that is left out is not even formed.
  expect(formatted).toBe(TOTAL_BURST_LINES)
  log.event({ kind: 'open', source: SOURCE, door: 'openSSH' })
  vi.advanceTimersByTime(LEFT_OUT_REPORT_MS - 1)
  log.event({ kind: 'status', door: 'openSSH', status: 2 })
  vi.advanceTimersByTime(1)
  expect(vi.getTimerCount()).toBe(0)
  await log.close()
  expect(written().slice(TOTAL_BURST_LINES)).toEqual([
    '[2009-11-09 14:01] 192.0.2.7: openSSH: OPEN SESAME',
    '[2009-11-09 14:01] openSSH: command returned non-zero status code (2)',
    `[2009-11-09 14:01] ${20_000 - TOTAL_BURST_LINES} lines left out (too many knocks)`,
  ])
})

test('what was left out is told of at the end too; explanations do not use up the lines of knocks', async () => {
  const { log, written } = bench({ debug: true })
  await log.openFile()
  for (let index = 0; index < SOURCE_BURST_LINES + 3; index++)
    log.event({ kind: 'explanation', source: SOURCE, reason: 'flags' })
  log.event({ kind: 'stage', source: SOURCE, door: 'openSSH', stage: 1 })
  await log.close()
  expect(written().map((text) => text.slice(19))).toEqual([
    '192.0.2.7: openSSH: Stage 1',
    '3 lines left out (too many knocks)',
  ])
})

async function lookup(address: string): Promise<string | undefined> {
  return address === '192.0.2.7' ? 'a.example' : await new Promise<never>(() => undefined)
}

test('with look-up the address has its host; closing does not wait for one', async () => {
  const { log, out } = bench({ lookup: true, verbose: true, file: undefined }, { lookup })
  log.event({ kind: 'stage', source: SOURCE, door: 'door', stage: 1 })
  expect(out).toEqual([])
  await vi.waitFor(() => expect(out).toEqual(['192.0.2.7 (a.example): door: Stage 1\n']))
  log.event({ kind: 'open', source: { ...SOURCE, a: 1 }, door: 'door' })
  await log.close()
  expect(out.at(-1)).toBe('0.0.0.1: door: OPEN SESAME\n')
})

test('reopening goes on in a new file, in order; a file that cannot be opened changes nothing', async () => {
  const { all, file, log, out, written } = bench()
  await log.openFile()
  log.event({ kind: 'status', door: 'door', status: 1 })
  await vi.waitFor(() => expect(written()).toHaveLength(1))
  renameSync(file, `${file}.1`)
  await log.reopen({ ...all })
  log.event({ kind: 'status', door: 'door', status: 2 })
  const wrong = join(folder, 'no', 'knockd.log')
  await expect(log.reopen({ ...all, file: wrong, verbose: true })).rejects.toThrow(wrong)
  log.event({ kind: 'status', door: 'door', status: 3 })
  await log.close()
  expect(written(`${file}.1`)).toHaveLength(1)
  expect(written().map((text) => text.slice(-4))).toEqual([' (2)', ' (3)'])
  expect(out).toEqual([])
})

test('a file that is no longer wanted gets what was accepted before', async () => {
  const { all, log, written } = bench()
  await log.openFile()
  log.event({ kind: 'status', door: 'door', status: 1 })
  await log.reopen({ ...all, file: undefined })
  log.event({ kind: 'status', door: 'door', status: 2 })
  await log.close()
  expect(written()).toHaveLength(1)
})

test.runIf(existsSync('/dev/full'))('a full disk is told of once a minute, and never thrown', async () => {
  const { clock, err, log } = bench({ file: '/dev/full' })
  await log.openFile()
  log.event({ kind: 'status', door: 'door', status: 1 })
  await vi.waitFor(() => expect(err).toHaveLength(1))
  expect(err[0]).toMatch(/^knockd: \/dev\/full: ENOSPC/)
  log.event({ kind: 'status', door: 'door', status: 2 })
  clock.now += FAILURE_REPORT_MS
  await new Promise((resolve) => {
    setImmediate(resolve)
  })
  log.event({ kind: 'status', door: 'door', status: 3 })
  await vi.waitFor(() => expect(err).toHaveLength(2))
  await log.close()
})

test('without any log, what is wrong goes to standard error; a reader that is gone is no failure', async () => {
  const { err, log } = bench({ file: undefined })
  log.event({ kind: 'status', door: 'door', status: 1 })
  log.notice('warning', 'eth0: is down')
  expect(err).toEqual(['knockd: eth0: is down\n'])
  await log.close()
  const broken = {
    write: () => {
      throw new Error('EPIPE')
    },
  }
  const other = bench({ file: undefined, verbose: true }, { stdout: broken })
  expect(() => other.log.event({ kind: 'status', door: 'door', status: 1 })).not.toThrow()
  await other.log.close()
})
