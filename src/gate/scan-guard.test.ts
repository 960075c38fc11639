// Goal: a scan opens nothing, forged addresses lock nobody out, and guessing codes is hopeless. A scanner is remembered
// through a flood of others. test/lab/forged.test.ts does the same with real programs.
import { describe, expect, test } from 'vitest'
import { SLOW, sample } from '../../test/slow.ts'
import { BEGIN_MS, codeSecret, hit, openings, secret, texts } from '../../test/gate/knocks.ts'
import { NMAP_PORTS } from '../config/nmap-ports.ts'
import { scannable } from '../config/scannable.ts'
import { formatAddress, parseAddress } from '../packet/address.ts'
import { parseNetwork } from '../packet/network.ts'
import { TCP } from '../packet/packet.ts'
import { knocksOfCode } from '../totp/ports.ts'
import { Gate } from './gate.ts'
import type { GateSettings } from './gate.ts'
import type { Ignored } from './scan-guard.ts'
import type { GateSequence } from './sequence.ts'

/** The number of scans of each kind; with SLOW, as many as the issue asks for. */
const SCANS = SLOW ? 1_000 : 10
const OWNER = '192.0.2.2'

const gateWith = (secrets: readonly GateSequence[], settings: Partial<GateSettings> = {}): Gate => {
  const small = { sourcesMax: 2_048, strangersMax: 512, keptMax: 512, attemptsMax: 2_048 }
  const gate = new Gate({ scanPorts: 5, scanIgnoreMs: 60_000, seed: [1, 2], ...small, ...settings })
  for (const one of secrets) gate.add(one)
  return gate
}

/** Numbers that look random, the same in every run (xorshift32, Marsaglia 2003). */
function dice(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return Math.floor(((state >>> 0) / 2 ** 32) * below)
  }
}

const throwDie = dice(0x5eed)

function shuffled(ports: readonly number[]): readonly number[] {
  const some = [...ports]
  for (let last = some.length - 1; last > 0; last--) {
    const other = throwDie(last + 1)
    ;[some[last], some[other]] = [some[other]!, some[last]!]
  }
  return some
}

const pick = (ports: readonly number[], count: number): readonly number[] => shuffled(ports).slice(0, count)

interface Timed {
  readonly at: number
  readonly port: number
}

/** The number of openings for packets of one source, in the order of their times. */
function opened(gate: Gate, packets: readonly Timed[], from = OWNER): number {
  const inOrder = packets.toSorted((one, other) => one.at - other.at)
  return openings(inOrder.flatMap(({ at, port }) => gate.knock(hit({ from, port, at })))).length
}

/** A sweep of random ports, so many a second, up to a moment. */
const sweep = (perSecond: number, untilMs: number): readonly Timed[] =>
  Array.from({ length: Math.floor((untilMs * perSecond) / 1_000) }, (_, index) => ({
    at: (index * 1_000) / perSecond,
    port: 1 + throwDie(65_535),
  }))

describe('beside a forged sweep of ports from the same address', () => {
  test.each([
    ['10 a second, knocks a second apart', 10, 1_000],
    ['100 a second, knocks 5 ms apart', 100, 5],
    ['1,000 a second, knocks 2 ms apart', 1_000, 2],
  ])('%s: the sequence opens', (_, perSecond, gapMs) => {
    let count = 0
    for (let run = 0; run < SCANS; run++) {
      const ports = [20_123, 8_822, 40_501].map((port) => port + throwDie(500))
      const knock = ports.map((port, index) => ({ at: 3_000.5 + index * gapMs, port }))
      count += opened(gateWith([secret('ssh', ports)]), [...sweep(perSecond, 5_500), ...knock])
    }
    expect(count).toBeGreaterThanOrEqual(SCANS * (14 / 15))
  })

  test('1,000 a second, among the ports of codes alone: a code behind a sequence opens', () => {
    for (let run = 0; run < SCANS; run++) {
      const code = String(throwDie(100_000_000)).padStart(8, '0')
      const gate = gateWith([codeSecret('ssh', [40_001, 8_822, 50_401], code)])
      const ports = [40_001, 8_822, 50_401, ...knocksOfCode(code).map(({ port }) => port)]
      const guesses = Array.from({ length: 3_000 }, (_, index) => ({ at: index, port: 10_000 + throwDie(20_000) }))
      expect(opened(gate, [...guesses, ...ports.map((port, index) => ({ at: 2_500.5 + index * 2, port }))])).toBe(1)
    }
  })

  test('a knock among too many strays stays shut, and opens when it is made again', () => {
    const gate = gateWith([secret('ssh', [7_000, 18_000, 9_000])])
    const strays = Array.from({ length: 33 }, (_, index) => ({ at: 1_000 + index, port: 100 + index }))
    const said = [{ at: 0, port: 7_000 }, ...strays, { at: 2_000, port: 18_000 }, { at: 3_000, port: 9_000 }].flatMap(
      (one) => texts(gate.knock(hit(one))),
    )
    expect(said).toEqual(['ssh 1', 'scan', 'ssh 2', 'ssh 3', 'ssh withheld'])
    expect(
      opened(
        gate,
        [7_000, 18_000, 9_000].map((port, index) => ({ at: 3_001 + index, port })),
      ),
    ).toBe(1)
  })
})

