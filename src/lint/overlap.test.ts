// Goal: the search finds the same overlaps as comparing every door with every other, rotations too.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { checkConfig } from './lint.ts'

/** Sequences of few ports, so that many are the same; udp and tcp, and flags that exclude each other. */
const door = fc.record({
  knocks: fc.array(fc.constantFrom('5', '3', '3:udp'), { minLength: 1, maxLength: 3 }),
  flags: fc.constantFrom('', 'syn', 'fin', 'fin,!syn'),
  target: fc.constantFrom('', '192.0.2.7'),
})

const TESTS: Readonly<Record<string, readonly string[]>> = {
  '': ['!ack', '!rst'],
  syn: ['syn'],
  fin: ['fin'],
  'fin,!syn': ['fin', '!syn'],
}

/** Returns true if a packet can have the flags of both. */
const meet = (one: string, other: string): boolean =>
  !TESTS[one]!.some((flag) => TESTS[other]!.includes(flag.startsWith('!') ? flag.slice(1) : `!${flag}`))

test('same, beginning and rotated sequences are found', () => {
  fc.assert(
    fc.property(fc.array(door, { maxLength: 12 }), (doors) => {
      const text = doors
        .map(({ knocks, flags, target }, index) => {
          const more = [flags && `TCPFlags = ${flags}`, target && `Target = ${target}`].filter(Boolean).join('\n')
          return `[${index}]\nSequence = ${knocks.join()}\nCommand = open\n${more}\n`
        })
        .join('')
      const { faults } = checkConfig(`${text}[last]\nSequence = 9,8,9\nCommand = open\n`, 'k')
      const owner = (line: number): number =>
        text
          .split('\n')
          .slice(0, line)
          .filter((each) => each.startsWith('[')).length - 1
      const found = (words: string): readonly number[] =>
        faults.filter(({ message }) => message.includes(words)).map(({ line }) => owner(line))

      const both = (one: number, other: number): boolean =>
        doors[one]!.target === doors[other]!.target && meet(doors[one]!.flags, doors[other]!.flags)
      const way = (index: number): string => `${doors[index]!.knocks.join()},`
      const all = doors.map((_, index) => index)
      // A door with the same sequence as an earlier one is compared no further.
      const twins = new Set<number>()
      for (const index of all) {
        if (all.some((other) => other < index && !twins.has(other) && way(other) === way(index) && both(other, index)))
          twins.add(index)
      }
      expect(found('has the same sequence')).toEqual([...twins])
      const shorter = all.filter(
        (index) =>
          !twins.has(index) &&
          all.some((other) => way(other) !== way(index) && way(other).startsWith(way(index)) && both(index, other)),
      )
      expect(found('is the beginning of')).toEqual(shorter)
      const rotated = (index: number, other: number): boolean =>
        doors[index]!.knocks.some(
          (_, at, ports) => `${ports.slice(at).concat(ports.slice(0, at)).join()},` === way(other),
        )
      const rotations = all.filter(
        (index) =>
          !twins.has(index) &&
          all.some(
            (other) =>
              other < index &&
              !twins.has(other) &&
              way(other) !== way(index) &&
              rotated(index, other) &&
              both(other, index),
          ),
      )
      expect(found('is a rotation of')).toEqual(rotations)
    }),
    { numRuns: 300 },
  )
})
