// Goal: the gate opens for anyone who sends the correct knocks, and for nobody else. Each test is a conversation of
// packets and of the gate's answers.
import { expect, test } from 'vitest'
import { SLOW } from '../../test/slow.ts'
import { hit, openings, secret, texts } from '../../test/gate/knocks.ts'
import type { Hit } from '../../test/gate/knocks.ts'
import { BEGIN_MS } from '../../test/gate/knocks.ts'
import { ACK, FIN, SYN, UDP } from '../packet/packet.ts'
import { formatAddress, parseAddress } from '../packet/address.ts'
import { parseNetwork } from '../packet/network.ts'
import { Gate } from './gate.ts'
import type { GateSettings } from './gate.ts'
import { DOUBLED_MS } from './print.ts'
import { ATTEMPTS_PER_SOURCE_MAX } from './own-attempts.ts'
import type { GateSequence } from './sequence.ts'

const gateWith = (secrets: readonly GateSequence[], settings: Partial<GateSettings> = {}): Gate => {
  const small = { sourcesMax: 1_024, strangersMax: 256, attemptsMax: 1_024 }
  const gate = new Gate({ scanPorts: 5, scanIgnoreMs: 60_000, seed: [1, 2], ...small, ...settings })
  for (const one of secrets) gate.add(one)
  return gate
}

/** The gate's answers to each packet, without the empty ones. */
const talk = (gate: Gate, hits: readonly (number | Hit)[]): readonly string[] =>
  hits.flatMap((one) => texts(gate.knock(hit(typeof one === 'number' ? { port: one } : one))))

const SSH = secret('ssh', [7000, 8000, 9000])

test('a sequence opens its door, stage by stage', () => {
  expect(talk(gateWith([SSH]), [7000, 8000, 9000])).toEqual(['ssh 1', 'ssh 2', 'ssh 3', 'ssh open'])
})

test.each([
  [
    'is a first knock itself',
    [7000, 7000, 8000, 9000],
    ['ssh 1', 'ssh wrong 1', 'ssh 1', 'ssh 2', 'ssh 3', 'ssh open'],
  ],
  ['discards the attempt', [7000, 9000, 8000, 9000], ['ssh 1', 'ssh wrong 1']],
  ['discards it also when repeated', [7000, 8000, 8000, 9000], ['ssh 1', 'ssh 2', 'ssh wrong 2']],
  [
    'in the middle may begin anew',
    [7000, 8000, 7000, 8000, 9000],
    ['ssh 1', 'ssh 2', 'ssh wrong 2', 'ssh 1', 'ssh 2', 'ssh 3', 'ssh open'],
  ],
])('a wrong knock %s', (_, ports, said) => {
  expect(talk(gateWith([SSH]), ports)).toEqual(said)
})

test('a port that is in no sequence does not disturb an attempt', () => {
  expect(talk(gateWith([SSH]), [7000, 443, 8000, 443, 9000]).at(-1)).toBe('ssh open')
})

test('one source can be at several doors at once', () => {
  const gate = gateWith([SSH, secret('web', [7100, 8100, 9100])])
  expect(talk(gate, [7000, 7100, 8000, 8100, 9000, 9100]).filter((said) => said.endsWith('open'))).toEqual([
    'ssh open',
    'web open',
  ])
})

test('doors that begin with the same knocks can each be opened, and both at once', () => {
  const doors = [SSH, secret('web', [7000, 8500, 9500])]
  expect(talk(gateWith(doors), [7000, 8500, 9500])).toEqual(['ssh 1', 'web 1', 'web 2', 'web 3', 'web open'])
  const said = talk(gateWith(doors), [7000, 8000, 8500, 9000, 9500])
  expect(said.filter((text) => text.endsWith('open'))).toEqual(['ssh open', 'web open'])
})

test('a thousand doors with the same first knock: each opens, and only that one', () => {
  const doors = Array.from({ length: 1_000 }, (_, door) => secret(`d${door}`, [7000, 10_000 + door, 20_000 + door]))
  const gate = gateWith(doors)
  for (const door of [0, 499, 999]) {
    const from = `192.0.2.${10 + (door % 200)}`
    const effects = [7000, 10_000 + door, 20_000 + door].flatMap((port) => gate.knock(hit({ from, port })))
    expect(openings(effects)).toEqual([`${from} d${door}`])
  }
})

test('a sequence that is the beginning of another opens first', () => {
  const gate = gateWith([secret('short', [1, 2]), secret('long', [1, 2, 3])])
  expect(openings([1, 2, 3].flatMap((port) => gate.knock(hit({ port }))))).toEqual([
    '192.0.2.2 short',
    '192.0.2.2 long',
  ])
})

