// Goal: status says all there is in 80 columns, judges it, and tells monitors in the forms that they read.
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { WELL, WHOLE_STATUS } from '../../../test/schema/status.ts'
import { DEAF_PROBLEM_MS, EARLIEST, healthOf, worstOf } from '../../control/health.ts'
import type { Status } from '../../control/message.ts'
import { postern } from '../postern.ts'
import { replaceFile } from '../../file/replace.ts'
import { nagiosLine } from './nagios.ts'
import { statusText } from './status.ts'

const folder = mkdtempSync(join(tmpdir(), 'postern-status-'))
afterAll(() => rmSync(folder, { recursive: true }))

const judged = (status: Status): Status => ({ ...status, health: healthOf(status) })

test('all of it, in words', () => {
  expect(statusText(judged(WELL)).split('\n').slice(-28)).toEqual([
    'attempts under way: 1, sources remembered: 2',
    '  192.0.2.8  ssh  stage 1  1s',
    '',
    'waiting for:',
    '  door  what',
    '  ssh   the next sequence of its list',
    '',
    'since the start:',
    '  openings: 4; in 160.3 ms on average; refused: 21 (1 strays, 2 wrong codes, 3',
    '  used before, 4 not allowed, 5 revoked, 6 failed); replays: 2; scans: 4;',
    '  sources with wrong codes: 1; knocks: 30; commands failed: 1; packets: 100',
    '  seen, 90 taken, 10 lost',
    'since 2026-11-01, over restarts:',
    '  openings: 4; in 160.3 ms on average; refused: 21 (1 strays, 2 wrong codes, 3',
    '  used before, 4 not allowed, 5 revoked, 6 failed); replays: 2; scans: 4;',
    '  sources with wrong codes: 1; knocks: 30; commands failed: 1; packets: 100',
    '  seen, 90 taken, 10 lost',
    '',
    'health:',
    '  capture  ok        1 interface',
    '  guard    ok        hides 1 service',
    '  journal  ok        written',
    '  clock    ok        synchronised',
    '  lists    ok        1 list',
    '  doors    ok        1 door',
    '  fleet    ok        web1 of home, hosts version 3, users version 7',
    '  daemon   ok        runs',
    '',
  ])
})

test('tables and health fit 80 columns, whatever the names are, and nothing of them is lost', () => {
  const long = 'x'.repeat(127)
  const source = '2001:db8:1111:2222:3333:4444:5555:6666'
  const wide: Status = {
    ...WHOLE_STATUS,
    config: '/k',
    exposed: [],
    doors: [
      { ...WHOLE_STATUS.doors[0]!, name: long, shut: undefined, opens: ['tcp/22', 'udp/60000-61000', 'tcp/443'] },
    ],
    openings: [{ ...WHOLE_STATUS.openings[0]!, door: long, source, user: 'u'.repeat(60) }],
    attempts: { count: 1, sources: 1, listed: [{ source, doors: [long, long], stage: 3, leftMs: 5 }] },
    ignored: [{ source, why: 'codes behind', doors: [long, long], leftMs: 5 }],
  }
  const text = statusText(judged(wide))
  expect(text.split('\n').filter((line) => line.length > 80)).toEqual([])
  expect(text.replaceAll(/\s/g, '')).toContain(long)
  expect(text).toContain(source)
  expect(text).toContain('u'.repeat(60))
})

test('a daemon of an earlier version is shown too', () => {
  const { totals: _totals, health: _health, clock: _clock, ...old } = WELL
  const { waits: _waits, ...door } = old.doors[0]!
  const text = statusText({ ...old, doors: [door] })
  expect(text).toMatch(/attempts under way: 1/)
  expect(text).not.toMatch(/health|since/)
})

