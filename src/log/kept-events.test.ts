// Goal: the last events stay in memory within bounds. Unknown sources cannot push out the events of owners. A cursor
// returns every event once, in order, with the number of lost ones; an event without readers costs almost nothing.
import * as fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { WHOLE } from '../../test/schema/events.ts'
import type { LogEvent } from './event.ts'
import { EventLane } from './event-lane.ts'
import { entryOf } from './format.ts'
import { DEBUG_KEPT_MAX, KEPT_MAX, KEPT_MAX_BYTES, KeptEvents, STRANGERS_KEPT_MAX } from './kept-events.ts'
import type { Cursor } from './kept-events.ts'
import { LIMITED, Log } from './log.ts'

const opened = (door: string): LogEvent => ({ ...WHOLE.opened, door })
const add = (events: KeptEvents, event: LogEvent): void => events.admitted(event, entryOf(event, 0))
const doorsIn = (cursor: Cursor): readonly string[] => {
  const doors: string[] = []
  for (let kept = cursor.next(); kept !== undefined; kept = cursor.next()) {
    doors.push('door' in kept.event ? `${kept.event.door}` : kept.event.kind)
  }
  return doors
}

test('the last ones, in order, and later ones as they come', () => {
  const events = new KeptEvents()
  for (let number = 0; number < KEPT_MAX + 5; number++) add(events, opened(`d${number}`))
  expect(events.count).toBe(KEPT_MAX)
  const cursor = events.read()
  const doors = doorsIn(cursor)
  expect([doors.length, doors[0], doors.at(-1)]).toEqual([KEPT_MAX, 'd5', `d${KEPT_MAX + 4}`])
  add(events, opened('later'))
  expect([doorsIn(cursor), cursor.takeMissed()]).toEqual([['later'], 0])
})

test('a flood of any kind that strangers can cause leaves the events of owners', () => {
  const events = new KeptEvents()
  for (let number = 0; number < 5_000; number++) add(events, opened(`owner${number}`))
  for (const kind of LIMITED) {
    for (let number = 0; number < 20_000; number++) add(events, WHOLE[kind as 'stage'])
  }
  const strangers = (LIMITED.size - 1) * STRANGERS_KEPT_MAX + DEBUG_KEPT_MAX
  expect(events.count).toBe(5_000 + strangers)
  expect(doorsIn(events.read()).filter((door) => door.startsWith('owner'))).toHaveLength(5_000)
  expect(strangers).toBeLessThan(KEPT_MAX / 3)
})

test('long events are kept within the bytes, and one that is larger than all is not', () => {
  const events = new KeptEvents()
  const long: LogEvent = { kind: 'output', door: 'd', output: 'x'.repeat(20_000) }
  for (let number = 0; number < 1_000; number++) add(events, long)
  expect(events.bytes).toBeLessThanOrEqual(KEPT_MAX_BYTES)
  expect(events.count).toBeGreaterThan(100)
  const { count } = events
  add(events, { kind: 'notice', level: 'error', text: 'x'.repeat(KEPT_MAX_BYTES) })
  expect(events.count).toBe(count)
})

test('a cursor that falls behind says what it missed', () => {
  const events = new KeptEvents()
  add(events, opened('first'))
  const cursor = events.read()
  for (let number = 0; number < KEPT_MAX + 10; number++) add(events, opened('more'))
  for (let number = 0; number < STRANGERS_KEPT_MAX + 3; number++) add(events, WHOLE.stage)
  expect(doorsIn(cursor)).toHaveLength(KEPT_MAX)
  expect([cursor.takeMissed(), cursor.takeMissed()]).toEqual([11 + STRANGERS_KEPT_MAX + 3, 0])
})

test('a lane is what a plain list would be', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 60 }), fc.integer({ min: 1, max: 5 }), (pushes, max) => {
      const lane = new EventLane(max, Infinity)
      const list: number[] = []
      let [number, gone] = [0, 0]
      for (const isPush of pushes) {
        if (isPush) {
          lane.push({ number: ++number, time: 0, event: WHOLE.stage })
          list.push(number)
        } else lane.shift()
        if (!isPush ? list.length > 0 : list.length > max) {
          list.shift()
          gone++
        }
        expect([lane.length, lane.first, lane.oldest]).toEqual([list.length, gone, list[0] ?? Infinity])
        expect(list.map((_, index) => lane.at(gone + index)?.number)).toEqual(list)
        expect([lane.at(gone - 1), lane.at(gone + list.length)]).toEqual([undefined, undefined])
      }
      expect(lane.bytes > 0).toBe(list.length > 0)
    }),
  )
})

test('the log gives each event to its sinks, and to those of admitted events only as many as it writes', () => {
  const log = new Log(
    { format: 'knockd', file: undefined, syslog: false, verbose: false, debug: false, lookup: false },
    {
      now: () => 0,
      stdout: { write: () => true },
      stderr: { write: () => true },
      syslog: undefined,
      lookup: async () => undefined,
    },
  )
  const events = new KeptEvents()
  const happened = vi.fn<(event: LogEvent) => void>()
  log.attach(events)
  log.attach({ happened })
  for (let number = 0; number < 2_000; number++) log.event(WHOLE.stage)
  log.event(WHOLE.open)
  log.event(WHOLE.explanation)
  expect(happened).toHaveBeenCalledTimes(2_002)
  expect(events.count).toBeLessThan(100)
  expect(doorsIn(events.read()).length).toBe(events.count)
})