test('a single knock opens, over TCP, UDP and IPv6', () => {
  const gate = gateWith([secret('one', [7000]), secret('two', [-7000])])
  expect(talk(gate, [{ port: 7000 }])).toEqual(['one 1', 'one open'])
  expect(talk(gate, [{ port: 7000, protocol: UDP, from: '2001:db8::2', to: '2001:db8::1' }])).toEqual([
    'two 1',
    'two open',
  ])
})

test('sources do not affect each other (fault 4)', () => {
  const gate = gateWith([SSH])
  const a = { from: '192.0.2.7' }
  talk(gate, [
    { ...a, port: 7000 },
    { port: 7000, at: 2_000 },
  ])
  expect(texts(gate.expire(BEGIN_MS + 10_500))).toEqual(['ssh late 1'])
  expect(
    talk(gate, [
      { port: 8000, at: 10_600 },
      { port: 9000, at: 10_700 },
    ]),
  ).toEqual(['ssh 2', 'ssh 3', 'ssh open'])
})

test('an attempt ends in time without a further packet, and a late knock opens nothing', () => {
  const gate = gateWith([SSH])
  talk(gate, [7000, 8000])
  expect(gate.due).toBe(BEGIN_MS + 10_000)
  expect(texts(gate.expire(BEGIN_MS + 9_999))).toEqual([])
  expect(texts(gate.expire(BEGIN_MS + 10_000))).toEqual(['ssh late 2'])
  expect(gate.due).toBe(Infinity)
  expect(talk(gate, [{ port: 9000, at: 10_001 }])).toEqual([])
})

test('doors that begin with the same knocks keep their own time limits', () => {
  const gate = gateWith([secret('quick', [1, 2], { timeoutMs: 1_000 }), secret('slow', [1, 3], { timeoutMs: 5_000 })])
  talk(gate, [1])
  expect(texts(gate.expire(BEGIN_MS + 1_000))).toEqual(['quick late 1'])
  expect(
    talk(gate, [
      { port: 2, at: 1_500 },
      { port: 3, at: 4_000 },
    ]),
  ).toEqual(['slow 2', 'slow open'])
})

test('only permitted sources can knock, and the others share nothing with them', () => {
  const allowFrom = [parseNetwork('192.0.2.0/25')!, parseNetwork('2001:db8:1::/48')!]
  const gate = gateWith([secret('staff', [7000, 8000], { allowFrom }), secret('all', [7000, 9000])])
  const knocks = (from: string): readonly string[] =>
    talk(
      gate,
      [7000, 8000].map((port) => ({ from, port })),
    )
  expect(knocks('192.0.2.2')).toEqual(['staff 1', 'all 1', 'staff 2', 'staff open'])
  expect(knocks('192.0.2.130')).toEqual(['all 1'])
  const knocks6 = (from: string): readonly string[] =>
    talk(
      gate,
      [7000, 8000].map((port) => ({ from, to: '2001:db8::1', port })),
    )
  expect(knocks6('2001:db8:1::9')).toEqual(['staff 1', 'all 1', 'staff 2', 'staff open'])
  expect(knocks6('2001:db8:2::9')).toEqual(['all 1'])
})

test('unfinished attempts can be listed, up to a bound', () => {
  const gate = gateWith([SSH, secret('mail', [7000, 9999])])
  talk(gate, [7000, { from: '198.51.100.9', port: 7000 }, { from: '198.51.100.9', port: 8000 }])
  const listed = [...gate.underWay(10)].map(
    ({ source, doors, stage }) => `${formatAddress(source)} ${doors.join()} ${stage}`,
  )
  // Where two sequences part, an attempt also stays at the stage before, for the other door.
  expect(listed.toSorted()).toEqual(['192.0.2.2 ssh,mail 1', '198.51.100.9 ssh 2', '198.51.100.9 ssh,mail 1'])
  expect([...gate.underWay(10)].every(({ until }) => until === BEGIN_MS + 10_000)).toBe(true)
  expect([...gate.underWay(2)]).toHaveLength(2)
})

test('a retransmitted SYN is not a knock, even after the next knock (fault 2)', () => {
  const gate = gateWith([SSH])
  const first = { port: 7000, sourcePort: 4000, sequence: 77 }
  const second = { port: 8000, sourcePort: 4001, sequence: 99 }
  expect(
    talk(gate, [
      first,
      { ...first, at: 1_000 },
      { ...second, at: 2_000 },
      { ...first, at: 3_000 },
      { ...second, at: 3_100 },
      { port: 9000, at: 3_200 },
    ]),
  ).toEqual(['ssh 1', 'ssh 2', 'ssh 3', 'ssh open'])
})

