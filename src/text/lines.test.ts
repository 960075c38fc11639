// Goal: lines end where everybody agrees that they do, and whatever somebody might take for another end is told with its place.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { linesOf, piecesOf, strayIn } from './lines.ts'

const lines = (text: string): readonly (readonly [number, string])[] =>
  [...linesOf(text)].map(({ number, text: line }) => [number, line])

test('LF and CR LF end a line, and a byte order mark is passed over', () => {
  expect(lines('\uFEFFone\r\ntwo\n\r\n')).toEqual([
    [1, 'one'],
    [2, 'two'],
    [3, ''],
    [4, ''],
  ])
  expect(lines('')).toEqual([[1, '']])
})

test.each([
  ['one\rtwo', 4, '<U+000D>'],
  ['one\r', 4, '<U+000D>'],
  ['# one\rtwo', 6, '<U+000D>'],
  ['  one\u2028two', 6, '<U+2028>'],
  ['one\u2029two', 4, '<U+2029>'],
  ['# one\u0085two', 6, '<U+0085>'],
  ['one\ftwo', 4, '<U+000C>'],
  ['one\vtwo', 4, '<U+000B>'],
  ['one\0', 4, '<U+0000>'],
])('%j has one that is told', (line, column, name) => {
  expect(strayIn(line)).toMatchObject({ column, message: `${name} in this line ends it for other programs` })
})

test.each(['', 'one', '\f', ' \u2028', 'one\f', '# one \f two', '# \0', 'Ä\u00A0ß'])('%j has none', (line) => {
  expect(strayIn(line)).toBeUndefined()
})

const bytes = (text: string): string => Buffer.from(text).toString('latin1')

test('in bytes it is the same', () => {
  expect(strayIn(bytes('1\u20282'), true)).toMatchObject({ column: 2 })
  expect(strayIn(bytes('# Å…'), true)).toBeUndefined()
  expect(strayIn(bytes('1\r2'), true)).toMatchObject({ column: 2 })
})

test('every line has its number, whatever is in it', () => {
  const text = fc.string({ unit: fc.constantFrom('a', '\n', '\r', '\u2028', '\0', '\uFEFF', '#', ' ', '\uD800') })
  fc.assert(
    fc.property(text, (each) => {
      const all = [...linesOf(each)]
      expect(all.map(({ number }) => number)).toEqual(all.map((_, at) => at + 1))
      expect(all).toHaveLength(each.split('\n').length)
      for (const { text: line, stray } of all) if (line.includes('\r')) expect(stray).toBeDefined()
      for (const piece of piecesOf(each)) expect(piece).not.toMatch(/[\n\r\u2028\0]|^#/)
    }),
  )
})
