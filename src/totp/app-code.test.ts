// Goal: a code finds the app's settings that made it, whichever parameters the app ignores and whatever its clock says.
// No other code is accepted.
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { NEAR_PERIODS, appOf, appsOf } from './app-code.ts'
import { codeOf, periodAt } from './code.ts'
import type { TotpSecret } from './secret.ts'

const NOW = 1_700_000_010_000
const at = (ms: number): { fromMs: number; toMs: number } => ({ fromMs: ms, toMs: ms })
const SECRET: TotpSecret = { key: new Uint8Array(32).fill(7), algorithm: 'SHA256', digits: 8, periodS: 60 }
const show = (secret: TotpSecret, periods = 0): string => codeOf(secret, periodAt(secret, NOW) + periods)

test('every combination of ignored parameters is found, and written as the app has it', () => {
  const apps = appsOf(SECRET)
  expect(apps.map(({ ignored }) => ignored.join('+'))).toEqual([
    '',
    'digits',
    'algorithm',
    'periodS',
    'digits+algorithm',
    'digits+periodS',
    'algorithm+periodS',
    'digits+algorithm+periodS',
  ])
  for (const { secret, ignored } of apps) {
    expect(appOf(SECRET, show(secret), at(NOW))).toMatchObject({ secret, ignored, periodsOff: 0 })
  }
  expect(apps.at(-1)!.secret).toEqual({ key: SECRET.key, algorithm: 'SHA1', digits: 6, periodS: 30 })
})

test('parameters that are the usual ones cannot be ignored', () => {
  const usual: TotpSecret = { ...SECRET, algorithm: 'SHA1', digits: 6, periodS: 30 }
  expect(appsOf(usual)).toEqual([{ secret: usual, ignored: [] }])
  expect(appOf(usual, show(SECRET), at(NOW))).toBeUndefined()
})

describe('the clock of the app', () => {
  test.each([-3, -1, 0, 1, 20])('%i periods off: the bounds of the difference hold', (periods) => {
    const found = appOf(SECRET, show(SECRET, periods), at(NOW))!
    expect(found.periodsOff).toBe(periods)
    const [least, most] = found.offMs
    expect(most - least).toBe(SECRET.periodS * 1_000)
    // The app's clock may be anywhere in the period of its code.
    expect(periodAt(SECRET, NOW + least)).toBe(periodAt(SECRET, NOW) + periods)
    expect(periodAt(SECRET, NOW + most - 1)).toBe(periodAt(SECRET, NOW) + periods)
  })

  test('a code that was right when its first digit was typed is in time', () => {
    const end = (periodAt(SECRET, NOW) + 1) * SECRET.periodS * 1_000
    const found = appOf(SECRET, show(SECRET), { fromMs: end - 1, toMs: end + 5_000 })
    expect(found).toMatchObject({ periodsOff: 0 })
  })

  test('beyond 20 periods it is another secret', () => {
    expect(appOf(SECRET, show(SECRET, 21), at(NOW))).toBeUndefined()
    expect(appOf(SECRET, show(SECRET, -21), at(NOW))).toBeUndefined()
  })
})

test('codes of other secrets are not taken for one', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 20, maxLength: 20 }), (key) => {
      // Of eight digits: 12 codes count, so one of several millions does.
      const found = appOf(SECRET, show({ ...SECRET, key }), at(NOW))
      expect(found === undefined || Math.abs(found.periodsOff) > NEAR_PERIODS).toBe(true)
    }),
    { seed: 1, numRuns: 200 },
  )
})
