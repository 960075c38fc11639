// Goal: what is left of a journal is told apart: whole, torn by a crash, or damaged.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { encodeLine } from './line.ts'
import { readJournal } from './reading.ts'

/** Three lines written at once when the file was made, one by itself, then two together. */
const LINES = [3, 3, 3, 3, 4, 4].map((durable, number) => encodeLine(number, durable, `"record ${number}"`))
const WHOLE = Buffer.concat(LINES)
const START = LINES.map((_, index) => Buffer.concat(LINES.slice(0, index)).length)

function without(...gone: number[]): Buffer {
  return Buffer.concat(LINES.map((line, index) => (gone.includes(index) ? Buffer.from('?\n') : line)))
}

test('a whole journal', () => {
  const { state, lines, intactBytes, badLines } = readJournal(WHOLE)
  expect({ state, intactBytes, badLines }).toEqual({ state: 'whole', intactBytes: WHOLE.length, badLines: [] })
  expect(lines.map(({ value }) => value)).toEqual(LINES.map((_, number) => `record ${number}`))
})

test('cut anywhere, it is whole at the end of a line, torn behind what was promised, damaged before', () => {
  for (let length = 0; length < WHOLE.length; length++) {
    const reading = readJournal(WHOLE.subarray(0, length))
    const complete = LINES.filter((line, index) => START[index]! + line.length <= length).length
    const atEnd = START.includes(length)
    expect(reading.intactLines).toBe(complete)
    expect(reading.intactBytes).toBe(START[complete])
    expect(reading.state, `cut at ${length}`).toBe(complete < 3 ? 'damaged' : atEnd ? 'whole' : 'torn')
  }
})

test('a bad line is damage where a later write says that it was durable, and torn where none does', () => {
  expect(readJournal(without(1))).toMatchObject({ state: 'damaged', badLines: [2], intactLines: 1 })
  expect(readJournal(without(3))).toMatchObject({ state: 'damaged', badLines: [4] })
  expect(readJournal(without(4))).toMatchObject({ state: 'torn', badLines: [5], intactLines: 4 })
  expect(readJournal(without(4)).lines.map(({ number }) => number)).toEqual([0, 1, 2, 3, 5])
})

test('a line that is missing, doubled or out of place is damage', () => {
  const [a, b, c, d, e, f] = LINES as [Buffer, Buffer, Buffer, Buffer, Buffer, Buffer]
  expect(readJournal(Buffer.concat([a, b, d, e, f]))).toMatchObject({ state: 'damaged', badLines: [3] })
  expect(readJournal(Buffer.concat([a, b, b, c, d, e, f])).state).toBe('damaged')
  expect(readJournal(Buffer.concat([a, b, c, d, f, e])).state).toBe('damaged')
  expect(readJournal(Buffer.concat([b, c, d, e, f])).state).toBe('damaged')
})

test('zeros where a write never arrived are torn', () => {
  expect(readJournal(Buffer.concat([WHOLE, Buffer.alloc(5000)]))).toMatchObject({ state: 'torn', intactLines: 6 })
})

test('any bytes give a reading', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(WHOLE.length), (bytes, at) => {
      const mixed = Buffer.concat([WHOLE.subarray(0, at), bytes, WHOLE.subarray(at)])
      const reading = readJournal(mixed)
      expect(reading.lines.length).toBeGreaterThanOrEqual(reading.intactLines)
      expect(reading.state === 'whole').toBe(bytes.length === 0)
    }),
  )
})
