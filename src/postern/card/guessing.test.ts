// Goal: the figures about guessing are those of the manual.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { GUESS_DEFAULTS, guessText, guessTimes, spanText } from './guessing.ts'

const manual = readFileSync(new URL('../../../man/knockd.conf.5', import.meta.url), 'utf8')

test('8 and 6 digits at the defaults', () => {
  expect(manual).toContain('more than fifteen years on average for 8 digits, and about eight weeks for 6 digits')
  expect(manual).toContain('at 10,000 codes a second 8 digits last an hour')
  expect(guessText(6, 8, GUESS_DEFAULTS)).toBe(`guessing is 100 times easier with 6 digits than with 8:
  from one address 8 weeks on average (15 years with 8);
  from very many, at 10,000 codes a second, 33 seconds (56 minutes)
`)
})

test('more valid codes, a shorter memory, or none, make it easier', () => {
  const usual = guessTimes(6, GUESS_DEFAULTS)
  const skewed = guessTimes(6, { ...GUESS_DEFAULTS, skew: 4 })
  expect(usual.oneAddressMs / skewed.oneAddressMs).toBeCloseTo(3)
  expect(usual.manyAddressesMs / skewed.manyAddressesMs).toBeCloseTo(3)
  expect(usual.oneAddressMs / guessTimes(6, { skew: 1, scanIgnoreMs: 30_000 }).oneAddressMs).toBeCloseTo(2)
  const free = guessTimes(6, { skew: 1, scanIgnoreMs: undefined })
  expect(free.oneAddressMs).toBe(usual.manyAddressesMs)
})

test.each([
  [1, '1 second'],
  [90_000, '90 seconds'],
  [7_200_000, '2 hours'],
  [3 * 365.25 * 86_400_000, '3 years'],
])('%i ms is %s', (ms, text) => {
  expect(spanText(ms)).toBe(text)
})
