import type { Address } from './address.ts'

/** The first byte of 127.0.0.0/8, which is loopback as a whole (RFC 1122, 3.2.1.3). */
const LOOPBACK_BYTE = 127
/** 224.0.0.0/4 is multicast (RFC 5771), as is ff00::/8 (RFC 4291, 2.7). */
const MULTICAST_4_BITS = 0xe
const MULTICAST_6_BYTE = 0xff
/** 255.255.255.255, which every host on the link takes (RFC 919). */
const LIMITED_BROADCAST = -1
/** Stands before an IPv4 address that is written as an IPv6 one (RFC 4291, 2.5.5.2). */
const MAPPED_WORD = 0xffff

/** Whether an address is a name of the host that sends to it: 127.0.0.0/8 and `::1`. */
export function isLoopback({ family, a, b, c, d }: Address): boolean {
  if (family === 4) return a >>> 24 === LOOPBACK_BYTE
  return a === 0 && b === 0 && c === 0 && d === 1
}

/** Whether an address is `0.0.0.0` or `::`, which the host that sends to it takes for itself. */
export function isUnspecified({ a, b, c, d }: Address): boolean {
  return (a | b | c | d) === 0
}

/** Whether an address is every host's that listens to it: multicast, and 255.255.255.255. */
export function isShared({ family, a }: Address): boolean {
  if (family === 6) return a >>> 24 === MULTICAST_6_BYTE
  return a >>> 28 === MULTICAST_4_BITS || a === LIMITED_BROADCAST
}

/** Whether an IPv6 address is an IPv4 one in disguise: `::ffff:192.0.2.7`. */
export function isMapped({ family, a, b, c }: Address): boolean {
  return family === 6 && a === 0 && b === 0 && c === MAPPED_WORD
}
