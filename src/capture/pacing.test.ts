// Goal: a quiet host's packets are taken at once, and a flood's in batches.
import { expect, test } from 'vitest'
import { Pacing, WAKES_BURST, WAKE_INTERVAL_MS } from './pacing.ts'

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
