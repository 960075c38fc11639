// Goal: each line of a one-time file is found at the very bytes where its mark has to be.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseOneTime } from './one-time.ts'
import { formatSequence, parseSequence } from './sequence.ts'

const bytes = (text: string): string => Buffer.from(text).toString('latin1')

test('lines with their bytes', () => {
  const text = bytes('# für später\n 7000,8000:udp\r\n\n#9000,1\n  # blank before\n5')
  const { lines, faults } = parseOneTime(text)
  expect(faults).toEqual([])
  expect(
    lines.map(({ line, offset, length, marked, knocks }) => [line, offset, length, marked, formatSequence(knocks)]),
  ).toEqual([
    [1, 0, 14, true, ''],
    [2, 15, 14, false, '7000,8000:udp'],
    [4, 32, 7, true, ''],
    [6, 57, 1, false, '5'],
  ])
})

test('a byte order mark belongs to its line', () => {
  const { lines } = parseOneTime(bytes('\uFEFF7000\n8000\n'))
  expect(lines.map(({ offset, length }) => [offset, length])).toEqual([
    [0, 7],
    [8, 4],
  ])
})

test('a malformed line is reported and left out, the others are kept', () => {
  const { lines, faults } = parseOneTime(' 7000\n 80000,x\n 9000\n')
  expect(lines.map(({ line }) => line)).toEqual([1, 3])
  expect(faults).toEqual([
    {
      severity: 'warning',
      line: 2,
      column: 2,
      message: 'knock 1: port above 65535',
      hint: 'a port is a number from 1 to 65535',
    },
    {
      severity: 'warning',
      line: 2,
      column: 8,
      message: 'knock 2: is not a port number',
      hint: 'a port is a number from 1 to 65535',
    },
  ])
})

test('striking a line at its offset takes it out and leaves the others as they were', () => {
  const line = fc.oneof(
    fc.constantFrom('', '#', '# é', ' 1,x', '\uFEFF', ' #5'),
    fc.array(fc.integer({ min: 1, max: 65_535 }), { minLength: 1, maxLength: 4 }).map((ports) => ` ${ports.join()}`),
  )
  fc.assert(
    fc.property(fc.array(line), fc.constantFrom('\n', '\r\n'), fc.nat(), (content, end, pick) => {
      const text = bytes(content.join(end))
      const before = parseOneTime(text)
      for (const { offset, length, marked, knocks } of before.lines) {
        const whole = text.slice(offset, offset + length).replace('\u00EF\u00BB\u00BF', '')
        if (!marked) expect(parseSequence(whole)).toEqual({ value: knocks })
      }
      const good = before.lines.filter(({ marked }) => !marked)
      const target = good[pick % Math.max(1, good.length)]
      if (target === undefined) return
      const after = parseOneTime(`${text.slice(0, target.offset)}#${text.slice(target.offset + 1)}`)
      const expected = before.lines.with(before.lines.indexOf(target), { ...target, marked: true, knocks: [] })
      expect(after.lines).toEqual(expected)
    }),
  )
})
