// Goal: rounds after a failed one leave the network more time, and no round takes longer than a daemon waits.
import { expect, test } from 'vitest'
import { HELD_MS, spacingOf } from './spacing.ts'

test('the first round is as asked', () => {
  expect(spacingOf(0, 0, 3)).toEqual({ pauseMs: 0, heldMs: 0 })
  expect(spacingOf(0, 700, 3)).toEqual({ pauseMs: 700, heldMs: 0 })
})

test('later rounds are wider, and every other one from the fourth on holds its sockets', () => {
  const rounds = [1, 2, 3, 4, 5, 6].map((round) => spacingOf(round, 0, 3))
  expect(rounds.map(({ pauseMs }) => pauseMs)).toEqual([100, 200, HELD_MS, 400, HELD_MS, 400])
  expect(rounds.map(({ heldMs }) => heldMs)).toEqual([0, 0, HELD_MS, 0, HELD_MS, 0])
})

test('a delay that is asked for is never shortened', () => {
  for (const round of [1, 2, 3]) expect(spacingOf(round, 5_000, 3).pauseMs).toBe(5_000)
})

test('a long sequence takes no longer than a daemon waits for it', () => {
  for (let knocks = 1; knocks <= 32; knocks++) {
    for (let round = 1; round < 6; round++) {
      const { pauseMs, heldMs } = spacingOf(round, 0, knocks)
      expect(pauseMs * (knocks - 1)).toBeLessThanOrEqual(12_000)
      // A SYN that is sent again after the next knock would be out of order.
      expect(heldMs === 0 || knocks === 1 || heldMs <= pauseMs).toBe(true)
    }
  }
})
