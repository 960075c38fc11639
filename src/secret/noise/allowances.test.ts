// Goal: the packets of one user are limited first, and then those of all.
import { expect, test } from 'vitest'
import { ALL_PACKETS, Allowances, USER_PACKETS } from './allowances.ts'
import type { TaggedUser } from './user-tags.ts'

const user = (): TaggedUser => ({ publicKey: new Uint8Array(), secret: new Uint8Array(), allowance: undefined })

/** Counts the packets that are opened in a second, of one each millisecond for each user. */
function opened(allowances: Allowances, users: readonly TaggedUser[], from = 0): number {
  let count = 0
  for (let now = from; now < from + 1_000; now++) {
    for (const each of users) {
      if (!allowances.has(each, now)) continue
      allowances.spend(each, now)
      count++
    }
  }
  return count
}

test('a user has a burst and a rate, and another has as much', () => {
  const allowances = new Allowances()
  const [alice, bob] = [user(), user()]
  const most = USER_PACKETS.burst + USER_PACKETS.perSecond
  expect(opened(allowances, [alice])).toBe(most - 1)
  expect(opened(allowances, [alice], 1_000)).toBeLessThanOrEqual(USER_PACKETS.perSecond + 1)
  expect(opened(allowances, [bob], 1_000)).toBe(most - 1)
})

test('all together have a limit, and a refused packet costs its user nothing', () => {
  const allowances = new Allowances()
  const most = ALL_PACKETS.burst + ALL_PACKETS.perSecond
  const count = opened(allowances, Array.from({ length: 500 }, user))
  expect(count).toBeGreaterThan(most * 0.99)
  expect(count).toBeLessThanOrEqual(most)
  const quiet = user()
  expect(allowances.has(quiet, 999)).toBe(false)
  expect(allowances.has(quiet, 1_999)).toBe(true)
})
