// Goal: the remaining time of an opening is right by either clock, and never more than the whole.
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { deadlineAfter, timeLeft } from './deadline.ts'

const set = { wall: 1_000_000, boot: 'a', bootNow: 50_000 }
const deadline = deadlineAfter(set, 10_000)

describe('in the same boot', () => {
  test('the boot clock counts', () => {
    expect(timeLeft(deadline, { wall: 1_004_000, boot: 'a', bootNow: 54_000 })).toBe(6_000)
    expect(timeLeft(deadline, { wall: 1_010_000, boot: 'a', bootNow: 60_000 })).toBe(0)
  })

  test('setting the wall clock changes nothing', () => {
    fc.assert(
      fc.property(fc.nat(20_000), fc.integer(), (passed, wall) => {
        expect(timeLeft(deadline, { wall, boot: 'a', bootNow: 50_000 + passed })).toBe(Math.max(0, 10_000 - passed))
      }),
    )
  })

  test('a boot clock that runs behind the opening is another one: the wall clock counts', () => {
    expect(timeLeft(deadline, { wall: 1_004_000, boot: 'a', bootNow: 100 })).toBe(6_000)
  })
})

describe('in another boot, or without boot clock', () => {
  test.each([
    { boot: 'b', bootNow: 54_000 },
    { boot: undefined, bootNow: undefined },
    { boot: 'a', bootNow: undefined },
  ])('the wall clock counts: %o', (now) => {
    expect(timeLeft(deadline, { wall: 1_004_000, ...now })).toBe(6_000)
    expect(timeLeft(deadline, { wall: 1_020_000, ...now })).toBe(0)
    // Set back by a day, it could hold the door open for a day.
    expect(timeLeft(deadline, { wall: 1_000_000 - 86_400_000, ...now })).toBe(10_000)
  })

  test('a deadline without boot clock is not compared with one', () => {
    const plain = deadlineAfter({ wall: 0, boot: undefined, bootNow: undefined }, 500)
    expect(plain).toEqual({ since: 0, until: 500, boot: undefined, bootUntil: undefined })
    expect(timeLeft(plain, { wall: 100, boot: undefined, bootNow: 7 })).toBe(400)
  })
})

const time = fc.integer({ min: -1e15, max: 1e15 })
const maybe = fc.option(time, { nil: undefined })
const boot = fc.constantFrom('a', 'b', undefined)

test('always from 0 to the whole duration', () => {
  fc.assert(
    fc.property(time, time, boot, maybe, time, boot, maybe, (since, until, on, bootUntil, wall, in_, bootNow) => {
      const left = timeLeft({ since, until, boot: on, bootUntil }, { wall, boot: in_, bootNow })
      expect(left).toBeGreaterThanOrEqual(0)
      expect(left).toBeLessThanOrEqual(Math.max(0, until - since))
    }),
  )
})

test('it only gets shorter as both clocks go on', () => {
  fc.assert(
    fc.property(fc.nat(30_000), fc.nat(30_000), boot, (passed, more, in_) => {
      const at = (after: number) => timeLeft(deadline, { wall: 1e6 + after, boot: in_, bootNow: 50_000 + after })
      expect(at(passed + more)).toBeLessThanOrEqual(at(passed))
    }),
  )
})
