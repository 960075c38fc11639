// Goal: the flat table answers as a plain map does, whatever is added, removed and moved, and its memory has a bound.
import { createHash, randomBytes } from 'node:crypto'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { NOBODY, TagTable } from './tag-table.ts'
import { USER_TAG_BYTES } from './tag.ts'

const COLUMNS = 3

/** A tag for a number. Few numbers have another first word, so that many tags want the same place. */
function tagFor(number: number): Uint8Array {
  const tag = Uint8Array.from(createHash('sha256').update(String(number)).digest().subarray(0, USER_TAG_BYTES))
  tag.set([0, 0, 0, number % 3], 0)
  return tag
}

test('a random series of changes leaves what a map has', () => {
  const step = fc.record({ user: fc.nat(30), column: fc.nat(COLUMNS - 1), removes: fc.boolean() })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const table = new TagTable(COLUMNS)
      const model = new Map<string, number>()
      let next = 0
      for (const { user, column, removes } of steps) {
        table.reserve(user + 1)
        const key = `${user} ${column}`
        if (model.has(key)) {
          table.clear(user, column)
          model.delete(key)
        } else if (!removes) {
          table.set(user, column, tagFor(next))
          model.set(key, next++)
        }
      }
      const left = new Map([...model].map(([key, number]) => [number, Number(key.split(' ')[0])]))
      for (let number = 0; number < next; number++) {
        expect(table.find(tagFor(number), 0)).toBe(left.get(number) ?? NOBODY)
      }
    }),
  )
})

test('a tag is found at any offset, and none that differs in one bit', () => {
  const table = new TagTable(COLUMNS)
  table.reserve(1)
  const tag = randomBytes(USER_TAG_BYTES)
  table.set(0, 1, tag)
  for (let at = 0; at < 20; at++) expect(table.find(Buffer.concat([randomBytes(at), tag, randomBytes(3)]), at)).toBe(0)
  for (let bit = 0; bit < USER_TAG_BYTES * 8; bit++) {
    const other = Buffer.from(tag)
    other[bit >>> 3]! ^= 1 << (bit & 7)
    expect(table.find(other, 0)).toBe(NOBODY)
  }
})

test('an empty table has nobody', () => {
  expect(new TagTable(COLUMNS).find(randomBytes(USER_TAG_BYTES), 0)).toBe(NOBODY)
})

test('20,000 users with a tag in each of 23 columns take less than 16 MiB', () => {
  const table = new TagTable(23)
  table.reserve(20_000)
  expect(table.bytes).toBeLessThan(16 * 1_048_576)
})