const WRONG: readonly (readonly [string, Partial<Status>, string])[] = [
  ['all is well', {}, 'ok'],
  ['nothing is captured', { interfaces: [{ ...WELL.interfaces[0]!, waiting: 'is down' }] }, 'capture critical'],
  [
    'one of two interfaces is missing',
    { interfaces: [WELL.interfaces[0]!, { ...WELL.interfaces[0]!, name: 'wg0', waiting: 'no such interface' }] },
    'capture warning',
  ],
  [
    'a capture was deaf a moment ago',
    { interfaces: [{ ...WELL.interfaces[0]!, deaf: { reason: 'r', agoMs: DEAF_PROBLEM_MS, times: 1 } }] },
    'capture warning',
  ],
  [
    'a capture was deaf some hours ago',
    { interfaces: [{ ...WELL.interfaces[0]!, deaf: { reason: 'r', agoMs: DEAF_PROBLEM_MS + 1, times: 1 } }] },
    'ok',
  ],
  ['the guard is away', { guard: { ...WELL.guard!, fault: 'no' } }, 'guard critical'],
  ['nothing is guarded', { guard: undefined }, 'ok'],
  ['the disk is full', { journal: 'no space left on device' }, 'journal critical'],
  ['the clock is wrong', { clock: { synchronised: true, needed: false, now: EARLIEST - 1 } }, 'clock critical'],
  ['a clock drifts that doors need', { clock: { ...WELL.clock!, synchronised: false } }, 'clock warning'],
  ['a clock drifts that none needs', { clock: { ...WELL.clock!, synchronised: false, needed: false } }, 'ok'],
  ['the system tells nothing of the clock', { clock: { ...WELL.clock!, synchronised: undefined } }, 'ok'],
  ['a list is low', { doors: [{ ...WELL.doors[0]!, left: 3, lowWater: 3 }] }, 'lists warning'],
  ['a list is not low', { doors: [{ ...WELL.doors[0]!, left: 4, lowWater: 3 }] }, 'ok'],
  ['a list that is refilled', { doors: [{ ...WELL.doors[0]!, left: 1, lowWater: undefined }] }, 'ok'],
  ['a list is used up', { doors: [{ ...WELL.doors[0]!, left: 0 }] }, 'lists critical'],
  ['a door is shut by a loss', { doors: [{ ...WELL.doors[0]!, shut: 'ssh: stays shut' }] }, 'doors critical'],
  ['etcd is away', { fleet: { ...WELL.fleet!, shut: 'no majority of etcd answers' } }, 'fleet critical'],
  ['users are refused', { fleet: { ...WELL.fleet!, problems: ['users are refused: an error'] } }, 'fleet warning'],
  ['a host without a fleet', { fleet: undefined }, 'ok'],
  ['an internal error', { faults: { count: 1, last: 'boom', agoMs: 1 } }, 'daemon warning'],
]
test.each(WRONG)('%s', (_, wrong, expected) => {
  const health = healthOf({ ...WELL, ...wrong })
  const told = health.filter(({ state }) => state !== 'ok').map(({ subject, state }) => `${subject} ${state}`)
  expect(told).toEqual(expected === 'ok' ? [] : [expected])
  expect(worstOf(health)).toBe(expected.split(' ').at(-1))
  const [state, line] = nagiosLine(judged({ ...WELL, ...wrong }))
  expect(state).toBe(worstOf(health))
  expect(line).toMatch(new RegExp(`^POSTERN ${state.toUpperCase()} - [^|\n]+ \\| doors=1 open=1 openings=4c [^|\n]*$`))
})

test('many problems of one kind are one line, the worst first', () => {
  const door = WELL.doors[0]!
  const doors = [2, 1, 0, 3, 2, 1].map((left, index) =>
    Object.assign({}, door, { name: `d${index}`, left, lowWater: 3 }),
  )
  expect(healthOf({ ...WELL, doors }).find(({ subject }) => subject === 'lists')).toEqual({
    subject: 'lists',
    state: 'critical',
    message: 'd2 has no sequence left; d0 has only 2 left; d1 has only 1 left; d3 has only 3 left; and 2 more',
  })
})

test('no text begins the performance data, or a second line', () => {
  const [, line] = nagiosLine(judged({ ...WELL, journal: 'no | x=1\nOK' }))
  expect(line.match(/\|/g)).toHaveLength(1)
  expect(line).not.toContain('\n')
})

const run = async (...argv: readonly string[]): Promise<readonly [number, string, string]> => {
  let [out, err] = ['', '']
  const code = await postern(['status', ...argv], { out: (text) => (out += text), err: (text) => (err += text) })
  return [code, out, err]
}

test.each([
  ['--json --quiet', '--json and --quiet exclude each other'],
  ['--nagios --openmetrics', '--nagios and --openmetrics exclude each other'],
  ['--to f', '--to is for --openmetrics'],
])('status %s is a fault of usage', async (words, message) => {
  const [code, , err] = await run(...words.split(' '))
  expect([code, err.split('\n')[0]]).toEqual([2, `postern: ${message}`])
})

test('a daemon that does not run is critical, a config that is not there unknown', async () => {
  const config = join(folder, 'knockd.conf')
  writeFileSync(config, '')
  const down = `knockd is not running with ${config}`
  expect(await run('--nagios', '-c', config)).toEqual([2, `POSTERN CRITICAL - ${down}\n`, ''])
  expect(await run('--nagios', '-c', `${config}2`)).toEqual([3, expect.stringMatching(/^POSTERN UNKNOWN - /), ''])
  const [code, out] = await run('--openmetrics', '-c', config)
  expect([code, out]).toEqual([1, expect.stringMatching(/^postern_up 0\n# EOF\n$/m)])
  const file = join(folder, 'down.prom')
  expect((await run('--openmetrics', '--to', file, '-c', config))[0]).toBe(1)
  expect(readFileSync(file, 'utf8')).toMatch(/^postern_up 0$/m)
})

test('a file is replaced in one step, and nothing is left behind', () => {
  const file = join(folder, 'a.prom')
  const other = join(folder, 'other')
  writeFileSync(other, 'other')
  symlinkSync(other, file)
  replaceFile(file, 'new\n', 0o644)
  // The link is replaced, and what it led to stays.
  expect([readFileSync(file, 'utf8'), readFileSync(other, 'utf8')]).toEqual(['new\n', 'other'])
  expect(statSync(file).mode & 0o777).toBe(0o644)
  symlinkSync(other, `${file}.${process.pid}.new`)
  replaceFile(file, 'newer\n', 0o644)
  expect([readFileSync(file, 'utf8'), readFileSync(other, 'utf8')]).toEqual(['newer\n', 'other'])
  expect(() => replaceFile(join(folder, 'none', 'a'), '', 0o644)).toThrow('make its folder first')
  expect(existsSync(join(folder, 'none'))).toBe(false)
  expect(readdirSync(folder).filter((name) => name.endsWith('.new'))).toEqual([])
})