describe('scans', () => {
  const thousand = (perSecond: number): readonly Timed[] =>
    shuffled(NMAP_PORTS).map((port, index) => ({ at: (index * 1_000) / perSecond, port }))

  const rates = sample([1, 2.5, 10, 30, 100, 1_000], (each) => [1, 10, 1_000].includes(each))
  test.each(rates)("nmap's thousand ports at random, %d a second", (perSecond) => {
    let three = 0
    for (let scan = 0; scan < SCANS; scan++) {
      for (const timeoutMs of [25_000, 3_600_000]) {
        const of = (count: number): Gate => gateWith([secret('ssh', pick(NMAP_PORTS, count), { timeoutMs })])
        three += opened(of(3), thousand(perSecond))
        expect(opened(of(4), thousand(perSecond))).toBe(0)
      }
    }
    expect(three).toBeLessThanOrEqual(SCANS < 1_000 ? 1 : 6)
  })

  const all = Array.from({ length: 65_535 }, (_, index) => index + 1)
  test.each([
    ['in order', all],
    ['backwards', all.toReversed()],
    ['at random', shuffled(all)],
  ])('all ports, %s', (_, order) => {
    const secrets = [
      secret('near', [7_000, 7_001, 7_002]),
      secret('spread', [30_000, 30_010, 30_030]),
      secret('down', [20_010, 20_005, 20_000]),
      secret('same', [9_000, 9_000, 9_000]),
      secret('single', [6_543]),
      secret('two', [100, 9_001]),
      secret('far', [11_111, 31_313, 50_505]),
    ]
    for (const perSecond of sample([20, 1_000, 20_000], (each) => each !== 1_000)) {
      const packets = order.map((port, index) => ({ at: (index * 1_000) / perSecond, port }))
      expect(opened(gateWith(secrets), packets)).toBe(0)
    }
  })

  test.each([
    [[7_000], 'few'],
    [[7_000, 41_000], 'few'],
    [[7_000, 7_001, 7_002], 'near'],
    [[7_002, 7_000, 7_001], 'near'],
    [[9_000, 9_000, 9_000], 'near'],
    [[8_080, 8_443, 8_500], 'listed'],
    [[8_500, 8_443, 8_080], 'listed'],
    [[8_443, 8_500, 8_080], undefined],
    [[22, 80, 443], 'first'],
    [[443, 22, 3_389], 'first'],
    [[443, 22, 41_001, 50_002], undefined],
    [[7_000, 8_000, 9_000], undefined],
    [[41_001, 8_822, 25_401], undefined],
  ] as const)('of the ports %j a scan makes in passing: %s', (ports, why) => {
    expect(scannable(ports.map((port) => ({ protocol: TCP, port })))).toBe(why)
  })
})

const listed = (gate: Gate, at = 0): readonly string[] =>
  [...gate.ignored(BEGIN_MS + at, 10)].map(({ source, why }) => `${formatAddress(source)} ${why}`)

