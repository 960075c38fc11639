// Goal: the gate gives the same answers as a slow and simple model: one attempt per source and door, in plain maps. The
// model leaves out sequences that begin with the same knock, or repeat their first knock. Tests of those are in
// gate.test.ts and lost-knock.test.ts.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { SLOW } from '../../test/slow.ts'
import { BEGIN_MS, hit, secret, texts } from '../../test/gate/knocks.ts'
import type { Hit } from '../../test/gate/knocks.ts'
import { ICMP, TCP, UDP } from '../packet/packet.ts'
import type { Knock } from '../config/config.ts'
import { Gate } from './gate.ts'
import { SECOND_TRY_MAX_MS, SECOND_TRY_MIN_MS } from './bounds.ts'
import { anySizeOf, keyOf } from './knock-key.ts'
import type { GateSequence } from './sequence.ts'
import { STRAYS_PER_S } from './allowance.ts'
import { STRAYS_PER_KNOCK } from '../config/config.ts'
import { REMEMBERED_PACKETS } from './sources.ts'
import { touchBit } from './sketch.ts'

const SCAN_PORTS = 3
const SCAN_IGNORE_MS = 4_000
/** Few ports, so that many packets meet. No door's port shares a bit with another port in the gate's sketch. */
const PORTS = [1, 2, 3, 4, 5, 6, 7, 8]
/** Knocks of other kinds: datagrams of any size and of two sizes to one port, and pings. */
const OTHERS: readonly Knock[] = [
  { protocol: UDP, port: 1 },
  { protocol: UDP, port: 2 },
  { protocol: UDP, port: 2, size: 10 },
  { protocol: UDP, port: 2, size: 20 },
  { protocol: ICMP, port: 0, size: 10 },
  { protocol: ICMP, port: 0, size: 20 },
]
/** More ports for strays: more than an attempt allows. */
const HIT_PORTS = [...PORTS, ...Array.from({ length: 24 }, (_, index) => 101 + index)]

interface Attempt {
  stage: number
  /** The numbers of the packets that were its knocks, including second tries. */
  readonly knocks: number[]
  readonly began: number
  last: number
  strays: number
  /** The last four ports that were counted as strays. */
  strayed: number[]
}

interface Source {
  readonly attempts: Map<string, Attempt>
  readonly touched: Set<number>
  ignoredFrom: number
  recent: string[]
}

type Of = Hit & { readonly from: string; readonly at: number }

class Model {
  readonly #doors: readonly GateSequence[]
  readonly #sources = new Map<string, Source>()
  #packet = 0

  constructor(doors: readonly GateSequence[]) {
    this.#doors = doors
  }

  expire(now: number): string[] {
    const said: string[] = []
    for (const { attempts } of this.#sources.values()) {
      for (const [door, { began, stage }] of attempts) {
        const { timeoutMs } = this.#doors.find((each) => each.door === door)!.terms
        if (began + timeoutMs > now) continue
        attempts.delete(door)
        said.push(`${door} late ${stage}`)
      }
    }
    return said
  }

