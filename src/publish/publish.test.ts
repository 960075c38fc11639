// Goal: sequences that are made are good ones whatever the range and what is taken; published text is read by what reads
// one-time files; file names are names, and no two doors share one.
import { valueOf } from '../text/read.ts'
import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { anyText } from '../../test/any-text.ts'
import { parseOneTime } from '../config/one-time.ts'
import { parseSequence } from '../config/sequence.ts'
import { TCP } from '../packet/packet.ts'
import { fileNameOf } from './order.ts'
import { makeSequence } from './sequence.ts'
import { listText } from './text.ts'

const print = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 8)

test('sequences are of distinct TCP ports in the range, none of them taken, in no order of a scan', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1_024, max: 64_000 }),
      fc.integer({ min: 3, max: 16 }),
      fc.array(fc.nat(2_000), { maxLength: 200 }),
      (first, length, taken) => {
        const last = Math.min(65_535, first + 1_500)
        const avoid = new Set(taken.map((offset) => first + offset))
        const knocks = makeSequence({ length, ports: { first, last } }, avoid)
        const ports = knocks.map(({ port }) => port)
        expect(knocks.every(({ protocol }) => protocol === TCP)).toBe(true)
        expect(new Set(ports).size).toBe(length)
        expect(ports.every((port) => port >= first && port <= last && !avoid.has(port))).toBe(true)
        const up = ports.toSorted((one, other) => one - other)
        expect(ports).not.toEqual(up)
        expect(ports).not.toEqual(up.toReversed())
      },
    ),
  )
})

test('no port that browsers refuse, and every other one, is drawn sooner or later', () => {
  const seen = new Set<number>()
  for (let round = 0; round < 4_000; round++) {
    for (const { port } of makeSequence({ length: 16, ports: { first: 6_000, last: 7_000 } }, new Set())) seen.add(port)
  }
  for (const blocked of [6_000, 6_566, 6_665, 6_669, 6_697]) expect(seen.has(blocked)).toBe(false)
  expect(seen.size).toBe(1_001 - 9)
})

test('a range with nothing left in it is an error, not a loop', () => {
  const all = new Set(Array.from({ length: 1_001 }, (_, index) => 2_000 + index))
  expect(() => makeSequence({ length: 3, ports: { first: 2_000, last: 3_000 } }, all)).toThrow(/no ports are left/)
  expect(() => makeSequence({ length: 3, ports: { first: 2_000, last: 9_000 } }, new Set(), () => 7)).toThrow()
})

test('the text is what people read and programs parse', () => {
  const knocks = valueOf(parseSequence('7431,8020:udp,9123'))!
  const made = Date.UTC(2026, 10, 21, 8, 0, 0, 123)
  const text = listText({ door: 'ssh', made, before: made + 600_000 }, [knocks, knocks])
  expect(text).toBe(
    [
      '# Postern sequences, format 1',
      '# door: ssh',
      '# made: 2026-11-21T08:00:00Z',
      '# left: 2',
      '# the previous list expires at: 2026-11-21T08:10:00Z',
      '# The first line below is the next sequence; each can be used once.',
      '7431,8020:udp,9123',
      '7431,8020:udp,9123',
      '',
    ].join('\n'),
  )
  expect(parseOneTime(text).lines.filter(({ marked }) => !marked)).toHaveLength(2)
  expect(parseOneTime(text).faults).toEqual([])
})

test('it says which host it is for, where the config does', () => {
  const text = listText({ door: 'ssh', host: 'gate.example.org', made: 0, before: undefined }, [])
  expect(text.split('\n').slice(1, 3)).toEqual(['# door: ssh', '# host: gate.example.org'])
})

test('names of files are names of files', () => {
  expect(fileNameOf('ssh', print)).toBe('ssh')
  expect(fileNameOf('../../etc', print)).toMatch(/^etc-[0-9a-f]{8}$/)
  expect(fileNameOf('a b', print)).not.toBe(fileNameOf('a/b', print))
  fc.assert(
    fc.property(anyText({ minLength: 1, maxLength: 127 }), (door) => {
      const name = fileNameOf(door, print)
      expect(name).toMatch(/^[A-Za-z0-9_][A-Za-z0-9._-]*$/)
      expect(name.length).toBeLessThan(100)
    }),
  )
})
