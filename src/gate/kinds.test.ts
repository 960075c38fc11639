// Goal: the gate tells pings by their size and datagrams by theirs, takes one packet for one knock, and never a ping for a scan.
import { expect, test } from 'vitest'
import { hit, secret, texts } from '../../test/gate/knocks.ts'
import type { Hit } from '../../test/gate/knocks.ts'
import type { Knock } from '../config/config.ts'
import { ICMP, UDP } from '../packet/packet.ts'
import { Gate } from './gate.ts'

const ping = (size: number): Knock => ({ protocol: ICMP, port: 0, size })
const datagram = (size?: number): Knock => ({ protocol: UDP, port: 9, ...(size === undefined ? {} : { size }) })
const gateOf = (...sequences: readonly (readonly (number | Knock)[])[]): Gate => {
  const small = { sourcesMax: 64, strangersMax: 64, keptMax: 64, attemptsMax: 64 }
  const gate = new Gate({ scanPorts: 5, scanIgnoreMs: 60_000, seed: [1, 2], explain: true, ...small })
  for (const [index, knocks] of sequences.entries()) gate.add(secret(`d${index}`, knocks))
  return gate
}
const sent = (gate: Gate, ...knocks: readonly (Knock & Partial<Hit>)[]): readonly string[] =>
  knocks.flatMap((knock) => texts(gate.knock(hit(knock))))

test('the same ping again is one knock within ten milliseconds, on any link, and then another', () => {
  const same = { ...ping(99), sourcePort: 7, sequence: 1 }
  for (const [at, link, opens] of [
    [3, 0, false],
    [3, 1, false],
    [12, 0, true],
  ] as const) {
    const gate = gateOf([ping(99), ping(99)])
    const packets = [hit(same), hit({ ...same, at, link })]
    for (const packet of packets) packet.identification = 0
    expect(packets.flatMap((packet) => texts(gate.knock(packet))).includes('d0 open')).toBe(opens)
  }
})

test('pings with other numbers are knocks of their own at once', () => {
  const same = { ...ping(99), sourcePort: 7 }
  expect(sent(gateOf([ping(99), ping(99)]), { ...same, sequence: 1 }, { ...same, sequence: 2 })).toContain('d0 open')
})

test('a ping of another size is no knock, no scan, and no source to remember', () => {
  const gate = gateOf([ping(99)])
  expect(sent(gate, ...Array.from({ length: 40 }, (_, size) => ping(size)))).not.toContain('scan')
  expect(gate.sources).toBe(0)
})

test('between knocks, other pings count as strays', () => {
  const sizes = Array.from({ length: 17 }, (_, index) => ping(200 + index))
  expect(
    sent(gateOf([7, 8, ping(99)]), { protocol: 6, port: 7 }, ...sizes, { protocol: 6, port: 8 }, ping(99)),
  ).toContain('d0 withheld')
})

test('one datagram is the knock of any size and of its own, where sequences part and where they begin', () => {
  expect(
    sent(gateOf([7, datagram(), 8], [7, datagram(32), 9]), { protocol: 6, port: 7 }, datagram(32), {
      protocol: 6,
      port: 9,
    }),
  ).toContain('d1 open')
  expect(
    sent(gateOf([7, datagram(), 8], [7, datagram(32), 9]), { protocol: 6, port: 7 }, datagram(32), {
      protocol: 6,
      port: 8,
    }),
  ).toContain('d0 open')
  const opened = sent(gateOf([datagram()], [datagram(32)], [datagram(31)]), datagram(32))
  expect(opened.filter((text) => text.endsWith('open'))).toEqual(['d0 open', 'd1 open'])
  expect(sent(gateOf([datagram()], [datagram(32)]), datagram(31))).not.toContain('d1 open')
})

test('a datagram of another size is a stray like one to any port, and sequences that are gone leave nothing', () => {
  const gate = gateOf()
  const sized = secret('sized', [datagram(32)])
  gate.add(sized)
  expect(sent(gate, datagram(31))).toEqual(['no part of a sequence'])
  gate.remove(sized)
  expect(sent(gate, datagram(32))).toEqual(['no part of a sequence'])
})

test('a datagram whose length the capture has cut off is one of any size alone', () => {
  expect(sent(gateOf([datagram()], [datagram(0)]), { ...datagram(), size: -1 })).toEqual(['d0 1', 'd0 open'])
})
