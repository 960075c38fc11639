// Goal: what is counted is what the log has, whatever its size: a flood displaces neither memory nor those that come often, and what
// was dropped is said.
import { expect, test } from 'vitest'
import { SLOW } from '../../../test/slow.ts'
import type { Fact } from '../../log/fact.ts'
import { Counts, FewNames } from './counts.ts'
import { contentsOf } from './contents.ts'
import { DOORS_COUNTED_MAX, OPENINGS_KEPT_MAX } from './openings.ts'
import { ADDRESSES_KEPT_MAX, NETWORKS_COUNTED_MAX } from './scans.ts'
import { HOURS_MAX, Tally } from './tally.ts'

const T = new Date(2026, 10, 22, 6, 30).getTime()
const SOURCE = '192.0.2.7'
const frame = { machine: 'gate', zone: 'UTC', made: T + 3_600_000, from: T - 1, endsWithInput: false, notes: [] }

function tallyOf(...facts: readonly (readonly [seconds: number, fact: Fact])[]): Tally {
  const tally = new Tally(T)
  for (const [seconds, fact] of facts) tally.take({ time: T + seconds * 1_000, fact })
  return tally
}
const open = (more: Partial<Extract<Fact, { kind: 'open' }>> = {}): Fact => ({
  kind: 'open',
  source: SOURCE,
  door: 'ssh',
  ...more,
})
const lasts = (seconds: number): Fact => ({ kind: 'lasts', source: SOURCE, door: 'ssh', seconds })
const closed: Fact = { kind: 'closed', source: SOURCE, door: 'ssh' }

test('an opening lasts until it is closed, extended or opened again', () => {
  const { kept } = tallyOf(
    [0, open()],
    [1, lasts(30)],
    [11, open()],
    [11, lasts(600)],
    [100, lasts(60)],
    [130, closed],
  ).openings
  expect(kept.map(({ time, until }) => [time - T, until! - T])).toEqual([
    [0, 11_000],
    [11_000, 130_000],
  ])
})

test('an opening of which the log says no end has none', () => {
  expect(tallyOf([0, open()]).openings.kept[0]!.until).toBeUndefined()
})

test('a time in minutes does not shorten what was to last for seconds', () => {
  const { kept } = tallyOf([0, open()], [0, lasts(10)], [0, closed]).openings
  expect(kept[0]!.until! - T).toBe(10_000)
})

test('what was before the beginning is not counted, and its end changes nothing', () => {
  const tally = tallyOf(
    [-60, open()],
    [-60, { kind: 'scan', source: SOURCE }],
    [10, closed],
    [20, { kind: 'scan', source: SOURCE }],
  )
  expect([tally.openings.total, tally.scans.total]).toEqual([0, 1])
})

test('users, the door and the source of the last time, and those without a name', () => {
  const { users, unnamed, byHand } = tallyOf(
    [0, open({ user: 'alice' })],
    [5, open({ user: 'alice', door: 'web', source: '192.0.2.8' })],
    [3, open({ user: 'alice' })],
    [6, open()],
    [7, { kind: 'by-hand', action: 'opened', door: 'ssh', source: SOURCE, by: '1000' }],
    [8, { kind: 'by-hand', action: 'closed', door: 'ssh' }],
    [9, { kind: 'by-hand', action: 'forgiven', source: SOURCE }],
  ).openings
  expect(users.sorted()).toMatchObject([{ user: 'alice', count: 3, last: T + 5_000, door: 'web', source: '192.0.2.8' }])
  expect([unnamed, byHand]).toEqual([2, 1])
})

test('an opening by hand that the door refused is not counted', () => {
  const byHand: Fact = { kind: 'by-hand', action: 'opened', door: 'ssh', source: SOURCE }
  const refused: Fact = { kind: 'failed', why: 'too many doors are open', door: 'ssh', source: SOURCE, refused: true }
  const tally = tallyOf([0, open()], [5, byHand], [6, refused])
  expect([tally.openings.total, tally.openings.byHand, tally.failures.total]).toEqual([1, 0, 1])
  expect(tally.openings.doors.sorted()).toMatchObject([{ count: 1, last: T }])
  expect(tally.hours).toMatchObject([{ openings: 1, failures: 1 }])
  // A knock that is refused later does not take it back.
  expect(tallyOf([0, byHand], [1, lasts(30)], [6, refused]).openings.total).toBe(1)
})