describe('a source that scanned', () => {
  const NEAR = secret('near', [7_000, 7_001, 7_002])
  const SCANNER = '198.51.100.9'
  const scan = (gate: Gate, from = SCANNER): readonly string[] =>
    [1, 2, 3, 4, 5].flatMap((port) => texts(gate.knock(hit({ from, port }))))
  const knocks = [7_000, 7_001, 7_002].map((port) => ({ at: 100, port }))

  test('is known as a scanner through a flood of new sources, which stays within its bounds', () => {
    const gate = gateWith([NEAR])
    expect(scan(gate)).toEqual(['scan'])
    for (let flood = 0; flood < (SLOW ? 90_000 : 30_000); flood++) {
      const from = `10.${flood >>> 16}.${(flood >>> 8) & 255}.${flood & 255}`
      gate.knock(hit({ from, port: 1 + (flood % 6_000), at: 10 }))
    }
    expect(gate.sources).toBeLessThanOrEqual(2_048)
    expect(opened(gate, knocks, SCANNER)).toBe(0)
    expect(listed(gate)).toEqual([`${SCANNER} scan`])
  })

  test('is known through a flood of as many other scanners as there is room for, and no longer', () => {
    const gate = gateWith([NEAR], { keptMax: 64 })
    scan(gate)
    for (let other = 0; other < 63; other++) scan(gate, `10.0.0.${other}`)
    expect(listed(gate)).toHaveLength(10)
    expect(opened(gate, knocks, SCANNER)).toBe(0)
    for (let other = 64; other < 250; other++) scan(gate, `10.0.0.${other}`)
    expect(gate.sources).toBeLessThanOrEqual(64)
  })

  test('is ignored for longer while it goes on scanning, and is forgotten when it stops', () => {
    const gate = gateWith([NEAR])
    scan(gate)
    for (const port of [11, 12, 13, 14, 15]) gate.knock(hit({ from: SCANNER, port, at: 50_000 }))
    expect(
      opened(
        gate,
        knocks.map(({ port }) => ({ at: 61_000, port })),
        SCANNER,
      ),
    ).toBe(0)
    expect(listed(gate, 109_000)).toEqual([`${SCANNER} scan`])
    expect(listed(gate, 111_000)).toEqual([])
    expect(
      opened(
        gate,
        knocks.map(({ port }) => ({ at: 111_000, port })),
        SCANNER,
      ),
    ).toBe(1)
  })

  test('can be forgiven', () => {
    const gate = gateWith([NEAR])
    scan(gate)
    expect(gate.forgive(parseAddress('192.0.2.77')!, BEGIN_MS)).toBe(false)
    expect(gate.forgive(parseAddress(SCANNER)!, BEGIN_MS)).toBe(true)
    expect(gate.forgive(parseAddress(SCANNER)!, BEGIN_MS)).toBe(false)
    expect(listed(gate)).toEqual([])
    expect(opened(gate, knocks, SCANNER)).toBe(1)
  })

  test('is never ignored if it is in the sources always allowed, even after a reload', () => {
    const allowed = [parseNetwork('198.51.100.0/24')!]
    const gate = gateWith([NEAR], { allowed })
    expect(scan(gate)).toEqual([])
    expect(opened(gate, knocks, SCANNER)).toBe(1)
    const other = gateWith([NEAR])
    scan(other)
    other.tune({ scanPorts: 5, scanIgnoreMs: 60_000, allowed })
    expect(listed(other)).toEqual([])
    expect(opened(other, knocks, SCANNER)).toBe(1)
  })
})

/** Lists the sources that doors with codes ignore. */
const codesOf = (gate: Gate): readonly Ignored[] => [...gate.ignored(BEGIN_MS, 10)].filter(({ why }) => why !== 'scan')
const wrong = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => 25_000 + index)

const said = (gate: Gate, ports: readonly number[], at = 0): readonly string[] =>
  ports.flatMap((port) => texts(gate.knock(hit({ port, at }))))

describe('codes', () => {
  const CODE = '12345678'
  const [FIRST, SECOND] = knocksOfCode(CODE).map(({ port }) => port) as [number, number]

  test('wrong guesses shut doors with codes alone, until they are forgotten one by one', () => {
    const gate = gateWith([codeSecret('ssh', [], CODE), secret('far', [7_000, 18_000, 9_000])])
    expect(said(gate, wrong(15)).filter((text) => text !== 'scan')).toEqual([])
    expect(said(gate, [25_100, FIRST, SECOND])).toEqual(['guesses', 'ssh 1', 'ssh 2', 'ssh withheld'])
    expect(codesOf(gate)).toMatchObject([{ why: 'codes', until: BEGIN_MS + 60_000 }])
    expect(said(gate, [7_000, 18_000, 9_000]).at(-1)).toBe('far open')
    expect(said(gate, [FIRST, SECOND], 60_100).at(-1)).toBe('ssh open')
  })

  test('ports outside codes, and the same port tried again and again, do not count as guesses', () => {
    const gate = gateWith([codeSecret('ssh', [], CODE)])
    said(
      gate,
      Array.from({ length: 200 }, (_, index) => 40_000 + index),
    )
    said(
      gate,
      Array.from({ length: 200 }, () => 25_565),
    )
    expect(said(gate, [FIRST, SECOND]).at(-1)).toBe('ssh open')
  })

  test('behind a sequence only guesses after it count, and a correct code cancels those during it', () => {
    const before = [40_001, 8_822, 50_401]
    const codes = Array.from({ length: 40 }, (_, index) => String(index * 1_234_567).padStart(8, '0'))
    const gate = gateWith(codes.map((code) => codeSecret('ssh', before, code)))
    said(gate, wrong(1_000))
    for (const code of codes) {
      const ports = knocksOfCode(code).map(({ port }) => port)
      expect(said(gate, [...before, 29_990, 29_991, 29_992, ...ports]).at(-1)).toBe('ssh open')
    }
  })

  test('guesses behind the correct sequence are limited', () => {
    const before = [40_001, 8_822, 50_401]
    const gate = gateWith([codeSecret('ssh', before, CODE)])
    for (let round = 0; round < 20; round++) said(gate, [...before, 25_000 + round, 15_000 + round])
    expect(codesOf(gate)).toMatchObject([{ why: 'codes behind', until: BEGIN_MS + 300_000 }])
    expect(said(gate, [...before, FIRST, SECOND]).at(-1)).toBe('ssh withheld')
    expect(said(gate, [...before, FIRST, SECOND], 300_100).at(-1)).toBe('ssh open')
  })
})
