// Goal: a restart of the machine's firewall leaves no port unguarded for a second. If another program keeps undoing
// repairs, they slow down.
import { expect, test } from 'vitest'
import { REPAIRS_BURST, REPAIR_PAUSE_MS, Repairs } from './repairs.ts'

test('the first few are made at once, and again after a quiet time', () => {
  const repairs = new Repairs()
  for (const start of [1_000, 1_000 + 2 * REPAIRS_BURST * REPAIR_PAUSE_MS]) {
    for (let count = 0; count < REPAIRS_BURST; count++) {
      expect(repairs.wait(start)).toBe(0)
      repairs.made(start)
    }
    expect(repairs.wait(start)).toBe(REPAIR_PAUSE_MS)
  }
})

test('in a fight there is one a pause', () => {
  const repairs = new Repairs()
  let made = 0
  for (let now = 0; now < 60_000; now += 20) {
    if (repairs.wait(now) > 0) continue
    repairs.made(now)
    made++
  }
  expect(made).toBeLessThanOrEqual(60_000 / REPAIR_PAUSE_MS + REPAIRS_BURST)
  expect(made).toBeGreaterThanOrEqual(60_000 / REPAIR_PAUSE_MS)
})
