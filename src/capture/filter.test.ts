// Goal: the kernel's filter does not grow with the number of doors, and lets no UDP through if no door needs it. On
// real interfaces, test/lab tries that the right packets get through.
import { expect, test } from 'vitest'
import { OPENING_FLAGS } from '../config/flags.ts'
import type { Terms } from '../gate/terms.ts'
import type { GateSequence } from '../gate/sequence.ts'
import type { Knock } from '../config/config.ts'
import { ACK, ICMP, Packet, SYN, TCP, UDP } from '../packet/packet.ts'
import type { KnockProtocol, Protocol } from '../packet/packet.ts'
import { parseAddress } from '../packet/address.ts'
import { FILTER_ADDRESSES_MAX, filterExpression, passes } from './filter.ts'
import { interestOf } from './interest.ts'

const RAW = 101
const TERMS: Terms = { flags: OPENING_FLAGS, target: undefined, timeoutMs: 1_000, allowFrom: [] }

const secret = (protocol: Protocol, ports: readonly number[], terms: Terms = TERMS): GateSequence => ({
  door: 'door',
  knocks: ports.map((port) => ({ protocol, port })),
  terms,
  once: false,
  scannable: false,
})

/** A secret of these knocks. */
const secretOf = (...knocks: readonly Knock[]): GateSequence => ({ ...secret(TCP, []), knocks })
const ping = (size: number): Knock => ({ protocol: ICMP, port: 0, size })
const datagram = (port: number, size: number): Knock => ({ protocol: UDP, port, size })

const filter = (
  secrets: readonly GateSequence[],
  own: readonly string[] = ['192.0.2.1'],
  busyTcp: readonly number[] = [],
): string =>
  filterExpression(
    {
      interest: interestOf(secrets),
      local: own.map((text) => parseAddress(text)!),
      decoy: 3,
      busyTcp: new Set(busyTcp),
      busyUdp: new Set(),
      busyPings: new Set(),
      onlyIp4: false,
    },
    RAW,
  )

test('TCP doors need no UDP, and ten thousand of them the same filter as one', () => {
  const one = filter([secret(TCP, [7301, 8822])])
  const many = filter(Array.from({ length: 10_000 }, (_, door) => secret(TCP, [door + 1, door + 2, door + 3])))
  expect(many).toBe(one)
  expect(one).not.toContain('udp')
})

test('UDP doors need a sketch of bounded length and the decoys', () => {
  const few = filter([secret(UDP, [7301, 8822])])
  const many = filter([
    secret(
      UDP,
      Array.from({ length: 32 }, (_, knock) => 1_000 + knock * 1_777),
    ),
  ])
  expect(few).toContain('udp[2:2] & 15 = 3')
  expect(many.length).toBeLessThan(few.length * 1.5)
})

test('every knocked port is in its sketch', () => {
  const ports = [1, 31, 32, 1023, 1024, 7301, 40_000, 65_535]
  for (const [, shift, word] of filter([secret(UDP, ports)]).matchAll(
    /31 & \(udp\[2:2\] >> (\d+)\)\)\) & (\d+) != 0/g,
  )) {
    for (const port of ports) expect((1 << ((port >>> Number(shift)) & 31)) & Number(word)).not.toBe(0)
  }
})

test('doors whose flags a first packet does not have are let through by their ports', () => {
  const terms = { ...TERMS, flags: { mask: ACK, want: ACK } }
  expect(filter([secret(TCP, [7301], terms)])).toContain('tcp[13] & 16 = 16')
  expect(filter([secret(TCP, [7301])])).not.toContain('& 16 = 16')
})

test('addresses are compared by the kernel up to a bound, and busy ports left out by name', () => {
  const own = Array.from({ length: FILTER_ADDRESSES_MAX + 1 }, (_, host) => `192.0.2.${host + 1}`)
  expect(filter([], own.slice(0, 2))).toContain('dst host 192.0.2.2')
  expect(filter([], own)).not.toContain('dst host 192')
  expect(filter([], ['192.0.2.1'], [443])).toContain('tcp[2:2] != 443')
})

test('a busy port is let through again as soon as somebody has to knock at it', () => {
  const busy = [443, 21_234]
  const expression = filter([secret(TCP, [21_234, 15_678])], ['192.0.2.1'], busy)
  expect(expression).toContain('tcp[2:2] != 443')
  expect(expression).not.toContain('!= 21234')
  const interest = interestOf([secret(TCP, [21_234]), secret(UDP, [5_353])])
  const busyUdp = new Set([5_353, 4_089])
  const terms = { interest, decoy: 9, busyTcp: new Set(busy), busyUdp, busyPings: new Set<number>() }
  const packet = new Packet()
  const through = (protocol: Protocol, port: number): boolean => {
    packet.protocol = protocol
    packet.port = port
    packet.flags = SYN
    return passes(terms, packet)
  }
  expect([through(TCP, 443), through(TCP, 21_234), through(UDP, 5_353), through(UDP, 4_089)]).toEqual([
    false,
    true,
    true,
    false,
  ])
})

test('pings are let through only where a door has one, and any number of doors has the same filter', () => {
  expect(filter([secret(TCP, [7301])])).not.toContain('icmp')
  const one = filter([secretOf(ping(100))])
  expect(one).toContain('icmp[0] = 8')
  expect(one).toContain('ip6[6] = 58 and ip6[40] = 128')
  const sizes = Array.from({ length: 1_000 }, (_, index) => ping(100 + index))
  expect(filter([secretOf(...sizes)])).toBe(one)
})

test('pings of the sizes that programs send by themselves stay in the kernel, unless one is a knock', () => {
  const own = filter([secretOf(ping(100))])
  for (const size of [0, 28, 32, 56]) expect(own).toContain(`(ip[2:2] - ((ip[0] & 15) << 2)) != ${size + 8}`)
  expect(filter([secretOf(ping(56))])).not.toContain('!= 64')
})

test('datagrams of a size are let through by port and length, and other lengths as to any port', () => {
  const expression = filter([secretOf(datagram(5_353, 32))])
  expect(expression).toContain('31 & (udp[4:2] >> 0)')
  expect(expression).toContain('(udp[2:2] & 15 = 3)')
  const many = Array.from({ length: 1_000 }, (_, index) => datagram(1_024 + index, index))
  expect(filter([secretOf(...many)]).length).toBeLessThanOrEqual(expression.length + 100)
})

test('without a kernel, the same packets pass: knocks always, others unless they are many or usual', () => {
  const interest = interestOf([secretOf(ping(100), ping(32), datagram(53, 500))])
  const none = new Set<number>()
  const terms = { interest, decoy: 9, busyTcp: none, busyUdp: new Set([53]), busyPings: new Set([100, 200]) }
  const packet = new Packet()
  const through = (protocol: KnockProtocol, port: number, size: number): boolean =>
    passes(terms, Object.assign(packet, { protocol, port, size, flags: 0 }))
  for (const size of [100, 32, 99]) expect([size, through(ICMP, 0, size)]).toEqual([size, true])
  for (const size of [200, 56, 0]) expect([size, through(ICMP, 0, size)]).toEqual([size, false])
  expect([through(UDP, 53, 500), through(UDP, 53, 499), through(UDP, 25, 500)]).toEqual([true, false, true])
  const others = { ...terms, interest: interestOf([secret(TCP, [7301])]) }
  expect(passes(others, Object.assign(packet, { protocol: ICMP, port: 0, size: 100 }))).toBe(false)
})