test('an identical packet counts as another knock if a tool made it, unless the network doubled it', () => {
  const gate = gateWith([secret('twice', [7001, 7002, 7002, 7001])])
  const same = { sourcePort: 2267, sequence: 77, byHand: true }
  expect(
    talk(gate, [
      { ...same, port: 7001 },
      { ...same, port: 7002, at: 30 },
      { ...same, port: 7002, at: 30, link: 1 },
      { ...same, port: 7002, at: 29.9 },
      { ...same, port: 7002, at: 30 + DOUBLED_MS },
      { ...same, port: 7002, at: 60 },
      { ...same, port: 7001, at: 90 },
    ]),
  ).toEqual(['twice 1', 'twice 2', 'twice 3', 'twice 4', 'twice open'])
  const again = [7001, 7002, 7002, 7001].map((port, index): Hit =>
    Object.assign({ port, at: 60_000 + index * 30 }, same),
  )
  expect(talk(gate, again).at(-1)).toBe('twice open')
})

test('a SYN that a system sends again is not a knock, after any time, nor is an ACK of a connection', () => {
  const gate = gateWith([secret('twice', [7001, 7001])])
  const syn = { port: 7001, sourcePort: 2267, sequence: 77 }
  expect(
    talk(
      gate,
      [0.1, 30, 200, 999, 1_000, 3_000].map((at) => Object.assign({ at }, syn)),
    ),
  ).toEqual(['twice 1'])
  const flags = { mask: ACK, want: ACK }
  const acks = gateWith([secret('acks', [7001, 7001], { flags })])
  const ack = { ...syn, flags: ACK, byHand: true }
  expect(
    talk(
      acks,
      [0, 30, 300].map((at) => Object.assign({ at }, ack)),
    ),
  ).toEqual(['acks 1'])
})

test('knocks that are sent again after an opening do not count, whatever else the source sent meanwhile', () => {
  const gate = gateWith([SSH])
  const knocks = [7000, 8000, 9000].map((port, index) => ({ port, sourcePort: 4000 + index, sequence: 77 + index }))
  const tries = Array.from({ length: 9 }, () => ({ port: 22, at: 500 }))
  const again = knocks.map((each) => ({ ...each, at: 1_000 }))
  expect(talk(gate, [...knocks, ...tries, ...again]).filter((line) => line === 'ssh open')).toHaveLength(1)
})

test("a browser's second try from another port is not a wrong knock", () => {
  const gate = gateWith([SSH])
  expect(
    talk(gate, [7000, { port: 8000, at: 1_000 }, { port: 8000, at: 1_250 }, { port: 9000, at: 2_000 }]).at(-1),
  ).toBe('ssh open')
})

test('a datagram seen on two interfaces is one knock, two datagrams are two', () => {
  const gate = gateWith([secret('twice', [-7000, -7000])])
  const first = hit({ port: 7000, protocol: UDP, link: 0 })
  expect(texts(gate.knock(first))).toEqual(['twice 1'])
  first.link = 1
  expect(texts(gate.knock(first))).toEqual([])
  first.link = 0
  expect(texts(gate.knock(first))).toEqual(['twice 2', 'twice open'])
})

test('a source that touches a few wrong ports is scanning: doors that a scan could open ignore it for a while', () => {
  const gate = gateWith([secret('near', [7000, 7001, 7002])])
  expect(talk(gate, [7000, 7001, 1, 2, 3, 3, 3, 4])).toEqual(['near 1', 'near 2'])
  expect(talk(gate, [5, 7002])).toEqual(['scan'])
  expect(talk(gate, [7000, 7001, 7002])).toEqual([])
  const later = 60_100
  expect(
    talk(
      gate,
      [7000, 7001, 7002].map((port) => ({ port, at: later })),
    ).at(-1),
  ).toBe('near open')
})

test('a scan in order opens nothing, not even neighbouring ports or a single knock', () => {
  const gate = gateWith([secret('near', [7000, 7001, 7002]), secret('single', [6543]), secret('far', [100, 9000])])
  const effects = Array.from({ length: 65_535 }, (_, port) => gate.knock(hit({ port: port + 1, at: port / 10 }))).flat()
  expect(openings(effects)).toEqual([])
})

