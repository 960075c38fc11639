// Goal: a mistyped word finds the intended one, and a word unlike all others finds none.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { DOORS } from '../config/directive.ts'
import { editDistance, nearest } from './nearest.ts'

test.each([
  ['Sequense', 'Sequence'],
  ['sequnce', 'Sequence'],
  ['Stop_Comand', 'Stop_Command'],
  ['stopcommand', 'Stop_Command'],
  ['Start-Command-6', 'Start_Command_6'],
  ['TcpFlag', 'TCPFlags'],
  ['Traget', 'Target'],
  ['Comnand', 'Command'],
  ['gibberish', undefined],
  ['x', undefined],
  ['', undefined],
  ['a'.repeat(100_000), undefined],
])('%s', (word, meant) => {
  expect(nearest(word, DOORS.spellings)).toBe(meant)
})

test('the distance is that of an obviously right, slow one', () => {
  const slow = (one: string, other: string): number => {
    if (one === '' || other === '') return one.length + other.length
    const [a, b] = [one.slice(1), other.slice(1)]
    const cost = Math.min(slow(a, other) + 1, slow(one, b) + 1, slow(a, b) + (one[0] === other[0] ? 0 : 1))
    const swapped = one.length > 1 && other.length > 1 && one[0] === other[1] && one[1] === other[0]
    return swapped ? Math.min(cost, slow(one.slice(2), other.slice(2)) + 1) : cost
  }
  const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 5 })
  fc.assert(fc.property(word, word, (one, other) => editDistance(one, other) === slow(one, other)))
})
