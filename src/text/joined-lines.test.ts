// Goal: lines are joined as `/\s*\n\s*/g` would join them, and a run of blanks that a log or a command has takes no time.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { joinLines } from './joined-lines.ts'

test('lines are joined as a regular expression would do it', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '\n', '\n', ' ', '\t', '\r', '\u2028') })
  fc.assert(
    fc.property(text, (each) => {
      expect(joinLines(each)).toBe(each.replaceAll(/\s*\n\s*/g, '; '))
    }),
    { numRuns: 2_000 },
  )
})

test('a long run of blanks takes time of its length', () => {
  // By the regular expression, this takes a minute.
  const blanks = ' '.repeat(1_000_000)
  const before = process.cpuUsage()
  expect(joinLines(`a${blanks}b\n${blanks}c`)).toBe(`a${blanks}b; c`)
  expect(process.cpuUsage(before).user).toBeLessThan(5_000_000)
})
