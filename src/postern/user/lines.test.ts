// Goal: whatever is in a file of users, an edit changes the line that it is about, and no other byte.
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { anyText } from '../../../test/any-text.ts'
import { lineLike, unmarked, withLine, withMarks, withoutLines, withoutMarks } from './lines.ts'

const bytesOf = (text: string): string => Buffer.from(text).toString('latin1')
/** Any text of lines, with one kind of line end, with or without a last one and a byte order mark. */
const texts = fc
  .record({
    mark: fc.constantFrom('', bytesOf('\uFEFF')),
    lines: fc.array(fc.oneof(fc.constant(''), anyText()), { maxLength: 8 }),
    end: fc.constantFrom('\n', '\r\n'),
    closed: fc.boolean(),
  })
  .map(({ mark, lines, end, closed }) => {
    const clean = lines.map((line) => bytesOf(line).replaceAll(/[\r\n]/g, ' '))
    return `${mark}${clean.join(end)}${closed && clean.length > 0 ? end : ''}`
  })
const linesIn = (text: string): number => text.split('\n').length

test('a line that is added and removed again leaves every byte as it was', () => {
  fc.assert(
    fc.property(texts, (text) => {
      const added = withLine(text, 'alice 1,2')
      const rest = text.replace(/^\u00EF\u00BB\u00BF/, '')
      const at = added.split('\n').findLastIndex((line) => line.endsWith('alice 1,2') || line.endsWith('alice 1,2\r'))
      expect(added.startsWith(text)).toBe(true)
      expect(rest === '' || added.split('\n')[at]!.startsWith('alice')).toBe(true)
      expect(withoutLines(added, new Set([at + 1]))).toBe(text)
    }),
    { numRuns: 1_000 },
  )
})

test('lines that are disabled and enabled again are as they were, and no other line changes', () => {
  fc.assert(
    fc.property(texts, fc.array(fc.nat(8)), (text, some) => {
      // A line that is blank, or disabled, is nobody's.
      const lines = text.replace(/^\u00EF\u00BB\u00BF/, '').split('\n')
      const numbers = some.filter((index) => (lines[index] ?? '').trim() !== '').map((index) => index + 1)
      const plain = new Set(numbers.filter((number) => unmarked(lines[number - 1]!) === undefined))
      const marked = withMarks(text, plain)
      expect(linesIn(marked)).toBe(linesIn(text))
      const after = marked.replace(/^\u00EF\u00BB\u00BF/, '').split('\n')
      for (const [index, line] of lines.entries()) if (!plain.has(index + 1)) expect(after[index]).toBe(line)
      for (const number of plain) expect(after[number - 1]).toMatch(/^[ \t]*#disabled /)
      expect(withoutMarks(marked, plain)).toBe(text)
    }),
    { numRuns: 1_000 },
  )
})

test.each([
  ['', 'alice 1\n'],
  ['bob 2', 'bob 2\nalice 1'],
  ['bob 2\n', 'bob 2\nalice 1\n'],
  ['# a\r\nbob 2', '# a\r\nbob 2\r\nalice 1'],
  ['# a\r\n', '# a\r\nalice 1\r\n'],
  ['a\r\nb\n', 'a\r\nb\nalice 1\n'],
])('%j keeps its line ends', (text, after) => {
  expect(withLine(text, 'alice 1')).toBe(after)
})

test.each([
  ['#disabled alice 1,2', 'alice 1,2'],
  ['  #  disabled\talice 1,2', '  alice 1,2'],
  ['# disabled alice', 'alice'],
  ['#disabled', undefined],
  ['#disabledalice 1', undefined],
  ['# Disabled alice 1', undefined],
  ['alice #disabled 1', undefined],
])('the mark of %j may be written by hand', (line, rest) => {
  expect(unmarked(line)).toBe(rest)
})

describe('the style of a file', () => {
  test.each([
    [undefined, 'alice', 'alice V'],
    ['bob 1,2', 'alice', 'alice V'],
    ['bob   1,2', 'alice', 'alice V'],
    ['robert   1,2', 'al', 'al       V'],
    ['bob\t\t1,2', 'alice', 'alice\t\tV'],
    ['  bob 1,2', 'alice', '  alice V'],
    ['bob      1,2', 'alexandra.the.great', 'alexandra.the.great V'],
  ])('%j', (sample, name, line) => {
    expect(lineLike(sample, name, 'V')).toBe(line)
  })
})
