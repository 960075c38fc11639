import { parseAddress } from '../../src/packet/address.ts'
import { ICMP, TCP, UDP } from '../../src/packet/packet.ts'
import type { KnockProtocol } from '../../src/packet/packet.ts'

/** What a test says of a packet; the rest is as in an ordinary first SYN. */
export interface Segment {
  readonly from?: string
  readonly to?: string
  /** ICMP: an echo request, with its identifier as source port. */
  readonly protocol?: KnockProtocol
  /** ICMP: another message. */
  readonly type?: number
  readonly sourcePort?: number
  readonly port?: number
  readonly flags?: number
  readonly sequence?: number
  readonly acknowledgment?: number
  readonly window?: number
  readonly identification?: number
  readonly payload?: readonly number[]
  /** TCP: options of a multiple of four bytes. */
  readonly tcpOptions?: readonly number[]
  /** IPv4: bytes of options. IPv6: none. */
  readonly options?: number
  /** IPv6: extension headers by number, each eight bytes long. */
  readonly extensions?: readonly number[]
  /** In units of eight bytes. */
  readonly fragmentOffset?: number
}

const two = (value: number): number[] => [(value >>> 8) & 255, value & 255]
const four = (value: number): number[] => [...two(value >>> 16), ...two(value & 0xffff)]

/** A header with its payload. Checksums are made up: nobody here looks at them. */
export function transport(of: Segment, family: 4 | 6 = 4): number[] {
  const { protocol = TCP, sourcePort = 40_000, port = 7_000, payload = [] } = of
  const ports = [...two(sourcePort), ...two(port)]
  if (protocol === ICMP) {
    const type = of.type ?? (family === 4 ? 8 : 128)
    return [type, 0, ...two(0xbeef), ...two(sourcePort), ...two(of.sequence ?? 1), ...payload]
  }
  if (protocol === UDP) return [...ports, ...two(8 + payload.length), ...two(0xbeef), ...payload]
  const { sequence = 1, acknowledgment = 0, flags = 2, window = 65_535 } = of
  const { tcpOptions = [] } = of
  const length = ((20 + tcpOptions.length) / 4) << 4
  const numbers = [...four(sequence), ...four(acknowledgment)]
  return [...ports, ...numbers, length, flags, ...two(window), 0, 0, 0, 0, ...tcpOptions, ...payload]
}

/** An IPv4 packet. */
export function ip4(of: Segment = {}): number[] {
  const {
    from = '192.0.2.2',
    to = '192.0.2.1',
    protocol = TCP,
    options = 0,
    identification = 0,
    fragmentOffset = 0,
  } = of
  const body = transport(of)
  const length = 20 + options + body.length
  const header = [
    0x45 + options / 4,
    0,
    ...two(length),
    ...two(identification),
    ...two(fragmentOffset),
    64,
    protocol,
    0,
    0,
  ]
  return [
    ...header,
    ...four(parseAddress(from)!.a),
    ...four(parseAddress(to)!.a),
    ...Array<number>(options).fill(1),
    ...body,
  ]
}

const words = (text: string): number[] => {
  const { a, b, c, d } = parseAddress(text)!
  return [a, b, c, d].flatMap(four)
}

/** An IPv6 packet. */
export function ip6(of: Segment = {}): number[] {
  const { from = '2001:db8::2', to = '2001:db8::1', protocol = TCP, extensions = [], fragmentOffset = 0 } = of
  const body = transport(of, 6)
  const upper = protocol === ICMP ? 58 : protocol
  const headers = extensions.flatMap((number, index) => {
    const next = extensions[index + 1] ?? upper
    // Authentication counts in four bytes, less two; the others in eight, less one.
    if (number === 44) return [next, 0, ...two(fragmentOffset << 3), ...four(of.identification ?? 0)]
    return [next, 0, 0, 0, 0, 0, 0, 0]
  })
  const length = headers.length + body.length
  return [0x60, 0, 0, 0, ...two(length), extensions[0] ?? upper, 64, ...words(from), ...words(to), ...headers, ...body]
}

const typeOf = (packet: readonly number[]): number => (packet[0]! >>> 4 === 6 ? 0x86dd : 0x0800)

/** The link layers that a packet can come in: name, link type, and how it is wrapped. */
export const LINKS: readonly (readonly [string, number, (packet: readonly number[]) => number[]])[] = [
  ['Ethernet', 1, (packet) => [...Array<number>(12).fill(2), ...two(typeOf(packet)), ...packet]],
  ['VLAN', 1, (packet) => [...Array<number>(12).fill(2), 0x81, 0, 0, 7, ...two(typeOf(packet)), ...packet]],
  [
    'QinQ',
    1,
    (packet) => [...Array<number>(12).fill(2), 0x88, 0xa8, 0, 7, 0x81, 0, 0, 8, ...two(typeOf(packet)), ...packet],
  ],
  [
    'PPPoE',
    1,
    (packet) => [
      ...Array<number>(12).fill(2),
      0x88,
      0x64,
      0x11,
      0,
      0,
      1,
      ...two(packet.length + 2),
      0,
      typeOf(packet) === 0x800 ? 0x21 : 0x57,
      ...packet,
    ],
  ],
  ['cooked v1', 113, (packet) => [0, 0, 0, 1, 0, 6, 1, 2, 3, 4, 5, 6, 0, 0, ...two(typeOf(packet)), ...packet]],
  [
    'cooked v2',
    276,
    (packet) => [...two(typeOf(packet)), 0, 0, 0, 0, 0, 3, 0, 1, 0, 6, 1, 2, 3, 4, 5, 6, 0, 0, ...packet],
  ],
  [
    'cooked v2 with a VLAN tag',
    276,
    (packet) => [
      0x81,
      0,
      0,
      0,
      0,
      0,
      0,
      3,
      0,
      1,
      0,
      6,
      1,
      2,
      3,
      4,
      5,
      6,
      0,
      0,
      0,
      7,
      ...two(typeOf(packet)),
      ...packet,
    ],
  ],
  ['raw', 101, (packet) => [...packet]],
  ['raw as Linux numbers it', 12, (packet) => [...packet]],
  ['BSD loopback, little-endian', 0, (packet) => [typeOf(packet) === 0x800 ? 2 : 30, 0, 0, 0, ...packet]],
  ['BSD loopback, network order', 108, (packet) => [0, 0, 0, typeOf(packet) === 0x800 ? 2 : 24, ...packet]],
  ['PPP', 9, (packet) => [0xff, 3, 0, typeOf(packet) === 0x800 ? 0x21 : 0x57, ...packet]],
  ['PPP, compressed', 50, (packet) => [typeOf(packet) === 0x800 ? 0x21 : 0x57, ...packet]],
]
