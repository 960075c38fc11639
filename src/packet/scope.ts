import type { Address } from './address.ts'

/** The first byte of the loopback network 127.0.0.0/8 (RFC 1122, 3.2.1.3). */
const LOOPBACK_BYTE = 127
/** The first bits of multicast: 224.0.0.0/4 (RFC 5771), and ff00::/8 (RFC 4291, 2.7). */
const MULTICAST_4_BITS = 0xe
const MULTICAST_6_BYTE = 0xff
/** The address 255.255.255.255, which every host on the link receives (RFC 919). */
const LIMITED_BROADCAST = -1
/** The word before an IPv4 address in IPv6 form (RFC 4291, 2.5.5.2). */
const MAPPED_WORD = 0xffff

/** Returns true if an address is loopback: 127.0.0.0/8 or `::1`. */
export function isLoopback({ family, a, b, c, d }: Address): boolean {
  if (family === 4) return a >>> 24 === LOOPBACK_BYTE
  return a === 0 && b === 0 && c === 0 && d === 1
}

/** Returns true if an address is `0.0.0.0` or `::`. A sender treats it as its own address. */
export function isUnspecified({ a, b, c, d }: Address): boolean {
  return (a | b | c | d) === 0
}

/** Returns true if several hosts may receive an address: multicast, and 255.255.255.255. */
export function isShared({ family, a }: Address): boolean {
  if (family === 6) return a >>> 24 === MULTICAST_6_BYTE
  return a >>> 28 === MULTICAST_4_BITS || a === LIMITED_BROADCAST
}

/** Returns true if an address is an IPv4 address in IPv6 form: `::ffff:192.0.2.7`. */
export function isMapped({ family, a, b, c }: Address): boolean {
  return family === 6 && a === 0 && b === 0 && c === MAPPED_WORD
}

/** Returns the IPv4 address that a mapped address stands for, or the address itself. */
export function unmapped(address: Address): Address {
  return isMapped(address) ? { family: 4, a: address.d, b: 0, c: 0, d: 0 } : address
}
