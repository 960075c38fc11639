// Goal: metrics are valid OpenMetrics and valid in Prometheus' text format, whatever doors are called; their labels are
// bounded; and promtool, where there is one, finds nothing wrong with them.
import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { parseOpenMetrics } from '../../test/schema/openmetrics.ts'
import { WELL, WHOLE_STATUS } from '../../test/schema/status.ts'
import type { Status } from '../control/message.ts'
import { statusForMember } from '../daemon/member.ts'
import { NOT_UP, familiesOf, openMetrics } from './families.ts'
import { COUNTED_DOORS_MAX } from './totals.ts'

const HOSTILE = 'a"b\\c\nd{e="f"} 1 # \u202E é'
const named = (name: string): Status => ({
  ...WHOLE_STATUS,
  doors: [{ ...WHOLE_STATUS.doors[0]!, name }],
  openings: [{ ...WHOLE_STATUS.openings[0]!, door: name }],
  totals: { ...WHOLE_STATUS.totals, all: { ...WHOLE_STATUS.totals.all, openings: { [name]: 4 } } },
})
const { totals: _totals, health: _health, clock: _clock, ...OLD } = WHOLE_STATUS

const TEXTS: readonly (readonly [string, string])[] = [
  ['a whole status', openMetrics(WHOLE_STATUS)],
  ['a daemon that is well', openMetrics(WELL)],
  ['a hostile name', openMetrics(named(HOSTILE))],
  ['what a member sees', openMetrics(statusForMember(WHOLE_STATUS))],
  ['a daemon without doors', openMetrics({ ...WELL, doors: [], openings: [], interfaces: [], guard: undefined })],
  ['a daemon of an earlier version', openMetrics(OLD)],
  ['a daemon that does not run', NOT_UP],
]

test.each(TEXTS)('%s is OpenMetrics', (_, text) => {
  const families = parseOpenMetrics(text)
  expect(families[0]).toMatchObject({ name: 'postern_up', type: 'gauge' })
})

const promtool = spawnSync('promtool', ['--version']).error === undefined
test.skipIf(!promtool).each(TEXTS)('promtool check metrics: %s', (_, text) => {
  const { status, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' })
  expect([status, stderr]).toEqual([0, ''])
})

test('the values are those of the status', () => {
  const families = parseOpenMetrics(openMetrics(named(HOSTILE)))
  const values = (name: string): readonly unknown[] =>
    families
      .find((family) => family.name === name)!
      .samples.map(({ labels, value }) => Array.from<string | number>(labels.values()).concat(value))
  expect(values('postern_openings_total')).toEqual([[HOSTILE, 4]])
  expect(values('postern_open')).toEqual([[HOSTILE, 1]])
  expect(values('postern_packets_lost_total')).toEqual([[10]])
  expect(values('postern_refusals_total')).toContainEqual(['used before', 3])
  expect(values('postern_capture_up')).toEqual([['eth0', 0]])
  expect(values('postern_capture_last_packet_age_seconds')).toEqual([['eth0', 1.5]])
  expect(values('postern_guard_up')).toEqual([[0]])
  expect(values('postern_health')).toEqual([['capture', 2]])
  expect(values('postern_opening_seconds').slice(-4)).toEqual([['5.0', 66], ['+Inf', 78], [78], [12.5]])
})

test('a member gets no count that tells of a port', () => {
  const names = familiesOf(statusForMember(WHOLE_STATUS)).map(({ name }) => name)
  expect(
    names.filter((name) => /refusals|scans|packets_|attempts|ignored|replays|wrong|last_packet|deaf/.test(name)),
  ).toEqual([])
  expect(names).toEqual(expect.arrayContaining(['postern_openings_total', 'postern_open', 'postern_list_left']))
})

test('however many doors there are, so many are labels', () => {
  const doors = Array.from({ length: COUNTED_DOORS_MAX + 50 }, (_, index) => ({
    ...WHOLE_STATUS.doors[0]!,
    name: `d${index}`,
  }))
  const openings = doors.map(({ name }) => ({ ...WHOLE_STATUS.openings[0]!, door: name }))
  for (const { samples } of familiesOf({ ...WHOLE_STATUS, doors, openings })) {
    expect(samples.length).toBeLessThanOrEqual(COUNTED_DOORS_MAX + 1)
  }
})
