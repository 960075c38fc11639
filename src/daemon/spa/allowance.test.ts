// Goal: what is costly is done as often as is allowed and no more, all at once or evenly.
import { expect, test } from 'vitest'
import { Allowance, BURST_MS } from './allowance.ts'

const PER_S = 100
const BURST = (PER_S * BURST_MS) / 1_000

const taken = (allowance: Allowance, times: number, now: number): number =>
  Array.from({ length: times }, () => allowance.take(now)).filter(Boolean).length

test('some are there at once, and no more', () => {
  const allowance = new Allowance(PER_S)
  expect(taken(allowance, 5 * PER_S, 0)).toBe(BURST)
  expect(taken(allowance, 5 * PER_S, 0)).toBe(0)
})

test('in a flood it is given out evenly', () => {
  const allowance = new Allowance(PER_S)
  taken(allowance, 5 * PER_S, 0)
  const perTenth = Array.from({ length: 50 }, (_, tenth) => taken(allowance, PER_S, (tenth + 1) * 100))
  expect(Math.max(...perTenth)).toBeLessThanOrEqual(PER_S / 10 + 1)
  expect(perTenth.reduce((sum, each) => sum + each)).toBeGreaterThanOrEqual(5 * PER_S - 1)
})

test('a long quiet time saves up no more than that', () => {
  const allowance = new Allowance(PER_S)
  taken(allowance, PER_S, 0)
  expect(taken(allowance, 5 * PER_S, 3_600_000)).toBe(BURST)
})
