// Goal: a new sequence opens nobody else's door, and is opened by nobody else's knocks and by no scan.
import { expect, test } from 'vitest'
import type { Knock } from '../../config/config.ts'
import { nmapPlace } from '../../config/nmap-ports.ts'
import { readConfig } from '../../config/read.ts'
import { scannable } from '../../config/scannable.ts'
import { TCP } from '../../packet/packet.ts'
import { sequenceUnlike, sequencesIn } from './unlike.ts'

const knocks = (...ports: readonly number[]): readonly Knock[] => ports.map((port) => ({ protocol: TCP, port }))
const portsOf = (sequence: readonly Knock[]): readonly number[] => sequence.map(({ port }) => port)

/** Draws these ports, one after the other. */
const drawing = (...ports: readonly number[]): ((max: number) => number) => {
  const left = [...ports]
  return () => left.shift()! - 1_024
}

test.each([
  ['the same sequence', [[21_741, 9_386, 40_127, 30_333]]],
  ['its reverse', [[30_333, 40_127, 9_386, 21_741]]],
  ['a rotation', [[9_386, 40_127, 30_333, 21_741]]],
  ['a longer one that begins with it', [[21_741, 9_386, 40_127, 30_333, 50_001]]],
  ['a part of it', [[9_386, 50_001, 40_127]]],
  ['a single knock in it', [[40_127]]],
  ['two knocks of which it has one', [[40_127, 50_001]]],
])('%s is another’s', (_, others) => {
  const draw = drawing(21_741, 9_386, 40_127, 30_333, 22_222, 9_387, 41_111, 33_331)
  expect(
    portsOf(
      sequenceUnlike(
        others.map((each) => knocks(...each)),
        new Set(),
        draw,
      ),
    ),
  ).not.toContain(40_127)
})

test('ports to avoid, and those that nmap scans, are left out, and no scan completes a sequence', () => {
  const all: (readonly Knock[])[] = []
  const avoid = new Set([30_000, 40_000])
  for (let count = 0; count < 100; count++) {
    const made = sequenceUnlike(all, avoid)
    expect(made).toHaveLength(4)
    expect(scannable(made)).toBeUndefined()
    for (const { port } of made) {
      expect(nmapPlace(port)).toBeUndefined()
      expect(avoid.has(port)).toBe(false)
    }
    for (const other of all)
      expect(portsOf(other).filter((port) => portsOf(made).includes(port)).length).toBeLessThan(2)
    all.push(made)
  }
})

test('where no ports are left it is said, and not that a bad one is taken', () => {
  const avoid = new Set(Array.from({ length: 65_536 }, (_, port) => port))
  expect(() => sequenceUnlike([], avoid)).toThrow('no ports are left')
  const three = Array.from({ length: 65_536 }, (_, port) => port).filter((port) => port !== 50_000 && port !== 60_001)
  expect(() => sequenceUnlike([], new Set(three))).toThrow()
})

test('the sequences and services of a config', () => {
  const text = `[options]
Guard = tcp/8443
[a]
Sequence = 1,2,3
Open_Ports = tcp/5000-5002, udp/6000
[b]
Sequence = 7,8
Users = /u
Open_Ports = tcp/22
`
  const { sequences, services } = sequencesIn(readConfig(text, 'k').config!)
  expect(sequences.map(portsOf)).toEqual([
    [1, 2, 3],
    [7, 8],
  ])
  expect([...services].sort((one, other) => one - other)).toEqual([22, 5_000, 5_001, 5_002, 8_443])
})
