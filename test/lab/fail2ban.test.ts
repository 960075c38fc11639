// Goal: fail2ban's filter finds strangers' scans in every form of knockd's log, and nothing else: no line of an owner, and no
// line in which somebody else chose the words. The jail is off, and bans from no port behind a door.
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PROJECT } from './knockd.ts'
import { run } from './process.ts'
import { scratch } from './scratch.ts'
import { EVENT_COUNT, FORMS, GUESSERS, INNOCENT, SCANNERS, strangerLog } from './stranger-log.ts'

const CONTRIB = join(PROJECT, 'contrib/fail2ban')
const SAMPLE = join(CONTRIB, 'sample.log')
const FILTER = join(CONTRIB, 'filter.d/postern.conf')
const HAS_FAIL2BAN = existsSync('/usr/bin/fail2ban-regex')

describe('the sample', () => {
  const zone = process.env['TZ']
  beforeAll(() => {
    process.env['TZ'] = 'UTC'
  })
  afterAll(() => {
    if (zone === undefined) delete process.env['TZ']
    else process.env['TZ'] = zone
  })

  test('is what the formatter makes', () => {
    if (process.env['UPDATE'] === '1') writeFileSync(SAMPLE, strangerLog())
    expect(readFileSync(SAMPLE, 'utf8')).toBe(strangerLog())
  })

  test('has hostile texts in every form, each on one line', () => {
    const lines = strangerLog()
      .trimEnd()
      .split('\n')
      .filter((line) => !line.startsWith('#'))
    expect(lines.length).toBe(EVENT_COUNT * FORMS)
    expect(lines.filter((line) => line.includes(INNOCENT)).length).toBeGreaterThan(500)
    // No text is at the beginning of a line, but behind the time.
    expect(lines.filter((line) => !/^\[?(?:\{"time":")?2026-11-22[T ]\d\d:\d\d/.test(line))).toEqual([])
  })
})

/** The addresses that the filter would count, sorted. */
async function matched(mode: string, log = SAMPLE): Promise<readonly string[]> {
  const argv = ['fail2ban-regex', '--no-check-all', '--out', 'ip', log, `${FILTER}[mode=${mode}]`]
  const { stdout } = await run(argv, { env: { TZ: 'UTC' } })
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .toSorted()
}

const times = (count: number, sources: readonly string[]): readonly string[] =>
  sources.flatMap((source) => Array.from({ length: count }, () => source)).toSorted()
/** The first scanner scanned twice. */
const SCANS = [...times(FORMS, SCANNERS), ...times(FORMS, SCANNERS.slice(0, 1))].toSorted()

describe.skipIf(!HAS_FAIL2BAN)('fail2ban-regex', () => {
  test.each([
    ['scan', SCANS],
    ['codes', times(FORMS, GUESSERS)],
    ['all', [...SCANS, ...times(FORMS, GUESSERS)].toSorted()],
  ])('mode = %s', async (mode, sources) => {
    expect(await matched(mode)).toEqual(sources)
  })

  test('finds the time of a line in each form', async () => {
    const { stdout } = await run(['fail2ban-regex', '--out', 'row', SAMPLE, FILTER], { env: { TZ: 'UTC' } })
    const seconds = Array.from(stdout.matchAll(/^\['203\.0\.113\.8',\t(\d+)/gm), ([, digits]) => Number(digits))
    // The second line of each form is a minute after the first.
    expect(seconds).toEqual(Array.from({ length: FORMS }, () => Date.UTC(2026, 10, 22, 3, 42) / 1000))
  })

  test('a line with anything before or behind is not matched', async () => {
    const log = scratch('log')
    const line = strangerLog()
      .split('\n')
      .find((each) => each.endsWith(': port scan'))!
    writeFileSync(log, `${line} \n${line}x\n${line}: Stage 1\nx${line}\n${line.replace('] ', '] ssh: ')}\n`)
    expect(await matched('all', log)).toEqual([])
    writeFileSync(log, `${line}\n`)
    expect(await matched('all', log)).toEqual([SCANNERS[0]])
  })
})

test.skipIf(!HAS_FAIL2BAN)(
  'the jail is off as it is, and loads where it is turned on, for its ports alone',
  async () => {
    const folder = scratch('fail2ban')
    cpSync('/etc/fail2ban', folder, { recursive: true, dereference: true })
    rmSync(join(folder, 'jail.d'), { recursive: true })
    cpSync(CONTRIB, folder, { recursive: true })
    const dump = async (): Promise<string> => (await run(['fail2ban-client', '-c', folder, '-d'])).stdout
    expect(await dump()).not.toContain('postern')
    const jail = join(folder, 'jail.d/postern.conf')
    writeFileSync(jail, readFileSync(jail, 'utf8').replace('enabled = false', 'enabled = true'))
    const on = await dump()
    expect(on).toContain("['add', 'postern', 'systemd']")
    expect(on).toContain("['set', 'postern', 'addjournalmatch', '_SYSTEMD_UNIT=knockd.service']")
    expect(on).toContain("['set', 'postern', 'addignoreip', '127.0.0.0/8', '::1']")
    expect(on).toMatch(/'port', 'http,https'\]/)
    expect(on).not.toMatch(/ssh|allports|0:65535/)
  },
)

/** The settings of a file, without comments. */
function settings(path: string): ReadonlyMap<string, string> {
  const lines = readFileSync(path, 'utf8').split('\n')
  return new Map(
    lines
      .filter((line) => /^[a-z]/.test(line))
      .map((line) => [line.split(' =')[0] ?? '', line.replace(/^[^=]*=\s*/, '')]),
  )
}

test('the jail is off, and has no port of ssh and no ban of all ports', () => {
  const jail = settings(join(CONTRIB, 'jail.d/postern.conf'))
  expect(Object.fromEntries(jail)).toMatchObject({
    enabled: 'false',
    filter: 'postern[mode=scan]',
    port: 'http,https',
    backend: 'systemd',
    'bantime.increment': 'false',
  })
  expect([...jail.keys()]).not.toContain('banaction')
})