test('scans are counted by /24 and /48', () => {
  const sources = ['203.0.113.7', '203.0.113.9', '198.51.100.1', '2001:db8:1:2::1', '2001:db8:1:3::1']
  const tally = tallyOf(...sources.map((source, index) => [index, { kind: 'scan', source }] as const))
  expect(tally.scans.networks.sorted().map(({ network, count }) => [network, count])).toEqual([
    ['203.0.113.0/24', 2],
    ['2001:db8:1::/48', 2],
    ['198.51.100.0/24', 1],
  ])
})

test('very many scans from everywhere keep those that come often, in bounded memory', () => {
  const tally = new Tally(T)
  const total = SLOW ? 1_000_000 : 200_000
  const begun = process.memoryUsage().heapUsed
  for (let count = 0; count < total; count++) {
    const source =
      count % 100 === 0
        ? `203.0.113.${count % 256}`
        : `${1 + (count % 222)}.${(count >> 3) & 255}.${(count >> 11) & 255}.7`
    tally.take({ time: T + count, fact: { kind: 'scan', source } })
  }
  const { scans } = tally
  expect(scans.total).toBe(total)
  expect(scans.networks.size).toBeLessThanOrEqual(NETWORKS_COUNTED_MAX)
  expect(scans.networks.isCut).toBe(true)
  const [first] = scans.networks.sorted()
  expect(first).toMatchObject({ network: '203.0.113.0/24', count: total / 100 })
  expect(first!.addresses.names.length).toBe(ADDRESSES_KEPT_MAX)
  expect(process.memoryUsage().heapUsed - begun).toBeLessThan(100 * 1_048_576)
  expect(contentsOf(frame, tally, [], undefined).networks).toMatchObject({ isCut: true })
})

test('more openings, doors and hours than are kept are counted, and said to be cut', () => {
  const tally = new Tally(-Infinity)
  const total = 3 * OPENINGS_KEPT_MAX
  for (let count = 0; count < total; count++) {
    tally.take({ time: T + count * 1_800_000, fact: open({ door: `door ${count % (DOORS_COUNTED_MAX + 5)}` }) })
  }
  const { openings } = tally
  expect(openings.total).toBe(total)
  expect(openings.kept.length).toBe(OPENINGS_KEPT_MAX)
  expect(openings.kept.at(-1)!.time).toBe(T + (total - 1) * 1_800_000)
  expect(openings.doors.isCut).toBe(true)
  expect(tally.hours.length).toBe(HOURS_MAX)
  expect(tally.otherHours).toBe(total - 2 * HOURS_MAX + 1)
  // Of a door that was dropped nobody can say that it did not open.
  const expected = { doors: ['never'], users: [], lists: [], notes: [] }
  expect(contentsOf(frame, tally, [], expected).unusedDoors).toBeUndefined()
  expect(contentsOf(frame, tallyOf(), [], expected).unusedDoors).toEqual(['never'])
})

test('counts drop the half that came least', () => {
  const counts = new Counts<{ count: number; key: string }>(4)
  for (const key of ['a', 'a', 'b', 'c', 'c', 'd', 'e']) counts.add(key, () => ({ count: 0, key }))
  expect(counts.sorted().map(({ key, count }) => [key, count])).toEqual([
    ['a', 2],
    ['c', 2],
    ['e', 1],
  ])
  expect(counts.isCut).toBe(true)
})

test('a few names are kept', () => {
  const few = new FewNames(2)
  for (const each of ['a', 'b', 'a']) few.add(each)
  expect([few.names, few.isCut]).toEqual([['a', 'b'], false])
  few.add('c')
  expect([few.names, few.isCut]).toEqual([['a', 'b'], true])
})
