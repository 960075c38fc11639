// Goal: whatever happens to a knock on its way, knocking again immediately opens. A packet is lost, sent twice, or
// overtaken by the next. The sequences have 1 to 32 ports, may repeat ports, and a scan could open some of them.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { SLOW, sample } from '../../test/slow.ts'
import { hit, openings, secret } from '../../test/gate/knocks.ts'
import { SEQUENCE_MAX_KNOCKS } from '../config/config.ts'
import { Gate } from './gate.ts'

/** Each try has its own source, so that one gate is enough for many. */
let tries = 0

function freshSource(): string {
  tries++
  return `10.${(tries >>> 16) & 255}.${(tries >>> 8) & 255}.${tries & 255}`
}

function gateWith(ports: readonly number[]): Gate {
  const gate = new Gate({
    scanPorts: 5,
    scanIgnoreMs: 60_000,
    seed: [1, 2],
    sourcesMax: 64,
    strangersMax: 16,
    keptMax: 16,
    attemptsMax: 256,
  })
  gate.add(secret('door', ports))
  return gate
}

type Fault = 'lost' | 'doubled' | 'swapped'

/** The ports in the order of arrival, where something happens to the one at `at`. */
function arriving(ports: readonly number[], fault: Fault, at: number): readonly number[] {
  const port = ports[at]!
  if (fault === 'lost') return ports.toSpliced(at, 1)
  if (fault === 'doubled') return ports.toSpliced(at, 0, port)
  return at + 1 < ports.length ? ports.toSpliced(at, 2, ports[at + 1]!, port) : ports
}

/** The number of openings for a source that knocks every `gapMs` milliseconds from `begin` on. */
function opened(gate: Gate, from: string, ports: readonly number[], gapMs: number, begin: number): number {
  const effects = ports.flatMap((port, index) => gate.knock(hit({ from, port, at: begin + index * gapMs })))
  return openings(effects).length
}

const faults = ['lost', 'doubled', 'swapped'] as const

const kinds: readonly (readonly [string, (length: number) => readonly number[]])[] = [
  ['at random', (length) => Array.from({ length }, (_, index) => 1_024 + ((index * 40_503) % 64_000))],
  ['neighbours', (length) => Array.from({ length }, (_, index) => 7_000 + index)],
  ['in descending order', (length) => Array.from({ length }, (_, index) => 9_000 - index * 100)],
  ['of two ports in turn', (length) => Array.from({ length }, (_, index) => (index % 2 === 0 ? 7_000 : 8_000))],
  ['of one port', (length) => Array.from({ length }, () => 7_000)],
]

const LENGTHS = Array.from({ length: SEQUENCE_MAX_KNOCKS }, (_, index) => index + 1)

test.each(kinds)('%s: after one fault anywhere, knocking again opens', (_, portsOf) => {
  for (const length of sample(LENGTHS, (each) => each <= 8 || each % 8 === 0)) {
    const ports = portsOf(length)
    const gate = gateWith(ports)
    let begin = 0
    for (const fault of faults) {
      for (let at = 0; at < length; at++) {
        const from = freshSource()
        begin += 30_000
        opened(gate, from, arriving(ports, fault, at), 0.1, begin)
        expect(opened(gate, from, ports, 0.1, begin + 5), `${length} ports, ${fault} at ${at}`).toBeGreaterThan(0)
      }
    }
  }
})

test('any sequence opens after several faults in a row, at any speed', () => {
  const ports = fc.array(fc.oneof(fc.constantFrom(7_000, 8_000, 9_000), fc.integer({ min: 1, max: 65_535 })), {
    minLength: 1,
    maxLength: SEQUENCE_MAX_KNOCKS,
  })
  const rounds = fc.array(fc.tuple(fc.constantFrom(...faults), fc.nat(SEQUENCE_MAX_KNOCKS - 1)), {
    minLength: 1,
    maxLength: 4,
  })
  fc.assert(
    fc.property(ports, rounds, fc.constantFrom(0, 1, 20, 150), (sequence, wrong, gapMs) => {
      const gate = gateWith(sequence)
      const from = freshSource()
      let begin = 0
      for (const [fault, at] of wrong) {
        const arrive = arriving(sequence, fault, at % sequence.length)
        opened(gate, from, arrive, gapMs, begin)
        begin += arrive.length * gapMs
      }
      expect(opened(gate, from, sequence, gapMs, begin)).toBeGreaterThan(0)
    }),
    { numRuns: SLOW ? 20_000 : 60 },
  )
})
