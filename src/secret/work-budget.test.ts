// Goal: single packets take at most their share of the time, measured as it passes, and a known source has its own
// share.
import { expect, test } from 'vitest'
import { parseAddress } from '../packet/address.ts'
import type { Address } from '../packet/address.ts'
import { WORK_LIMITS, WorkBudget } from './work-budget.ts'

const owner = parseAddress('192.0.2.1')!
const forged = (number: number): Address => ({ family: 4, a: (10 << 24) | number, b: 0, c: 0, d: 0 })

/** A clock that the work advances. */
class Clock {
  ms = 0
  readonly now = (): number => this.ms
}

test('whatever a packet costs, unknown sources take at most their share of the time', () => {
  for (const costMs of [0.005, 0.7, 6]) {
    const clock = new Clock()
    const work = new WorkBudget(clock.now)
    let busyMs = 0
    // Packets come faster than they can be checked.
    for (let number = 0; clock.ms < 3_000; number++) {
      const done = work.run(forged(number), 'itself', () => {
        clock.ms += costMs
        busyMs += costMs
      })
      if (done === undefined) clock.ms += 0.05
    }
    const share = (WORK_LIMITS.all.perSecond * 3 + 2 * WORK_LIMITS.all.burst) / 1_000
    expect(busyMs).toBeLessThan(share)
    expect(busyMs).toBeGreaterThan(share * 0.9)
  }
})

test('one source takes its own share, and a known source is served beside all others', () => {
  const clock = new Clock()
  const work = new WorkBudget(clock.now)
  work.know(owner)
  let served = 0
  let asked = 0
  let flooded = 0
  for (let number = 0; clock.ms < 3_000; number++) {
    const cost = (): void => void (clock.ms += 0.1)
    if (work.run(forged(number), 'itself', cost) !== undefined) flooded++
    else clock.ms += 0.05
    if (number % 100 !== 0) continue
    asked++
    if (work.run(owner, 'itself', cost) !== undefined) served++
  }
  expect(flooded).toBeGreaterThan(500)
  expect(served).toBe(asked)
})

test('work that throws is paid for', () => {
  const clock = new Clock()
  const work = new WorkBudget(clock.now)
  const fails = (): never => {
    clock.ms += 100
    throw new Error('no')
  }
  expect(() => work.run(owner, 'itself', fails)).toThrow('no')
  expect(work.run(owner, 'itself', () => 1)).toBeUndefined()
})

test('a flood from a network of many keys leaves time for other keys, and for known sources', () => {
  const clock = new Clock()
  const work = new WorkBudget(clock.now)
  const keys = Array.from({ length: 200 }, () => ({ share: work.share() }))
  const other = { share: work.share() }
  work.know(owner)
  const stranger = parseAddress('198.51.100.1')!
  const served = { known: 0, named: 0 }
  let [asked, flooded] = [0, 0]
  for (let number = 0; clock.ms < 2_000; number++) {
    // Trying a key takes three microseconds.
    const costs = (tried: readonly unknown[]): void => void (clock.ms += tried.length * 0.003)
    if (work.runNamed(forged(number), keys, costs) === undefined) clock.ms += 0.02
    else flooded++
    if (number % 100 !== 0) continue
    asked++
    if (work.run(owner, 'itself', () => costs([1])) !== undefined) served.known++
    if (work.runNamed(stranger, [other], costs) !== undefined) served.named++
  }
  expect(flooded).toBeGreaterThan(500)
  expect(served).toEqual({ known: asked, named: asked })
})

test('a flood from all networks of keys leaves time for known sources, beside a flood of unknown sources', () => {
  const clock = new Clock()
  const work = new WorkBudget(clock.now)
  const keys = Array.from({ length: 20 }, () => ({ share: work.share() }))
  work.know(owner)
  let [asked, served] = [0, 0]
  const cost = (): void => void (clock.ms += 0.1)
  for (let number = 0; clock.ms < 1_500; number++) {
    if (work.runNamed(forged(number), [keys[number % keys.length]!], cost) === undefined) clock.ms += 0.01
    if (work.run(forged(-number), 'itself', cost) === undefined) clock.ms += 0.01
    if (number % 100 !== 0) continue
    asked++
    if (work.run(owner, 'itself', cost) !== undefined) served++
  }
  expect(served).toBe(asked)
})