  knock(of: Of): string[] {
    const said = this.expire(of.at)
    const key = anySizeOf(packetOf(of))
    let source = this.#sources.get(of.from)
    source ??= { attempts: new Map(), touched: new Set(), ignoredFrom: -Infinity, recent: [] }
    this.#sources.set(of.from, source)
    const ignored = of.at - source.ignoredFrom < SCAN_IGNORE_MS
    if (!ignored && source.ignoredFrom > -Infinity) {
      source.ignoredFrom = -Infinity
      source.touched.clear()
    }
    // Pings at the same time are the same packet if all of their numbers are the same.
    const moment = of.protocol === ICMP ? `${of.at} ${of.size}` : ''
    const print = of.protocol === UDP ? '' : `${of.sourcePort} ${of.port} ${of.sequence} ${moment}`
    if (print !== '' && source.recent.includes(print)) return said
    this.#packet++
    const { attempts } = source
    const doors = this.#doors.filter(({ scannable }) => !scannable || !ignored)
    const part = doors.some((door) => attempts.has(door.door) && isPart(door, of))
    const stageOf = (door: GateSequence): number => attempts.get(door.door)?.stage ?? 0
    let opened = false
    for (const door of doors) this.#passOver(door, attempts, of, said)
    for (const door of doors.toSorted((one, other) => stageOf(other) - stageOf(one))) {
      const attempt = attempts.get(door.door)
      if (attempt === undefined || !this.#goOn(door, attempt, attempts, of, said)) continue
      opened = true
      // The knocks of an opening no longer count for other doors.
      for (const [name, other] of attempts) if (isMadeOf(other, attempt)) attempts.delete(name)
    }
    const begun = opened ? [] : doors.filter((door) => matches(door.knocks[0]!, of))
    for (const door of begun) this.#begin(door, attempts, of.at, said)
    if (part || begun.length > 0) {
      source.recent = [...source.recent, print].slice(-REMEMBERED_PACKETS)
      return said
    }
    // Ports of sequences never count as a scan, in any order.
    if (this.#doors.some((door) => isPart(door, of))) return said
    // A ping has no port, so it is not part of a scan.
    if (of.protocol === ICMP) return said
    // Ports that share a bit of the sketch count as one.
    source.touched.add(touchBit(key))
    if (source.touched.size < SCAN_PORTS) return said
    source.touched.clear()
    source.ignoredFrom = of.at
    if (ignored) return said
    for (const { door, scannable } of this.#doors) if (scannable) source.attempts.delete(door)
    return [...said, 'scan']
  }

  /** Applies a knock to an attempt. Returns true if the door opens. */
  #goOn(door: GateSequence, attempt: Attempt, attempts: Map<string, Attempt>, of: Of, said: string[]): boolean {
    const { at } = of
    if (!matches(door.knocks[attempt.stage]!, of)) return false
    attempt.stage++
    attempt.last = at
    attempt.knocks.push(this.#packet)
    said.push(`${door.door} ${attempt.stage}`)
    if (attempt.stage < door.knocks.length) return false
    const most = STRAYS_PER_KNOCK * (door.knocks.length - 1)
    const allowed = Math.min(
      most,
      STRAYS_PER_KNOCK * Math.max(1, door.knocks.length - 2) + (STRAYS_PER_S * (at - attempt.began)) / 1_000,
    )
    const opens = attempt.strays <= allowed
    said.push(`${door.door} ${opens ? 'open' : 'withheld'}`)
    attempts.delete(door.door)
    return opens
  }

  /** Applies a packet that is not the attempt's next knock. */
  #passOver(door: GateSequence, attempts: Map<string, Attempt>, of: Of, said: string[]): void {
    const attempt = attempts.get(door.door)
    const key = anySizeOf(packetOf(of))
    if (attempt === undefined || matches(door.knocks[attempt.stage]!, of)) return
    if (isPart(door, of)) {
      const since = of.at - attempt.last
      const again = matches(door.knocks[attempt.stage - 1]!, of) && attempt.stage > 1
      if (again && since >= SECOND_TRY_MIN_MS && since <= SECOND_TRY_MAX_MS) {
        attempt.knocks.push(this.#packet)
        return
      }
      said.push(`${door.door} wrong ${attempt.stage}`)
      attempts.delete(door.door)
    } else if (!attempt.strayed.includes(key)) {
      attempt.strays++
      attempt.strayed = [...attempt.strayed, key].slice(-4)
    }
  }

  #begin(door: GateSequence, attempts: Map<string, Attempt>, at: number, said: string[]): void {
    said.push(`${door.door} 1`)
    if (door.knocks.length === 1) said.push(`${door.door} open`)
    else attempts.set(door.door, { stage: 1, knocks: [this.#packet], began: at, last: at, strays: 0, strayed: [] })
  }
}

/** Returns true if an attempt began during another one, and all of its knocks were that one's knocks. */
function isMadeOf(one: Attempt, other: Attempt): boolean {
  return one.knocks[0]! > other.knocks[0]! && one.knocks.every((packet) => other.knocks.includes(packet))
}

function isPart({ knocks }: GateSequence, of: Of): boolean {
  return knocks.some((knock) => matches(knock, of))
}

function matches(knock: Knock, of: Of): boolean {
  const { protocol, port, size } = packetOf(of)
  if (knock.protocol !== protocol || knock.port !== port) return false
  return knock.size === undefined || knock.size === size
}

function packetOf({ protocol = TCP, port, size = 0 }: Hit): Knock {
  if (protocol === ICMP) return { protocol, port: 0, size }
  return protocol === UDP ? { protocol, port, size } : { protocol, port }
}

/** Sequences with different first knocks, none of which is knocked again in its sequence: the model has no others. */
const apart = fc
  .uniqueArray(fc.constantFrom(...PORTS, ...OTHERS), { minLength: 1, maxLength: 3, selector: numberOf })
  .chain((firsts) =>
    fc.tuple(
      ...firsts.map((first) =>
        fc
          .array(
            fc.constantFrom(...PORTS, ...OTHERS, ...OTHERS).filter((knock) => numberOf(knock) !== numberOf(first)),
            { maxLength: 4 },
          )
          .map((rest) => [first].concat(rest)),
      ),
    ),
  )

/** A number that is the same for all knocks that one packet can match. */
function numberOf(knock: number | Knock): number {
  return typeof knock === 'number' ? knock : anySizeOf(knock)
}

/** Sequences that are parts of one sequence, knocked twice: rotations, ends and middles. */
const entangled = fc
  .tuple(
    fc.shuffledSubarray([...PORTS], { minLength: 2, maxLength: 4 }),
    fc.uniqueArray(fc.tuple(fc.nat(3), fc.integer({ min: 1, max: 4 })), { minLength: 2, selector: ([at]) => at }),
  )
  .map(([ports, parts]) =>
    parts
      .filter(([at]) => at < ports.length)
      .map(([at, length]) => [...ports, ...ports].slice(at, at + Math.min(length, ports.length))),
  )

const doors = fc
  .tuple(
    fc.oneof(apart, entangled),
    fc.array(fc.tuple(fc.constantFrom(2_000, 5_000), fc.boolean()), { minLength: 4, maxLength: 4 }),
  )
  .map(([sequences, kinds]) =>
    sequences.map((ports, index) => {
      const [timeoutMs, scannable] = kinds[index]!
      return Object.assign(secret(`d${index}`, ports, { timeoutMs }), { scannable })
    }),
  )

const hits = fc.array(
  fc.record({
    from: fc.constantFrom('192.0.2.2', '192.0.2.3', '2001:db8::2'),
    port: fc.oneof(fc.constantFrom(...PORTS), fc.constantFrom(...HIT_PORTS)),
    protocol: fc.constantFrom(TCP, TCP, TCP, UDP, ICMP),
    size: fc.constantFrom(0, 10, 20),
    gap: fc.constantFrom(0, 0, 0, 20, 100, 200, 700, 1_100),
    sourcePort: fc.constantFrom(1_000, 2_000),
    sequence: fc.nat(6),
    /** The door whose whole sequence is knocked, in place of one port. */
    door: fc.option(fc.nat(3), { nil: undefined }),
  }),
  { maxLength: 100 },
)

test('the ports of this test share no bit of the sketch', () => {
  const keys = PORTS.flatMap((port) => [keyOf({ protocol: TCP, port }), keyOf({ protocol: UDP, port })])
  expect(new Set(keys.map(touchBit)).size).toBe(keys.length)
})

test('the gate and the model give the same answers', () => {
  fc.assert(
    fc.property(doors, hits, (secrets, knocks) => {
      const settings = { scanPorts: SCAN_PORTS, scanIgnoreMs: SCAN_IGNORE_MS, seed: [3, 4] as const }
      const gate = new Gate({ ...settings, sourcesMax: 16, strangersMax: 16, attemptsMax: 64 })
      for (const one of secrets) gate.add(one)
      const model = new Model(secrets)
      let at = 0
      let fresh = 1_000
      for (const { gap, door, ...knock } of knocks) {
        at += gap
        for (const { port, protocol, size = knock.size } of secrets[door ?? -1]?.knocks ?? [knock]) {
          // The knocks of a run are not retransmissions.
          const one = { ...knock, ...(door === undefined ? {} : { sequence: ++fresh }), port, protocol, size, at }
          expect([...texts(gate.knock(hit(one)))].sort()).toEqual(model.knock(one).sort())
        }
      }
      at += 10_000
      expect([...texts(gate.expire(BEGIN_MS + at))].sort()).toEqual(model.expire(at).sort())
      expect(gate.attempts).toBe(0)
    }),
    { numRuns: SLOW ? 50_000 : 600 },
  )
})

test('whatever the doors, the gate opens one only for its whole sequence, in order and in time', () => {
  const any = fc.array(fc.array(fc.constantFrom(...PORTS, ...OTHERS), { minLength: 1, maxLength: 4 }), {
    minLength: 1,
    maxLength: 5,
  })
  fc.assert(
    fc.property(any, hits, (sequences, knocks) => {
      const gate = new Gate({
        scanPorts: 0,
        scanIgnoreMs: 1,
        seed: [3, 4],
        sourcesMax: 16,
        strangersMax: 16,
        attemptsMax: 64,
      })
      for (const [index, ports] of sequences.entries()) gate.add(secret(`d${index}`, ports, { timeoutMs: 5_000 }))
      const seen: Of[] = []
      let at = 0
      for (const { gap, door: _, ...knock } of knocks) {
        at += gap
        seen.push({ ...knock, at })
        for (const effect of gate.knock(hit({ ...knock, at }))) {
          if (effect.kind !== 'open') continue
          let before = seen.length - 1
          for (const one of effect.secret.knocks.toReversed()) {
            while (before >= 0 && (seen[before]!.from !== knock.from || !matches(one, seen[before]!))) before--
            expect(before).toBeGreaterThanOrEqual(0)
            expect(at - seen[before]!.at).toBeLessThan(5_000)
            before--
          }
        }
      }
    }),
    { numRuns: SLOW ? 50_000 : 500 },
  )
})
