// Goal: a quiet host's packets are read immediately, a flood's in batches, and the last knock of a sequence waits
// least.
import { expect, test } from 'vitest'
import {
  CROWD_INTERVAL_MS,
  CROWD_PACKETS,
  EXPECTING_INTERVAL_MS,
  EXPECTING_MS,
  Pacing,
  WAKES_BURST,
  WAKE_INTERVAL_MS,
} from './pacing.ts'

test('a sequence on a quiet host never waits', () => {
  const pacing = new Pacing()
  for (let knock = 0; knock < WAKES_BURST; knock++) expect(pacing.wait(1_000)).toBe(0)
})

test('in a flood wake-ups are an interval apart, and after it they are immediate again', () => {
  const pacing = new Pacing()
  let now = 1_000
  while (pacing.wait(now) === 0) now += 0.01
  const wait = pacing.wait(now)
  expect(wait).toBeGreaterThan(0)
  expect(wait).toBeLessThanOrEqual(WAKE_INTERVAL_MS)
  let wakes = 0
  for (const end = now + 1_000; now < end; now += 0.1) if (pacing.wait(now) === 0) wakes++
  expect(wakes).toBeLessThanOrEqual(1_000 / WAKE_INTERVAL_MS + 1)
  now += WAKES_BURST * WAKE_INTERVAL_MS
  for (let knock = 0; knock < WAKES_BURST; knock++) expect(pacing.wait(now)).toBe(0)
})

test('after a second knock the pause is shorter for a while, and in a crowd it is the shortest', () => {
  const pacing = new Pacing()
  expect(pacing.pause(1, false, 1_000)).toBe(WAKE_INTERVAL_MS)
  pacing.expect(1_000)
  expect(pacing.pause(1, false, 1_000)).toBe(EXPECTING_INTERVAL_MS)
  expect(pacing.pause(1, false, 1_000 + EXPECTING_MS)).toBe(WAKE_INTERVAL_MS)
  expect(pacing.pause(CROWD_PACKETS, false, 1_000)).toBe(CROWD_INTERVAL_MS)
  expect(pacing.pause(CROWD_PACKETS / 2, true, 1_000)).toBe(CROWD_INTERVAL_MS)
})
