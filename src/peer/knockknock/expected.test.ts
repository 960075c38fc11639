// Goal: the table of expected SYNs finds what trying every counter of every profile finds, as windows move.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { ExpectedSyns, PORTS_EXPECTED_MAX } from './expected.ts'
import { COUNTER_MAX, decodeSyn, encodeSyn } from './syn.ts'
import type { KnockknockKeys } from './syn.ts'

const COUNT = 20
const keysOf = (number: number): KnockknockKeys => ({
  cipherKey: new Uint8Array(16).fill(2 * number),
  macKey: new Uint8Array(16).fill(2 * number + 1),
})

test('what it finds is what trying finds, as windows move on', () => {
  const step = fc.record({
    owner: fc.nat(3),
    port: fc.constantFrom(22, 80, 443, 8_080),
    ahead: fc.integer({ min: -3, max: 25 }),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), fc.nat(), (steps, from) => {
      const first = from % (COUNTER_MAX - 2_000)
      const table = new ExpectedSyns<number>()
      const next = [0, 1, 2, 3].map(() => first)
      for (const owner of next.keys()) table.expect(owner, keysOf(owner), first, COUNT, [22, 80])
      for (const { owner, port, ahead } of steps) {
        const counter = Math.max(0, next[owner]! + ahead)
        const syn = encodeSyn(port, keysOf(owner), counter)
        const tried = decodeSyn(syn, keysOf(owner), next[owner]!, COUNT)
        const expected = tried === undefined ? undefined : { owner, ...tried }
        expect(table.search(syn)).toEqual(expected)
        const found = table.find(syn)
        if (port === 22 || port === 80)
          expect(found && { owner: found.owner, port: found.port, counter: found.counter }).toEqual(expected)
        else expect(found).toBeUndefined()
        if (expected === undefined) continue
        next[owner] = counter + 1
        table.expect(owner, keysOf(owner), counter + 1, COUNT, [])
        expect(table.find(syn)).toBeUndefined()
        expect(table.search(syn)).toBeUndefined()
      }
    }),
    { numRuns: 40 },
  )
})

test('a port that is asked for later is expected from then on, up to a bound', () => {
  const table = new ExpectedSyns<string>()
  const keys = keysOf(1)
  table.expect('alice', keys, 0, COUNT, [22])
  for (let port = 100; port < 100 + 2 * PORTS_EXPECTED_MAX; port++) table.expect('alice', keys, 0, COUNT, [port])
  const found = Array.from({ length: 2 * PORTS_EXPECTED_MAX }, (_, index) =>
    table.find(encodeSyn(100 + index, keys, 3)),
  )
  expect(found.filter((each) => each !== undefined)).toHaveLength(PORTS_EXPECTED_MAX - 1)
  expect(table.find(encodeSyn(22, keys, 3))).toMatchObject({ owner: 'alice', port: 22, counter: 3 })
})

test('the last counters there are have no others behind them', () => {
  const table = new ExpectedSyns<string>()
  table.expect('alice', keysOf(1), COUNTER_MAX - 1, COUNT, [22])
  expect(table.find(encodeSyn(22, keysOf(1), COUNTER_MAX))).toMatchObject({ counter: COUNTER_MAX })
  table.expect('alice', keysOf(1), COUNTER_MAX + 1, COUNT, [])
  expect(table.find(encodeSyn(22, keysOf(1), COUNTER_MAX))).toBeUndefined()
})
