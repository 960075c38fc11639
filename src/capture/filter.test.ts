// Goal: the kernel's filter does not grow with the number of doors, and says nothing of UDP where nobody knocks with it.
// That it lets the right packets through is tried on real interfaces in test/lab.
import { expect, test } from 'vitest'
import { OPENING_FLAGS } from '../config/flags.ts'
import type { Terms } from '../gate/terms.ts'
import type { GateSequence } from '../gate/sequence.ts'
import { ACK, Packet, SYN, TCP, UDP } from '../packet/packet.ts'
import type { Protocol } from '../packet/packet.ts'
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
  const terms = { interest, decoy: 9, busyTcp: new Set(busy), busyUdp: new Set([5_353, 4_089]) }
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
