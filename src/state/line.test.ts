// Goal: a line of the journal is read back as it was written, and every changed byte is noticed.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { LINE_MAX_BYTES, decodeLine, encodeLine } from './line.ts'

test('the format is the documented one', () => {
  expect(encodeLine(3, 2, '{"kind":"closed","id":"7"}').toString()).toBe('934f9d6b 3 2 {"kind":"closed","id":"7"}\n')
})

test('decoding inverts encoding', () => {
  fc.assert(
    fc.property(fc.nat(), fc.nat(), fc.jsonValue(), (number, durable, value) => {
      const json = JSON.stringify(value)
      const line = encodeLine(number, durable, json)
      expect(line.indexOf(10)).toBe(line.length - 1)
      expect(decodeLine(line.subarray(0, -1))).toEqual({ number, durable, value: JSON.parse(json) })
    }),
  )
})

test('a line with one bit changed, or one byte more or less, is refused', () => {
  const line = encodeLine(12, 11, JSON.stringify({ door: 'sésame', id: 'a' })).subarray(0, -1)
  for (let bit = 0; bit < line.length * 8; bit++) {
    const changed = Buffer.from(line)
    changed[bit >> 3]! ^= 1 << (bit & 7)
    // An upper-case checksum spells the same number, and is refused as well.
    expect(decodeLine(changed), `bit ${bit}`).toBeUndefined()
  }
  for (let length = 0; length < line.length; length++) expect(decodeLine(line.subarray(0, length))).toBeUndefined()
  expect(decodeLine(Buffer.concat([line, Buffer.from('\0')]))).toBeUndefined()
})

test('a line that is too long is refused', () => {
  const json = JSON.stringify('x'.repeat(LINE_MAX_BYTES))
  expect(decodeLine(encodeLine(0, 0, json).subarray(0, -1))).toBeUndefined()
})
