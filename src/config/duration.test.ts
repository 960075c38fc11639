// Goal: a duration is read within its bounds, and any other text is refused.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatDuration, parseDuration } from './duration.ts'

const read = (text: string): unknown => parseDuration(text, 1, 86_400_000)

test.each([
  ['5', 5_000],
  ['005', 5_000],
  ['500ms', 500],
  ['30s', 30_000],
  ['10m', 600_000],
  ['24h', 86_400_000],
])('%s', (text, ms) => {
  expect(read(text)).toEqual({ value: ms })
})

test.each([
  ['ten', 'is not a time', 'whole seconds, or a whole number with a unit: 500ms, 30s, 10m, 2h'],
  ['', 'is not a time', 'whole seconds, or a whole number with a unit: 500ms, 30s, 10m, 2h'],
  ['1.5', 'is not a time', 'whole seconds, or a whole number with a unit: 500ms, 30s, 10m, 2h'],
  ['-5', 'is not a time', 'whole seconds, or a whole number with a unit: 500ms, 30s, 10m, 2h'],
  ['5 s', 'is not a time', 'write `5s`'],
  ['5sec', 'is not a time', 'write `5s`'],
  ['5 Minutes', 'is not a time', 'write `5m`'],
  ['2d', 'is not a time', 'write `48h`'],
  ['5 # five', 'is not a time', 'put the comment on a line of its own'],
  ['0', 'is too short', 'at least 1ms'],
  ['25h', 'is too long', 'at most 24h'],
  ['999999999999h', 'is too long', 'at most 24h'],
])('%j', (text, message, hint) => {
  expect(read(text)).toEqual({ message, hint })
})

test('reading inverts writing', () => {
  fc.assert(
    fc.property(fc.nat(86_400_000), fc.constantFrom(1, 1_000, 60_000), (count, unit) => {
      const ms = count * unit
      expect(parseDuration(formatDuration(ms), 0, Number.MAX_SAFE_INTEGER)).toEqual({ value: ms })
    }),
  )
})
