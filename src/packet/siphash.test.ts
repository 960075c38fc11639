// Goal: the hash depends on its key and on every bit of the address, and spreads addresses that differ little.
import { expect, test } from 'vitest'
import { sipHash } from './siphash.ts'

const flips = (one: number, other: number): number => ((one ^ other) >>> 0).toString(2).replaceAll(/[^1]/g, '').length

const hash = (changed: readonly number[]): number => {
  const [key0, key1, a, b, c, d] = changed
  return sipHash(key0!, key1!, a!, b!, c!, d!) >>> 0
}

test('every bit of the address, and of the key, changes about half of the hash', () => {
  const words = [1, 2, 0x20010db8, 0, 0, 7]
  const before = hash(words)
  let flipped = 0
  for (let word = 0; word < words.length; word++) {
    for (let bit = 0; bit < 32; bit++) {
      const count = flips(
        before,
        hash(words.map((value, index) => (index === word ? value ^ (1 << bit) : value))) >>> 0,
      )
      expect(count).toBeGreaterThan(0)
      flipped += count
    }
  }
  const mean = flipped / (words.length * 32)
  expect(mean).toBeGreaterThan(14)
  expect(mean).toBeLessThan(18)
})

test('neighbouring addresses fill a table evenly', () => {
  const slots = new Uint16Array(1 << 12)
  for (let host = 0; host < slots.length * 8; host++) slots[sipHash(1, 2, host, 0, 0, 0) & (slots.length - 1)]!++
  expect(Math.max(...slots)).toBeLessThan(40)
  expect(slots.filter((count) => count === 0).length).toBeLessThan(20)
})
