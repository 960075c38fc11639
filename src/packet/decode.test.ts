// Goal: a knock is decoded to the same packet over every link layer and header. No byte beyond the capture is read, and
// any bytes have a verdict.
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SLOW } from '../../test/slow.ts'
import { LINKS, ip4, ip6 } from '../../test/packets/build.ts'
import type { Segment } from '../../test/packets/build.ts'
import { formatAddress } from './address.ts'
import { MALFORMED, OTHER, PACKET, SHORT, decode, decodesLinkType } from './decode.ts'
import type { Verdict } from './decode.ts'
import { FIN, ICMP, Packet, SYN, TCP, UDP, destinationOf, sourceOf } from './packet.ts'

const RAW = 101

const decoded = (frame: readonly number[], linkType: number): { verdict: Verdict; packet: Packet } => {
  const packet = new Packet()
  return { verdict: decode(Uint8Array.from(frame), 0, frame.length, frame.length, linkType, packet), packet }
}

/** The fields of the record, as they are now. */
const fields = (packet: Packet, others: Partial<Packet> = {}): object => Object.assign({}, packet, others)

describe.each(LINKS)('%s', (_, linkType, wrap) => {
  test.each([
    ['TCP over IPv4', ip4({ sequence: -2, acknowledgment: 9, window: 512, flags: SYN, identification: 77 }), 4],
    ['TCP over IPv4 with options', ip4({ options: 12, sequence: -2, acknowledgment: 9, window: 512 }), 4],
    ['TCP over IPv6', ip6({ sequence: -2, acknowledgment: 9, window: 512 }), 6],
    [
      'TCP over IPv6 with extension headers',
      ip6({ extensions: [0, 43, 60], sequence: -2, acknowledgment: 9, window: 512 }),
      6,
    ],
  ] as const)('%s', (_name, packet, family) => {
    const { verdict, packet: got } = decoded(wrap(packet), linkType)
    expect(verdict).toBe(PACKET)
    expect(got).toMatchObject({ family, protocol: TCP, sourcePort: 40_000, port: 7_000, flags: SYN })
    expect(got).toMatchObject({ sequence: -2, acknowledgment: 9, window: 512, checksum: 0 })
    expect(formatAddress(sourceOf(got))).toBe(family === 4 ? '192.0.2.2' : '2001:db8::2')
    expect(formatAddress(destinationOf(got))).toBe(family === 4 ? '192.0.2.1' : '2001:db8::1')
    expect(got.payloadEnd).toBe(got.payloadStart)
  })

  test('UDP is decoded with a payload, over both families, and with padding behind it', () => {
    for (const packet of [ip4({ protocol: UDP, payload: [1, 2, 3] }), ip6({ protocol: UDP, payload: [1, 2, 3] })]) {
      const frame = [...wrap(packet), 9, 9, 9, 9]
      const { verdict, packet: got } = decoded(frame, linkType)
      expect(verdict).toBe(PACKET)
      expect(got).toMatchObject({ protocol: UDP, port: 7_000, flags: 0, sequence: 0, checksum: 0xbeef, size: 3 })
      expect(frame.slice(got.payloadStart, got.payloadEnd)).toEqual([1, 2, 3])
    }
  })

  test('a ping is decoded over both families, with its numbers and its size, whatever follows it', () => {
    const echo = { protocol: ICMP, sourcePort: 77, sequence: 9, payload: Array<number>(30).fill(5) } as const
    for (const packet of [ip4(echo), ip4({ ...echo, options: 8 }), ip6(echo), ip6({ ...echo, extensions: [0, 60] })]) {
      const { verdict, packet: got } = decoded([...wrap(packet), 9, 9, 9, 9], linkType)
      expect(verdict).toBe(PACKET)
      expect(got).toMatchObject({ protocol: ICMP, port: 0, size: 30, sourcePort: 77, sequence: 9, checksum: 0xbeef })
      expect(got).toMatchObject({ flags: 0, headerBytes: 0, window: 0, acknowledgment: 0 })
    }
  })

  test('a packet cut at any place is too short, or is the whole packet', () => {
    const echo = { protocol: ICMP, payload: [1, 2] } as const
    const udp = { extensions: [60], protocol: UDP, payload: [1] } as const
    for (const packet of [ip4({ payload: [1, 2] }), ip6(udp), ip4(echo), ip6(echo)]) {
      const frame = wrap(packet)
      const whole = decoded(frame, linkType).packet
      for (let length = 0; length < frame.length; length++) {
        const { verdict, packet: got } = decoded(frame.slice(0, length), linkType)
        expect([PACKET, SHORT]).toContain(verdict)
        if (verdict !== PACKET) continue
        // The payload begins and ends where the frame does. Fields that a knock does not need may be missing.
        const cut = { length: 0, payloadStart: 0, payloadEnd: 0, window: 0, checksum: 0, size: 0 }
        expect(fields(got, cut)).toEqual(fields(whole, cut))
        expect([0, whole.window]).toContain(got.window)
        expect([0, whole.checksum]).toContain(got.checksum)
        expect([-1, whole.size]).toContain(got.size)
      }
    }
  })

  test('any bytes have a verdict, and bytes behind them are not read', () => {
    const packets = fc.constantFrom(
      ip4(),
      ip6(),
      ip4({ protocol: ICMP, payload: [1] }),
      ip6({ extensions: [44], protocol: ICMP, payload: [1] }),
      ip4({ protocol: UDP, payload: [1] }),
      ip6({ extensions: [0, 44, 60] }),
    )
    const mutated = fc
      .tuple(packets, fc.array(fc.tuple(fc.nat(120), fc.nat(255)), { maxLength: 6 }))
      .map(([packet, changes]) => {
        const frame = wrap(packet)
        for (const [at, value] of changes) if (at < frame.length) frame[at] = value
        return Uint8Array.from(frame)
      })
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 120 }), mutated), (frame) => {
        const verdicts = [0x00, 0xff].map((poison) => {
          const bytes = new Uint8Array(frame.length + 64).fill(poison)
          bytes.set(frame, 32)
          const packet = new Packet()
          const verdict = decode(bytes, 32, 32 + frame.length, frame.length, linkType, packet)
          if (verdict === PACKET) {
            expect(packet.payloadStart).toBeLessThanOrEqual(packet.payloadEnd)
            expect(packet.payloadEnd).toBeLessThanOrEqual(32 + frame.length)
          }
          return verdict === PACKET ? fields(packet) : verdict
        })
        expect(verdicts[0]).toEqual(verdicts[1])
      }),
      { numRuns: SLOW ? 20_000 : 300 },
    )
  })
})

