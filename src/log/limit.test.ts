// Goal: the lines that unknown sources cause stay within the budget, and no source uses up another's.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Address } from '../packet/address.ts'
import { FloodLimit, SOURCE_BURST_LINES, SOURCE_LINES_PER_S, TOTAL_BURST_LINES, TOTAL_LINES_PER_S } from './limit.ts'

const four = (a: number): Address => ({ family: 4, a, b: 0, c: 0, d: 0 })

function admitted(limit: FloodLimit, source: Address, now: number, tries: number): number {
  let count = 0
  for (let index = 0; index < tries; index++) if (limit.admit(source, now)) count++
  return count
}

test('one source has its burst, then its rate, and leaves the others theirs', () => {
  const limit = new FloodLimit([1, 2])
  expect(admitted(limit, four(1), 0, 1_000)).toBe(SOURCE_BURST_LINES)
  expect(admitted(limit, four(2), 0, 1_000)).toBe(SOURCE_BURST_LINES)
  expect(admitted(limit, four(1), 3_000, 1_000)).toBe(3 * SOURCE_LINES_PER_S)
  expect(admitted(limit, four(1), 3_600_000, 1_000)).toBe(SOURCE_BURST_LINES)
})

test('all sources together have the total burst, then the total rate', () => {
  const limit = new FloodLimit([1, 2])
  let first = 0
  for (let source = 1; source <= 10_000; source++) if (limit.admit(four(source), 0)) first++
  expect(first).toBe(TOTAL_BURST_LINES)
  let second = 0
  for (let source = 10_001; source <= 20_000; source++) if (limit.admit(four(source), 1_000)) second++
  expect(second).toBe(TOTAL_LINES_PER_S)
})

test('the addresses of a /64 are one source, those of another are not', () => {
  const limit = new FloodLimit([1, 2])
  let count = 0
  for (let d = 0; d < 100; d++) if (limit.admit({ family: 6, a: 1, b: 2, c: 0, d }, 0)) count++
  expect(count).toBe(SOURCE_BURST_LINES)
  expect(limit.admit({ family: 6, a: 1, b: 3, c: 0, d: 0 }, 0)).toBe(true)
})

test('a clock that is set back neither gives lines nor keeps them for long', () => {
  const limit = new FloodLimit([1, 2])
  admitted(limit, four(1), 1_000_000, 100)
  expect(limit.admit(four(1), 0)).toBe(false)
  expect(limit.admit(four(1), 1_000)).toBe(true)
})

test('never more than the budget over any run', () => {
  const step = fc.record({ source: fc.integer({ min: 0, max: 20_000 }), wait: fc.integer({ min: 0, max: 40 }) })
  fc.assert(
    fc.property(fc.array(step, { minLength: 800, maxLength: 3_000 }), fc.integer(), (steps, seed) => {
      const limit = new FloodLimit([seed, 7])
      let now = 0
      let count = 0
      for (const { source, wait } of steps) {
        now += wait
        if (limit.admit(four(source), now)) count++
      }
      expect(count).toBeLessThanOrEqual(TOTAL_BURST_LINES + (now / 1_000) * TOTAL_LINES_PER_S + 1e-6)
    }),
    { numRuns: 20 },
  )
})
