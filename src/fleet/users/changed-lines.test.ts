// Goal: only whole lines that both files have are left out.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { changedLines } from './changed-lines.ts'

const texts = ([one, other]: readonly [Buffer, Buffer]): readonly string[] => [one.toString(), other.toString()]

test('an edit of a line leaves that line', () => {
  const cases: readonly (readonly [string, string, string, string])[] = [
    ['a\nb\nc\n', 'a\nx\nc\n', 'b\n', 'x\n'],
    ['a\nb\nc\n', 'a\nc\n', 'b\nc\n', 'c\n'],
    ['a\nc\n', 'a\nb\nc\n', 'c\n', 'b\nc\n'],
    ['a\na\n', 'a\n', 'a\n', ''],
    ['ab\nb\n', 'cb\nb\n', 'ab\n', 'cb\n'],
    ['a', 'b', 'a', 'b'],
    ['', 'a\n', '', 'a\n'],
    ['a\n', 'a\n', '', ''],
    ['a\nb', 'a\nb\n', 'b', 'b\n'],
  ]
  for (const [one, other, left, right] of cases) {
    expect(texts(changedLines(Buffer.from(one), Buffer.from(other)))).toEqual([left, right])
  }
})

test('of any two files, both regions begin and end with lines, and the rest is the same', () => {
  const file = fc
    .array(fc.tuple(fc.constantFrom('a', 'b', 'ab', ''), fc.constantFrom(1, 1, 1, 5_000)), { maxLength: 12 })
    .map((lines) => lines.map(([text, times]) => text.repeat(times)).join('\n'))
  fc.assert(
    fc.property(file, file, (one, other) => {
      const [left, right] = texts(changedLines(Buffer.from(one), Buffer.from(other))) as [string, string]
      const before = [...Array(one.length + 1).keys()].some((at) => {
        const [head, tail] = [one.slice(0, at), one.slice(at + left.length)]
        const isLines = (head === '' || head.endsWith('\n')) && (tail === '' || left === '' || left.endsWith('\n'))
        return isLines && one === head + left + tail && other === head + right + tail
      })
      expect(before).toBe(true)
    }),
    { numRuns: 300 },
  )
})