/** Sets the flag "more fragments" in a fragment header right behind the IPv6 header. */
function firstFragment(packet: readonly number[]): readonly number[] {
  return withByte(packet, 43, 1)
}

/** An IPv4 packet that claims the given number of bytes behind its header. */
function shortened(packet: readonly number[], bytes: number): readonly number[] {
  return withByte(withByte(packet, 2, 0), 3, 20 + bytes)
}

function withByte(packet: readonly number[], at: number, value: number): readonly number[] {
  return packet.toSpliced(at, 1, value)
}

test.each<readonly [string, readonly number[], Verdict]>([
  ['a later fragment', ip4({ fragmentOffset: 5 }), OTHER],
  ['a later fragment over IPv6', ip6({ extensions: [44], fragmentOffset: 5 }), OTHER],
  ['a first fragment', ip4({ fragmentOffset: 0x2000 }), PACKET],
  ['an answer to a ping', ip4({ protocol: ICMP, type: 0 }), OTHER],
  ['an answer to a ping over IPv6', ip6({ protocol: ICMP, type: 129 }), OTHER],
  ['an error over IPv6', ip6({ protocol: ICMP, type: 1 }), OTHER],
  ["IPv4's ping over IPv6", ip6({ protocol: ICMP, type: 8 }), OTHER],
  ["IPv6's ping over IPv4", ip4({ protocol: ICMP, type: 128 }), OTHER],
  ['ICMPv6 over IPv4', ip4({ protocol: 58 as typeof TCP }), OTHER],
  ['a first fragment of a ping', ip4({ protocol: ICMP, fragmentOffset: 0x2000 }), OTHER],
  ['a later fragment of a ping', ip4({ protocol: ICMP, fragmentOffset: 0x2005 }), OTHER],
  ['a first fragment of a datagram', ip4({ protocol: UDP, fragmentOffset: 0x2000 }), PACKET],
  ['a ping in a fragment alone', ip6({ protocol: ICMP, extensions: [44] }), PACKET],
  ['a first fragment of a ping over IPv6', firstFragment(ip6({ protocol: ICMP, extensions: [44] })), OTHER],
  ['a ping shorter than its header', shortened(ip4({ protocol: ICMP }), 7), MALFORMED],
  ['a ping with a code', withByte(ip4({ protocol: ICMP }), 21, 1), MALFORMED],
  ['a ping without a length', withByte(withByte(ip4({ protocol: ICMP }), 2, 0), 3, 0), MALFORMED],
  ['ESP over IPv6', ip6({ protocol: 50 as typeof TCP }), OTHER],
  ['more extension headers than anybody needs', ip6({ extensions: Array<number>(12).fill(60) }), OTHER],
  ['IP version 5', [0x55, ...ip4().slice(1)], OTHER],
  ['an IPv4 header that is too short', [0x44, ...ip4().slice(1)], MALFORMED],
  ['a total length within the header', [0x45, 0, 0, 19, ...ip4().slice(4)], MALFORMED],
  ['nothing at all', [], SHORT],
])('%s', (_, frame, verdict) => {
  expect(decoded(frame, RAW).verdict).toBe(verdict)
})

