// Goal: parts are a file's content, whatever is in it, within their bounds; a line more or less changes few of them; and who
// reads etcd learns nothing of the content, not even whether a guess is right.
import { createHash, randomBytes } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cutFiles, cutParts, partsIn } from './parts.ts'
import { PartSeal, SEALED_MAX_CHARS } from './sealed-part.ts'
import { PART_MAX_BYTES } from './users-document.ts'

const SEAL = new PartSeal(Buffer.alloc(32, 1), 'home')

describe('parts', () => {
  test('are the content, within their bounds', () => {
    const line = fc
      .tuple(fc.string({ maxLength: 40 }), fc.integer({ min: 0, max: 12_000 }))
      .map(([text, many]) => text.repeat(many))
    fc.assert(
      fc.property(fc.array(line, { maxLength: 8 }), (lines) => {
        const content = Buffer.from(lines.join('\n'))
        const parts = cutParts(content)
        expect(Buffer.concat(parts).equals(content)).toBe(true)
        for (const { length } of parts) {
          expect(length).toBeGreaterThan(0)
          expect(length).toBeLessThanOrEqual(PART_MAX_BYTES)
        }
      }),
      { numRuns: 60 },
    )
  })

  test('stay, but for one or two, if a line comes or goes', () => {
    const lines = Array.from(
      { length: 10_000 },
      (_, at) => `user${at} ${createHash('sha256').update(String(at)).digest('hex')}\n`,
    )
    const { parts } = cutFiles(new Map([['a', Buffer.from(lines.join(''))]]), SEAL)
    expect(parts.size).toBeGreaterThan(10)
    for (const at of [0, 1, 4_999, 9_999]) {
      for (const changed of [lines.toSpliced(at, 1), lines.toSpliced(at, 0, 'new 1,2,3\n')]) {
        const after = cutFiles(new Map([['a', Buffer.from(changed.join(''))]]), SEAL).parts
        expect([...after.keys()].filter((id) => !parts.has(id)).length).toBeLessThanOrEqual(2)
      }
    }
  })

  test('of a file that has changed on disk are not taken for those that were signed', () => {
    const content = Buffer.from('alice 7431,8020\n'.repeat(5_000))
    const { files } = cutFiles(new Map([['a', content]]), SEAL)
    expect([...partsIn(files[0]!, content, SEAL)]).toHaveLength(files[0]!.parts.length)
    const other = Buffer.from(content)
    other[0] = 0x62
    expect([...partsIn(files[0]!, other, SEAL)]).toHaveLength(files[0]!.parts.length - 1)
  })
})

describe('a sealed part', () => {
  test('opens under the same key and name alone', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 500 }),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (content, at, bits) => {
          const id = SEAL.idOf(content)
          const text = SEAL.seal(content)
          expect(SEAL.open(id, text)?.equals(content)).toBe(true)
          const bytes = Buffer.from(text, 'base64')
          bytes[at % bytes.length]! ^= bits
          expect(SEAL.open(id, bytes.toString('base64'))).toBeUndefined()
          expect(SEAL.open(SEAL.idOf(Buffer.from([...content, 0])), text)).toBeUndefined()
          for (const other of [new PartSeal(Buffer.alloc(32, 2), 'home'), new PartSeal(Buffer.alloc(32, 1), 'work')]) {
            expect(other.open(id, text)).toBeUndefined()
          }
        },
      ),
    )
  })

  test('is refused if it is short, long or no base64', () => {
    const id = SEAL.idOf(Buffer.from('x'))
    for (const text of ['', 'AAAA', '!', 'A'.repeat(SEALED_MAX_CHARS + 4)]) expect(SEAL.open(id, text)).toBeUndefined()
    const large = randomBytes(PART_MAX_BYTES)
    expect(SEAL.seal(large)).toHaveLength(SEALED_MAX_CHARS)
    expect(SEAL.open(SEAL.idOf(large), SEAL.seal(large))?.equals(large)).toBe(true)
  })

  test('shows nothing of its content: two of the same differ, and its name is no hash of it', () => {
    const content = Buffer.from('alice 7431,8020,6001\n')
    expect(SEAL.seal(content)).not.toBe(SEAL.seal(content))
    const hash = createHash('sha256').update(content)
    expect(SEAL.idOf(content)).not.toBe(hash.digest('base64url'))
    expect(SEAL.idOf(content)).not.toBe(new PartSeal(Buffer.alloc(32, 2), 'home').idOf(content))
  })
})
