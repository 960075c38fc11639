// Goal: events are counted under names whose number is bounded. Counts survive a restart, a kill at any moment, a
// damaged file and one that others can write. A full disk does not change the file.
import { spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { buildSync } from 'esbuild'
import * as fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { WHOLE } from '../../test/schema/events.ts'
import { LATENCY_BOUNDS_S } from '../control/message.ts'
import type { LogEvent } from '../log/event.ts'
import { realDisk } from '../state/disk.ts'
import { Counters } from './counters.ts'
import { COUNTERS_MAX_BYTES, CountersFile } from './counters-file.ts'
import { COUNTED_DOORS_MAX, noCounts, readCounts, sumOf } from './totals.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-counters-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const counting = (...doors: readonly string[]): Counters => {
  const counters = new Counters()
  counters.replace(doors.map((name) => ({ name })))
  return counters
}

test('an event of each kind', () => {
  const counters = counting('ssh')
  for (const event of Object.values(WHOLE) as LogEvent[]) counters.happened(event)
  counters.happened({ ...WHOLE.trouble, about: undefined } as unknown as LogEvent)
  counters.happened({ kind: 'refused', level: 'notice', door: 'ssh' })
  counters.happened({ kind: 'withheld', source: WHOLE.stage.source, door: 'ssh', stage: 2, reason: 'codes', strays: 0 })
  counters.countPackets(() => ({ seen: 3, taken: 2, lost: 1 }))
  counters.knocked()
  const { start } = counters.status
  expect(start).toMatchObject({
    openings: { ssh: 1 },
    commandFailures: { ssh: 2 },
    replays: 1,
    scans: 1,
    guesses: 1,
    knocks: 1,
    packets: { seen: 3, taken: 2, lost: 1 },
    refusals: {
      timeout: 1,
      strays: 1,
      'wrong codes': 1,
      'used before': 1,
      'not allowed': 1,
      revoked: 1,
      failed: 1,
    },
  })
  expect(start.latency!.counts[LATENCY_BOUNDS_S.indexOf(0.002)]).toBe(1)
  expect(start.latency!.sumS).toBeCloseTo(0.0015)
})

test('times beyond the last bound have a count of their own', () => {
  const counters = counting('ssh')
  for (const tookMs of [0, 5_000, 5_001, 1e9]) counters.happened({ ...WHOLE.open, tookMs })
  const { counts } = counters.status.start.latency!
  expect([counts[0], counts.at(-2), counts.at(-1)]).toEqual([1, 1, 2])
})

test('names are those of the config, however many and whatever they are', () => {
  const counters = counting('__proto__', 'constructor')
  for (const door of ['__proto__', 'constructor', 'constructor', 'stranger', 'start_hook', '']) {
    counters.happened({ ...WHOLE.open, door })
  }
  expect(Object.entries(counters.status.all.openings)).toEqual([
    ['__proto__', 1],
    ['constructor', 2],
    ['', 3],
  ])
  const many = counting(...Array.from({ length: COUNTED_DOORS_MAX + 5 }, (_, index) => `d${index}`))
  for (let index = 0; index < COUNTED_DOORS_MAX + 5; index++) many.happened({ ...WHOLE.open, door: `d${index}` })
  expect(Object.keys(many.status.all.openings)).toHaveLength(COUNTED_DOORS_MAX + 1)
  expect(many.status.all.openings['']).toBe(5)
})

test('a door that is gone goes on in the count of all others, so that no sum falls', () => {
  const counters = counting('a', 'b')
  counters.restore({ ...noCounts(), openings: { a: 4, old: 3 } }, 7)
  counters.happened({ ...WHOLE.open, door: 'a' })
  counters.happened({ ...WHOLE.open, door: 'b' })
  counters.replace([{ name: 'b' }])
  const { all, start, since } = counters.status
  expect([all.openings, start.openings, since]).toEqual([{ '': 8, b: 1 }, { '': 1, b: 1 }, 7])
})

test('counts are stored and read again', async () => {
  const counters = counting('a', '__proto__')
  counters.happened({ ...WHOLE.open, door: '__proto__' })
  for (const event of Object.values(WHOLE) as LogEvent[]) counters.happened(event)
  const path = join(folder, 'counters')
  await new CountersFile(path).write(5, counters.status.all)
  expect(statSync(path).mode & 0o777).toBe(0o600)
  const { since, counts, lost } = new CountersFile(path).read(9)
  expect([since, lost, sumOf(counts, noCounts())]).toEqual([5, undefined, counters.status.all])
  expect(readdirSync(folder)).toEqual(['counters'])
})

test('no file is no loss, and unchanged counts are not written again', async () => {
  const path = join(folder, 'counters')
  const file = new CountersFile(path)
  expect(file.read(9)).toEqual({ since: 9, counts: noCounts(), lost: undefined })
  await file.write(1, noCounts())
  const { ino } = statSync(path)
  await file.write(1, noCounts())
  expect(statSync(path).ino).toBe(ino)
})

