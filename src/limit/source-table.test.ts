// Goal: the flat table does what a map in the order of use does, whatever comes.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseAddress } from '../packet/address.ts'
import type { Address } from '../packet/address.ts'
import { LruMap } from './lru-map.ts'
import { NONE, SourceTable } from './source-table.ts'

const address = (text: string): Address => parseAddress(text)!

test('an IPv4 address is a source, and so is a /64', () => {
  const table = new SourceTable(8, [1, 2])
  const four = table.add(address('192.0.2.1'))
  const six = table.add(address('2001:db8:0:1::1'))
  expect(table.find(address('192.0.2.1'))).toBe(four)
  expect(table.find(address('192.0.2.2'))).toBe(NONE)
  expect(table.find(address('2001:db8:0:1:ffff::2'))).toBe(six)
  expect(table.find(address('2001:db8:0:2::1'))).toBe(NONE)
  // The same words in the other family are another source.
  expect(table.find({ ...address('192.0.2.1'), family: 6 })).toBe(NONE)
})

test('it does what a map in the order of use does', () => {
  const steps = fc.array(fc.record({ touches: fc.boolean(), source: fc.nat(40) }), { maxLength: 300 })
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 16 }), steps, (max, all) => {
      const table = new SourceTable(max, [7, 9])
      const model = new LruMap<number, number>(max)
      for (const { touches, source } of all) {
        const what: Address = { family: source % 2 === 0 ? 4 : 6, a: source | 0, b: 5, c: source, d: 0 }
        const slot = table.find(what)
        expect(slot === NONE).toBe(!model.has(source))
        if (slot === NONE) model.set(source, table.add(what))
        else {
          expect(slot).toBe(model.peek(source))
          if (!touches) continue
          table.touch(slot)
          model.get(source)
        }
        expect(table.count).toBe(model.size)
      }
      for (const [source, slot] of model) {
        expect(table.find({ family: source % 2 === 0 ? 4 : 6, a: source | 0, b: 5, c: 0, d: 0 })).toBe(slot)
      }
    }),
  )
})
