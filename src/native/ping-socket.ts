import type { Address } from '../packet/address.ts'
import { bindToAddress, closeDescriptor, errorName, interfaceIndex, openSocket, sendToAddress } from './libc.ts'

/** `<sys/socket.h>`: AF_INET and the socket types have the same numbers everywhere, AF_INET6 does not. */
const AF_INET = 2
const AF_INET6: Partial<Record<NodeJS.Platform, number>> = { linux: 10, darwin: 30, freebsd: 28 }
const AF_INET6_OF_OTHERS = 24
const SOCK_DGRAM = 2
const SOCK_RAW = 3
/** IANA's protocol numbers. */
const IPPROTO_ICMP = 1
const IPPROTO_ICMPV6 = 58
/** Bytes of a struct sockaddr_in and a struct sockaddr_in6 (RFC 3493). */
const SOCKADDR_IN_BYTES = 16
const SOCKADDR_IN6_BYTES = 28
const LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1

/** An address, with the name of its interface if it is link-local. */
export interface ZonedAddress {
  readonly address: Address
  readonly zone: string | undefined
}

/**
 * Sends one ICMP message. It uses a ping socket (icmp(7)), which needs no privilege on macOS, and on Linux a group in
 * `net.ipv4.ping_group_range`; otherwise a raw socket, which needs CAP_NET_RAW or root. The kernel writes the IP header
 * and, over IPv6, the checksum. A ping socket also writes the identifier.
 *
 * @throws Error with the system's `code` and `syscall`, like Node's own errors
 */
export function sendIcmp(message: Uint8Array, to: ZonedAddress, from: ZonedAddress | undefined): void {
  const fd = openIcmp(to.address.family)
  try {
    if (from !== undefined && !bindToAddress(fd, socketAddress(from))) throw refusal('bind')
    if (!sendToAddress(fd, message, socketAddress(to))) throw refusal('sendto')
  } finally {
    closeDescriptor(fd)
  }
}

function openIcmp(family: 4 | 6): number {
  const domain = family === 4 ? AF_INET : inet6()
  const protocol = family === 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6
  for (const type of [SOCK_DGRAM, SOCK_RAW]) {
    const fd = openSocket(domain, type, protocol)
    if (fd >= 0) return fd
  }
  throw refusal('socket')
}

function inet6(): number {
  return AF_INET6[process.platform] ?? AF_INET6_OF_OTHERS
}

/** Returns a struct sockaddr. The BSDs have its length in the first byte, before a family of one byte. */
function socketAddress({ address: { family, a, b, c, d }, zone }: ZonedAddress): Uint8Array {
  const length = family === 4 ? SOCKADDR_IN_BYTES : SOCKADDR_IN6_BYTES
  const bytes = new DataView(new ArrayBuffer(length))
  const domain = family === 4 ? AF_INET : inet6()
  if (process.platform === 'linux') bytes.setUint16(0, domain, LITTLE_ENDIAN)
  else bytes.setUint16(0, (length << 8) | domain)
  if (family === 4) bytes.setInt32(4, a)
  else {
    for (const [index, word] of [a, b, c, d].entries()) bytes.setInt32(8 + 4 * index, word)
    bytes.setUint32(24, zone === undefined ? 0 : interfaceIndex(zone), LITTLE_ENDIAN)
  }
  return new Uint8Array(bytes.buffer)
}

function refusal(syscall: string): Error {
  const code = errorName()
  return Object.assign(new Error(`${syscall} ${code}`), { code, syscall })
}
