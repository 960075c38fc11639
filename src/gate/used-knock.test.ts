// Goal: knocks that have opened a door count for nothing else, as in knockd: not for a rotation of the sequence, nor for
// its end. Doors that begin with the same knock, and those with the same sequence, open all the same.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { SLOW } from '../../test/slow.ts'
import { hit, openings, secret } from '../../test/gate/knocks.ts'
import { SYN } from '../packet/packet.ts'
import { Gate } from './gate.ts'
import type { GateSequence } from './sequence.ts'

function gateWith(secrets: readonly GateSequence[]): Gate {
  const gate = new Gate({
    scanPorts: 0,
    scanIgnoreMs: 1,
    seed: [1, 2],
    sourcesMax: 64,
    strangersMax: 16,
    attemptsMax: 256,
  })
  for (const one of secrets) gate.add(one)
  return gate
}

/** The doors that open at each port, those of one port with a plus between them. */
function opened(gate: Gate, ports: readonly number[]): readonly string[] {
  return ports.flatMap((port) => {
    const doors = openings(gate.knock(hit({ port }))).map((text) => text.split(' ')[1]!)
    return doors.length === 0 ? [] : [doors.toSorted().join('+')]
  })
}

const doorsOf = (sequences: Readonly<Record<string, readonly number[]>>): readonly GateSequence[] =>
  Object.entries(sequences).map(([name, ports]) => secret(name, ports))

/** Returns true if a sequence begins another one. */
const begins = (one: readonly number[], other: readonly number[]): boolean =>
  one.every((port, index) => other[index] === port)

const OPEN = [1337, 3141, 7337]
const CLOSE = [3141, 7337, 1337]

test.each([
  ['twice', [...OPEN, ...OPEN], ['open', 'open']],
  ['three times', [...OPEN, ...OPEN, ...OPEN], ['open', 'open', 'open']],
  ['then its rotation', [...OPEN, ...CLOSE, ...OPEN], ['open', 'close', 'open']],
  ['its rotation twice', [...CLOSE, ...CLOSE], ['close', 'close']],
])('a sequence with a rotation beside it: %s', (_, ports, doors) => {
  const config = { open: OPEN, close: CLOSE }
  expect(opened(gateWith(doorsOf(config)), ports)).toEqual(doors)
  // Packets that other flags let through count for both, too.
  const flags = { mask: SYN, want: SYN }
  expect(opened(gateWith([secret('open', OPEN), secret('close', CLOSE, { flags })]), ports)).toEqual(doors)
})

test.each<[string, Readonly<Record<string, readonly number[]>>, readonly number[], readonly string[]]>([
  ['its end opens nothing', { open: [1, 2, 3], end: [2, 3] }, [1, 2, 3, 2, 3], ['open', 'end']],
  ['its last knock opens nothing', { open: [1, 2, 3], last: [3] }, [1, 2, 3, 3], ['open', 'last']],
  ['its last knock begins nothing', { open: [1, 2, 3], next: [3, 4] }, [1, 2, 3, 4, 3, 4], ['open', 'next']],
  ['its middle leads nowhere', { open: [1, 2, 3], next: [2, 4] }, [1, 2, 3, 4], ['open']],
  ['the same sequence opens both', { one: [1, 2, 3], other: [1, 2, 3] }, [1, 2, 3], ['one+other']],
  ['a longer one goes on', { short: [1, 2], long: [1, 2, 3] }, [1, 2, 3], ['short', 'long']],
  ['one that parts from it goes on', { one: [1, 2, 3], other: [1, 2, 4] }, [1, 2, 3, 4], ['one', 'other']],
  ['what has knocks of its own goes on', { one: [1, 2, 3], other: [4, 2, 5] }, [1, 4, 2, 3, 5], ['one', 'other']],
  [
    'what is left of it takes nothing from another',
    { one: [1, 4, 3], other: [1, 2, 4], next: [4, 3, 2] },
    [1, 4, 3, 4, 3, 2],
    ['one', 'one', 'next'],
  ],
  ['what began before goes on', { long: [1, 2, 3, 4], short: [2, 3] }, [1, 2, 3, 4], ['short', 'long']],
])('%s', (_, sequences, ports, doors) => {
  expect(opened(gateWith(doorsOf(sequences)), ports)).toEqual(doors)
})

test('whatever the doors, as long as none begin alike: a sequence again opens the same again', () => {
  const sequences = fc.uniqueArray(fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 5 }), {
    minLength: 1,
    maxLength: 4,
    selector: ([first]) => first,
  })
  fc.assert(
    fc.property(sequences, fc.nat(3), (all, which) => {
      const gate = gateWith(all.map((ports, index) => secret(`d${index}`, ports)))
      const ports = all[which % all.length]!
      const first = opened(gate, ports)
      expect(first.at(-1)).toContain(`d${which % all.length}`)
      for (let round = 0; round < 4; round++) expect(opened(gate, ports)).toEqual(first)
    }),
    { numRuns: SLOW ? 100_000 : 300 },
  )
})

test('one knock after the other opens its door each time, though sequences begin alike, as long as none begins another', () => {
  const ports = fc.shuffledSubarray([1, 2, 3, 4, 5, 6], { minLength: 2, maxLength: 4 })
  const sequences = fc
    .array(ports, { minLength: 2, maxLength: 4 })
    .filter((all) => all.every((one) => all.every((other) => one === other || !begins(one, other))))
  fc.assert(
    fc.property(sequences, fc.array(fc.nat(3), { maxLength: 5 }), (all, order) => {
      const gate = gateWith(all.map((one, index) => secret(`d${index}`, one)))
      for (const which of order.map((number) => number % all.length)) {
        expect(opened(gate, all[which]!).at(-1)).toContain(`d${which}`)
      }
    }),
    { numRuns: SLOW ? 100_000 : 500 },
  )
})
