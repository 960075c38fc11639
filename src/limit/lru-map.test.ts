// Goal: the map holds up to its limit, and drops the entry that was used longest ago.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { LruMap } from './lru-map.ts'

test('the least recently used gives way', () => {
  const map = new LruMap<string, number>(2)
  map.set('one', 1)
  map.set('two', 2)
  expect(map.get('one')).toBe(1)
  map.set('three', 3)
  expect([...map]).toEqual([
    ['one', 1],
    ['three', 3],
  ])
  expect(map.has('two')).toBe(false)
})

test('looking without using changes nothing', () => {
  const map = new LruMap<string, number>(2)
  map.set('one', 1)
  map.set('two', 2)
  expect(map.peek('one')).toBe(1)
  map.set('three', 3)
  expect(map.has('one')).toBe(false)
})

test('whatever is done, it does what a list of pairs does', () => {
  const step = fc.record({ what: fc.constantFrom('get', 'peek', 'set', 'delete'), key: fc.nat(8), value: fc.nat() })
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 }), fc.array(step, { maxLength: 100 }), (max, steps) => {
      const map = new LruMap<number, number>(max)
      let model: [number, number][] = []
      for (const { what, key, value } of steps) {
        const there = model.find(([each]) => each === key)
        const others = model.filter(([each]) => each !== key)
        if (what === 'set') {
          map.set(key, value)
          model = [...others, [key, value] as [number, number]].slice(-max)
        } else if (what === 'get') {
          expect(map.get(key)).toBe(there?.[1])
          if (there !== undefined) model = [...others, there]
        } else if (what === 'peek') expect(map.peek(key)).toBe(there?.[1])
        else {
          expect(map.delete(key)).toBe(there !== undefined)
          model = others
        }
        expect([...map]).toEqual(model)
        expect(map.size).toBe(model.length)
      }
    }),
  )
})

test('a full map takes new entries about as fast as one with room', () => {
  const size = 32_768
  const map = new LruMap<number, true>(size)
  const [room, full] = [0, size].map((from) => {
    const began = performance.now()
    for (let key = from; key < from + size; key++) map.set(key, true)
    return performance.now() - began
  })
  // It was 200 times as much when each eviction looked for the oldest from the beginning.
  expect(full!).toBeLessThan(60 * Math.max(1, room!))
})