test('without the scan guard nothing is counted', () => {
  const gate = gateWith([SSH], { scanPorts: 0 })
  expect(talk(gate, [7000, 1, 2, 3, 4, 5, 6, 7, 8, 9, 8000, 9000]).at(-1)).toBe('ssh open')
})

test('packets with other flags do not advance an attempt, break it, or count', () => {
  const flags = { mask: FIN | ACK, want: FIN }
  const gate = gateWith([secret('fin', [7000, 8000], { flags })])
  expect(
    talk(gate, [
      { port: 7000, flags: FIN },
      { port: 7000, flags: SYN },
      { port: 8000, flags: FIN | ACK },
      { port: 8000, flags: FIN },
    ]),
  ).toEqual(['fin 1', 'fin 2', 'fin open'])
})

test("only packets to this host's addresses, or to a door's target, count", () => {
  const target = parseAddress('198.51.100.9')!
  const gate = gateWith([secret('own', [7000]), secret('behind', [7000], { target })], {
    own: [parseAddress('192.0.2.1')!],
  })
  expect(talk(gate, [{ port: 7000, to: '192.0.2.99' }])).toEqual([])
  expect(talk(gate, [{ port: 7000, to: '198.51.100.9' }])).toEqual(['behind 1', 'behind open'])
  expect(talk(gate, [{ port: 7000 }])).toEqual(['own 1', 'own open'])
  gate.setOwn([parseAddress('192.0.2.99')!])
  expect(talk(gate, [{ port: 7000, to: '192.0.2.99' }])).toEqual(['own 1', 'own open'])
})

test('a one-time sequence opens once, even with two sources at its last stage', () => {
  const gate = gateWith([secret('once', [1, 2, 3], {}, true)])
  const other = { from: '192.0.2.7' }
  talk(gate, [1, 2, { ...other, port: 1 }, { ...other, port: 2 }])
  expect(talk(gate, [3])).toEqual(['once 3', 'once open'])
  expect(talk(gate, [{ ...other, port: 3 }])).toEqual([])
  expect(talk(gate, [1, 2, 3])).toEqual([])
})

test('removing a sequence ends its attempts and no others; its places in memory are used again', () => {
  const web = secret('web', [7000, 8500])
  const gate = gateWith([SSH, web])
  talk(gate, [7000])
  gate.remove(SSH)
  gate.add(secret('new', [6000, 8000]))
  expect(talk(gate, [8000, 8500])).toEqual(['web 2', 'web open'])
  expect(
    talk(gate, [
      { port: 6000, from: '192.0.2.7' },
      { port: 8000, from: '192.0.2.7' },
    ]),
  ).toEqual(['new 1', 'new 2', 'new open'])
})

test('beyond the most attempts of one source, the oldest of the least advanced ends', () => {
  const doors = Array.from({ length: ATTEMPTS_PER_SOURCE_MAX + 1 }, (_, door) =>
    secret(`d${door}`, [1_000 + door, 2_000 + door]),
  )
  const gate = gateWith([SSH, ...doors])
  talk(gate, [7000, 8000])
  talk(
    gate,
    doors.map((_, door) => 1_000 + door),
  )
  expect(gate.attempts).toBe(ATTEMPTS_PER_SOURCE_MAX)
  expect(talk(gate, [2_000, 2_001, 2_002])).toEqual(['d2 2', 'd2 open'])
  expect(talk(gate, [9000])).toEqual(['ssh 3', 'ssh withheld'])
})

test('the gate explains its answers if asked', () => {
  const gate = gateWith([SSH], { explain: true })
  const syn = { port: 7000, sourcePort: 1, sequence: 1 }
  expect(talk(gate, [syn, syn, 443])).toEqual(['ssh 1', 'retransmitted', 'no part of a sequence'])
})

test('a flood of first knocks does not end, delay or evict an attempt that is further along, and has bounds', () => {
  const many = SLOW ? 1_000_000 : 10_000
  const gate = gateWith([SSH])
  talk(gate, [7000, 8000])
  for (let source = 0; source < many; source++) {
    const from = `10.${source >>> 16}.${(source >>> 8) & 255}.${source & 255}`
    gate.knock(hit({ from, port: 7000 }))
  }
  expect(gate.attempts).toBeLessThanOrEqual(1_024)
  expect(gate.sources).toBeLessThanOrEqual(1_024)
  expect(talk(gate, [9000])).toEqual(['ssh 3', 'ssh open'])
  expect(
    talk(gate, [
      { from: '192.0.2.8', port: 7000 },
      { from: '192.0.2.8', port: 8000 },
      { from: '192.0.2.8', port: 9000 },
    ]).at(-1),
  ).toBe('ssh open')
})
