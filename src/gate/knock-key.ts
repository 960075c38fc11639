import type { Knock } from '../config/config.ts'
import { ICMP, UDP } from '../packet/packet.ts'
import type { Packet } from '../packet/packet.ts'

// A key is a 32-bit number. Its lower half is a port, or the size of an echo request. Its upper half is the protocol:
// 0 for TCP, 1 for datagrams of any size, 2 for echo requests. Any other upper half is the size of a datagram.
const DATAGRAM = 1 << 16
const ECHO = 2 << 16
const LOWER_BITS = 0xffff
const PROTOCOLS = 3
/** The upper half of a datagram with 0 bytes. The first sizes are moved behind the largest, 65,507 (0xffe3). */
const SMALLEST = 0xfff0

/** The number of different knocks that have no port and size at once. Their keys are 0 to below this. */
export const KNOCKS = PROTOCOLS << 16

/** Returns the key of a knock in a sequence. */
export function keyOf({ protocol, port, size }: Knock): number {
  if (protocol === ICMP) return ECHO | size
  if (protocol !== UDP) return port
  return size === undefined ? DATAGRAM | port : sizedKey(port, size)
}

/** Returns the key of a packet, which for a datagram does not depend on its size. */
export function packetKey({ protocol, port, size }: Packet): number {
  if (protocol === ICMP) return ECHO | size
  return protocol === UDP ? DATAGRAM | port : port
}

/** Returns the key of a datagram of this size, in bytes. */
export function sizedKey(port: number, size: number): number {
  return ((size < PROTOCOLS ? SMALLEST + size : size) << 16) | port
}

/** Returns true if the key is one of a datagram of a certain size. */
export function isSized(key: number): boolean {
  return key >>> 0 >= KNOCKS
}

/** Returns the key of a knock in a sequence as if it had no size, if it is a datagram. */
export function anySizeOf(knock: Knock): number {
  return knock.protocol === UDP ? DATAGRAM | knock.port : keyOf(knock)
}

/** Returns true if one packet can be both knocks: they are the same, or one is a datagram of any size to the same port. */
export function meets(one: number, other: number): boolean {
  if (one === other) return true
  return isSized(one) ? other === (DATAGRAM | (one & LOWER_BITS)) : isSized(other) && meets(other, one)
}
