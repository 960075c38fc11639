// Goal: no source spends another's budget, all together spend at most their limit, and a source that has opened before
// is served.
import { expect, test } from 'vitest'
import type { Address } from '../packet/address.ts'
import { parseAddress } from '../packet/address.ts'
import { SourceBudget } from './source-budget.ts'
import type { BudgetLimits } from './source-budget.ts'

const LIMITS: BudgetLimits = {
  source: { perSecond: 10, burst: 5 },
  all: { perSecond: 100, burst: 50 },
  known: { perSecond: 20, burst: 10 },
  allKnown: { perSecond: 50, burst: 25 },
  sourcesMax: 64,
  knownMax: 8,
}
const SEED = [11, 13] as const

const address = (text: string): Address => parseAddress(text)!
const honest = address('192.0.2.1')
const flooder = address('198.51.100.1')
/** Forged addresses, each different. */
const forged = (number: number): Address => ({ family: 4, a: (10 << 24) | number | 0, b: 0, c: 0, d: 0 })

/** Takes what can be taken at one moment; returns the number. */
function drain(budget: SourceBudget, source: Address, now: number): number {
  let taken = 0
  while (taken < 1_000 && budget.take(source, now)) taken++
  return taken
}

test('a source that asks for too much uses up its own budget only', () => {
  const budget = new SourceBudget(LIMITS, SEED)
  expect(drain(budget, flooder, 0)).toBe(LIMITS.source.burst)
  expect(drain(budget, honest, 0)).toBe(LIMITS.source.burst)
  expect(drain(budget, flooder, 1_000)).toBe(LIMITS.source.burst)
})

test('a /64 of IPv6 is one source', () => {
  const budget = new SourceBudget(LIMITS, SEED)
  expect(drain(budget, address('2001:db8::1'), 0)).toBe(LIMITS.source.burst)
  expect(drain(budget, address('2001:db8::ffff:2'), 0)).toBe(0)
  expect(drain(budget, address('2001:db8:0:1::1'), 0)).toBe(LIMITS.source.burst)
})

test('many sources together get at most the limit for all', () => {
  const budget = new SourceBudget(LIMITS, SEED)
  let taken = 0
  for (let number = 0; number < 10_000; number++) if (budget.take(forged(number), number)) taken++
  expect(taken).toBeGreaterThan(LIMITS.all.perSecond * 9)
  expect(taken).toBeLessThanOrEqual(LIMITS.all.burst + LIMITS.all.perSecond * 10)
})

test('a source that has opened before is served during that flood', () => {
  const budget = new SourceBudget(LIMITS, SEED)
  expect(budget.know(honest)).toBe(true)
  expect(budget.know(honest)).toBe(false)
  let served = 0
  for (let now = 0; now < 10_000; now++) {
    for (let more = 0; more < 10; more++) budget.take(forged(now * 10 + more), now)
    if (now % 500 === 0 && budget.take(honest, now)) served++
  }
  expect(served).toBe(20)
})

test('a known source that floods leaves the others their share', () => {
  const budget = new SourceBudget(LIMITS, SEED)
  budget.know(flooder)
  budget.know(honest)
  let served = 0
  for (let now = 0; now < 10_000; now++) {
    budget.take(flooder, now)
    budget.take(forged(now), now)
    if (now % 500 === 0 && budget.take(honest, now)) served++
  }
  expect(served).toBe(20)
})

test('unknown sources cannot push out a known one, and the one known for longest gives way to a new one', () => {
  const budget = new SourceBudget(LIMITS, SEED)
  budget.know(honest)
  for (let number = 0; number < 10_000; number++) budget.take(forged(number), number)
  expect(budget.knows(honest)).toBe(true)
  for (let number = 0; number < LIMITS.knownMax - 1; number++) budget.know(forged(number))
  expect(budget.knows(honest)).toBe(true)
  budget.know(forged(100))
  expect(budget.knows(honest)).toBe(false)
  expect(budget.knows(forged(100))).toBe(true)
})

test('work is paid for afterwards, and there is more only once it is paid', () => {
  const budget = new SourceBudget(LIMITS, SEED)
  expect(budget.has(flooder, 0)).toBe(true)
  budget.spend(flooder, 0, 8)
  expect(budget.has(flooder, 0)).toBe(false)
  expect(budget.has(flooder, 299)).toBe(false)
  expect(budget.has(flooder, 310)).toBe(true)
  expect(budget.has(honest, 0)).toBe(true)
})

test('what was spent beyond all budgets delays everybody until it is paid back', () => {
  const budget = new SourceBudget(LIMITS, SEED)
  for (let number = 0; number < 20; number++) budget.spend(forged(number), 0, 5)
  expect(budget.has(honest, 0)).toBe(false)
  expect(budget.has(honest, 520)).toBe(true)
})

test('forging an address does not use up the share of a known source', () => {
  const budget = new SourceBudget(LIMITS, SEED)
  budget.know(honest)
  let taken = 0
  while (budget.take(honest, 0, 1, 'stranger')) taken++
  expect(taken).toBe(LIMITS.source.burst)
  expect(drain(budget, honest, 0)).toBe(LIMITS.known.burst)
})

test('a known source has its share in addition to what any source has', () => {
  const budget = new SourceBudget(LIMITS, SEED)
  budget.know(honest)
  expect(drain(budget, honest, 0)).toBe(LIMITS.known.burst + LIMITS.source.burst)
  expect(budget.has(honest, 0)).toBe(false)
})