test('of a cut packet the fields that a knock needs are enough: TCP up to its flags, the ports of UDP', () => {
  for (const [packet, header, needed] of [
    [ip4(), 20, 14],
    [ip6(), 40, 14],
    [ip4({ protocol: UDP }), 20, 4],
    [ip6({ protocol: UDP }), 40, 4],
  ] as const) {
    expect(decoded(packet.slice(0, header + needed), RAW)).toMatchObject({ verdict: PACKET, packet: { port: 7_000 } })
    expect(decoded(packet.slice(0, header + needed - 1), RAW).verdict).toBe(SHORT)
  }
  expect(decoded(ip4().slice(0, 34), RAW).packet).toMatchObject({ flags: SYN, headerBytes: 20, window: 0 })
})

test('lengths within TCP and UDP are checked', () => {
  const tcp = ip4()
  tcp[32] = 0x40
  expect(decoded(tcp, RAW).verdict).toBe(MALFORMED)
  tcp[32] = 0xf0
  expect(decoded(tcp, RAW).verdict).toBe(MALFORMED)
  const udp = ip4({ protocol: UDP })
  udp[25] = 7
  expect(decoded(udp, RAW).verdict).toBe(MALFORMED)
})

test('a packet that this host sent is ignored', () => {
  for (const [name, linkType, wrap] of LINKS) {
    if (!name.startsWith('cooked')) continue
    const frame = wrap(ip4())
    frame[linkType === 113 ? 1 : 10] = 4
    expect(decoded(frame, linkType).verdict).toBe(OTHER)
  }
})

test('three VLAN tags and unknown link types are ignored', () => {
  const tag = [0x81, 0, 0, 7]
  expect(decoded([...Array<number>(12).fill(2), ...tag, ...tag, ...tag, 8, 0, ...ip4()], 1).verdict).toBe(OTHER)
  expect(decoded(ip4(), 147).verdict).toBe(OTHER)
  expect(decodesLinkType(147)).toBe(false)
  for (const [, linkType] of LINKS) expect(decodesLinkType(linkType)).toBe(true)
})

test('a reused record keeps no field of the packet before', () => {
  const packet = new Packet()
  const take = (frame: readonly number[]): unknown => {
    decode(Uint8Array.from(frame), 0, frame.length, frame.length, RAW, packet)
    return fields(packet)
  }
  const segment: Segment = { flags: FIN, sequence: 5, acknowledgment: 6, window: 7, identification: 8 }
  const alone = [ip4({ protocol: UDP }), ip6(segment), ip4(segment)].map((frame) => fields(decoded(frame, RAW).packet))
  expect([ip4({ protocol: UDP }), ip6(segment), ip4(segment)].map(take)).toEqual(alone)
})
