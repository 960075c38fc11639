// Goal: a subject is logged once in a while, does not delay other subjects, and no number of subjects fills the log.
import { expect, test } from 'vitest'
import { LINES_BURST, LINES_PER_S, LogThrottle, SUBJECT_EVERY_MS } from './log-throttle.ts'

test('a subject is logged once in its time, and another one immediately', () => {
  const throttle = new LogThrottle()
  expect(throttle.due('alice', 0)).toBe(true)
  expect(throttle.due('alice', SUBJECT_EVERY_MS - 1)).toBe(false)
  expect(throttle.due('bob', SUBJECT_EVERY_MS - 1)).toBe(true)
  expect(throttle.due('alice', SUBJECT_EVERY_MS)).toBe(true)
})

test('a refused line does not delay the next one', () => {
  const throttle = new LogThrottle(1_000)
  expect(throttle.due('alice', 0)).toBe(true)
  for (let now = 100; now < 1_000; now += 100) expect(throttle.due('alice', now)).toBe(false)
  expect(throttle.due('alice', 1_000)).toBe(true)
})

test('many invented subjects are logged up to the bound only', () => {
  const throttle = new LogThrottle()
  let lines = 0
  for (let now = 0; now < 60_000; now++) if (throttle.due(`stranger ${now}`, now)) lines++
  expect(lines).toBeLessThanOrEqual(LINES_BURST + LINES_PER_S * 60)
})
