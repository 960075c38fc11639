// Goal: one kit reads the directives of every file: each line is understood or has a fault at its place.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { Directives, row } from './directive.ts'
import type { Entry } from './directive.ts'
import { FaultList, formatFault } from './fault.ts'
import { anyText, joined, listOf, mapped, oneOf, wholeNumber } from './read.ts'

const KIT = new Directives(
  {
    port: row('Port', 'NUMBER', wholeNumber(1, 9), { aliases: ['Harbour'] }),
    key: row('KEY', 'TEXT', anyText, { variants: { KEY_LENGTH: mapped(anyText, ({ length }) => String(length)) } }),
    names: row('Names', 'NAME[,NAME]...', listOf(oneOf(['ann', 'bob'])), { join: joined(String) }),
    flag: row('Flag', undefined, () => ({ value: true })),
    old: row('Old', 'no', oneOf(['no']), { refused: 'delete the line' }),
  },
  { noun: 'directive', between: ' = ', twice: { severity: 'warning', hint: 'delete one' }, file: 'main' },
)

/** Entries of lines `KEY = VALUE`. */
const entriesOf = (text: string): readonly Entry[] =>
  text.split('\n').map((line, index) => {
    const [key = '', value] = line.split(' = ')
    return { key, value, line: index + 1, keyColumn: 1, valueColumn: key.length + 4 }
  })

function told(entries: readonly Entry[]): readonly string[] {
  const faults = new FaultList()
  KIT.settle({ entries, complete: true }, faults)
  return faults.sorted().map((fault) => formatFault('f', fault).replace('\n    ', ' | '))
}

test('values and places', () => {
  const entries = entriesOf('Harbour = 7\nKEY_LENGTH = four\nNames = ann\nNames = bob, ann\nFlag\nOld = no')
  const settled = KIT.settle({ entries, complete: true }, new FaultList())
  expect(settled.values).toEqual({ port: 7, key: '4', names: ['ann', 'bob'], flag: true, old: 'no' })
  expect([settled.complete, settled.valid]).toEqual([true, true])
  expect([settled.entries.names?.line, settled.entries.names?.earlier?.line]).toEqual([4, 3])
})

test.each([
  ['Prot = 7', 'f:1:1: error: unknown directive `Prot` | did you mean `Port`?'],
  ['1,2,3', 'f:1:1: error: this is not a directive | a line is `NAME = VALUE`, or a comment that starts with #'],
  ['Port 7', 'f:1:5: error: there is no `=` after `Port` | write `Port = VALUE`'],
  ['Port', 'f:1:8: error: `Port` needs a value | Port = NUMBER'],
  ['Flag = yes', 'f:1:8: error: `Flag` takes no value | write `Flag` alone, or leave it out'],
  ['Old = yes', 'f:1:1: error: Old is not supported | delete the line'],
  ['Names = ann, bop', 'f:1:14: error: `bop` is not ann or bob | did you mean `bob`?'],
  ['KEY = a\nKEY_LENGTH = a', 'f:2:1: warning: `KEY_LENGTH` is already set on line 1 | delete one'],
])('%j', (text, expected) => {
  expect(told(entriesOf(text))).toEqual([expected])
})

test('a line of an included file', () => {
  const [one, two] = entriesOf('Port = 1\nPort = 2')
  expect(told([one!, { ...two!, file: 'more' }])).toEqual([
    'more:2:1: warning: `Port` is already set in main:1 | delete one',
  ])
})

test('any line is understood or has a fault, whatever it says', () => {
  const word = fc.oneof(fc.constantFrom(...KIT.spellings, 'constructor', '__proto__', '7', 'no', ''), fc.string())
  fc.assert(
    fc.property(fc.array(fc.tuple(word, fc.option(word, { nil: undefined }))), (lines) => {
      const faults = new FaultList()
      const entries = lines.map(([key, value], index) => ({
        key,
        value,
        line: index + 1,
        keyColumn: 1,
        valueColumn: 1,
      }))
      const settled = KIT.settle({ entries, complete: true }, faults)
      expect(faults.failed).toBe(!settled.complete || !settled.valid)
    }),
  )
})