const GOOD = JSON.stringify({ version: 1, since: 5, ...noCounts() })
test.each([
  ['empty', ''],
  ['cut', GOOD.slice(0, -20)],
  ['another version', GOOD.replace('"version":1', '"version":2')],
  ['no object', '[]'],
  ['a time that is no date', GOOD.replace('"since":5', '"since":8640000000000001')],
  ['null', 'null'],
  ['a negative count', GOOD.replace('"scans":0', '"scans":-1')],
  ['a fraction', GOOD.replace('"scans":0', '"scans":0.5')],
  ['a text', GOOD.replace('"scans":0', '"scans":"0"')],
  ['a count that is not exact', GOOD.replace('"scans":0', '"scans":9007199254740993')],
  ['too few buckets', GOOD.replace('"counts":[0,', '"counts":[')],
  ['an endless sum', GOOD.replace('"sumS":0', '"sumS":1e999')],
  ['too many doors', GOOD.replace('"openings":{}', `"openings":${JSON.stringify(Object.fromEntries(manyDoors()))}`)],
  ['no refusals', GOOD.replace(/"refusals":\{[^}]*\},/, '')],
])('a damaged file counts for nothing: %s', (_, text) => {
  const path = join(folder, 'counters')
  writeFileSync(path, text, { mode: 0o600 })
  expect(new CountersFile(path).read(9)).toEqual({ since: 9, counts: noCounts(), lost: 'is damaged' })
})

function manyDoors(): readonly (readonly [string, number])[] {
  return Array.from({ length: COUNTED_DOORS_MAX + 2 }, (_, index) => [`d${index}`, 1])
}

test('a file that others can write, or that is too large, counts for nothing', () => {
  const path = join(folder, 'counters')
  writeFileSync(path, GOOD)
  chmodSync(path, 0o666)
  expect(new CountersFile(path).read(9)).toMatchObject({
    since: 9,
    lost: expect.stringContaining('others than its owner can change it') as string,
  })
  chmodSync(path, 0o600)
  expect(new CountersFile(path).read(9)).toMatchObject({ since: 5, lost: undefined })
  writeFileSync(path, ' '.repeat(COUNTERS_MAX_BYTES + 1))
  expect(new CountersFile(path).read(9)).toMatchObject({ lost: 'is too large' })
})

test('whatever JSON a file has, it is read or refused', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const counts = readCounts(value)
      if (counts !== undefined) expect(readCounts(JSON.parse(JSON.stringify(counts)))).toEqual(counts)
    }),
  )
})

test('a full disk leaves the last counts, and later ones are stored', async () => {
  const path = join(folder, 'counters')
  await new CountersFile(path).write(1, { ...noCounts(), scans: 1 })
  const before = readFileSync(path, 'utf8')
  let isFull = true
  const disk = {
    ...realDisk,
    create: async (name: string) => {
      const file = await realDisk.create(name)
      const sync = async (): Promise<void> => {
        if (isFull) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
        await file.sync()
      }
      return { ...file, sync }
    },
  }
  const file = new CountersFile(path, disk)
  await expect(file.write(1, { ...noCounts(), scans: 2 })).rejects.toThrow('no space left')
  expect(readFileSync(path, 'utf8')).toBe(before)
  isFull = false
  await file.write(1, { ...noCounts(), scans: 2 })
  expect(new CountersFile(path).read(0).counts.scans).toBe(2)
})

test('killed amid writes, the file is whole, and its counts never fall', async () => {
  const path = join(folder, 'counters')
  const program = join(folder, 'writer.mjs')
  const contents = `import { CountersFile } from './counters-file.ts'
    import { noCounts } from './totals.ts'
    const file = new CountersFile(${JSON.stringify(path)})
    for (let scans = file.read(0).counts.scans; ; scans++) {
      await file.write(1, { ...noCounts(), scans })
      process.stdout.write('.')
    }`
  const stdin = { contents, resolveDir: import.meta.dirname, loader: 'ts' } as const
  buildSync({ stdin, bundle: true, platform: 'node', format: 'esm', outfile: program, logLevel: 'error' })
  let last = 0
  for (let round = 0; round < 5; round++) {
    const child = spawn(process.execPath, [program])
    await new Promise((resolve) => child.stdout.once('data', resolve))
    await sleep(3 * round)
    child.kill('SIGKILL')
    await new Promise((resolve) => child.once('close', resolve))
    const { counts, lost } = new CountersFile(path).read(0)
    expect(lost).toBeUndefined()
    expect(counts.scans).toBeGreaterThanOrEqual(last)
    last = counts.scans
  }
  expect(last).toBeGreaterThan(0)
})
