// Goal: a period opens once, whatever was used before, in any order. Periods too old to remember count as used. A clock
// that was ahead for a while locks nobody out.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { TOTP_SKEW_MAX } from '../config/config.ts'
import {
  USED_PERIODS_MAX,
  formatUsed,
  isUnused,
  newestUsedAt,
  parseUsed,
  unusedPeriods,
  withUsed,
} from './used-periods.ts'

const NOW = 59_000_000

test('no period is accepted twice, even through the text of the journal', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 200 }), { maxLength: 300 }), (offsets) => {
      const accepted = new Set<number>()
      let used = unusedPeriods(30)
      for (const offset of offsets) {
        const period = NOW + offset
        if (!isUnused(used, period)) continue
        expect(accepted.has(period)).toBe(false)
        accepted.add(period)
        used = parseUsed(formatUsed(withUsed(used, period)), 30)
        expect(used.used.length).toBeLessThanOrEqual(USED_PERIODS_MAX)
        expect(isUnused(used, period)).toBe(false)
      }
    }),
  )
})

test('the memory has room for all periods that are valid at one time, and more', () => {
  expect(USED_PERIODS_MAX).toBeGreaterThan(2 * TOTP_SKEW_MAX + 1)
})

test('after a clock that was a year ahead, present periods are accepted', () => {
  let used = unusedPeriods(30)
  for (let ahead = 0; ahead < 5; ahead++) used = withUsed(used, NOW + 1_051_200 + ahead)
  for (let period = NOW; period < NOW + 1_000; period++) {
    expect(isUnused(used, period)).toBe(true)
    used = withUsed(used, period)
  }
  expect(isUnused(used, NOW + 999)).toBe(false)
  expect(isUnused(used, NOW)).toBe(false)
})

test('invalid text means that no period was used; the time of the newest period is known', () => {
  for (const text of [undefined, '', 'x', '30', '30 1 x']) expect(parseUsed(text, 30)).toEqual(unusedPeriods(30))
  expect(newestUsedAt(withUsed(unusedPeriods(30), 100))).toBe(3_000_000)
})
