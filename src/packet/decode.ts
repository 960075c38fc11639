import { half, networkOffset } from './link.ts'
import { ICMP, TCP, UDP } from './packet.ts'
import type { Packet } from './packet.ts'
import { MALFORMED, OTHER, PACKET, SHORT } from './verdict.ts'
import type { Verdict } from './verdict.ts'

export { decodesLinkType } from './link.ts'
export { MALFORMED, OTHER, PACKET, SHORT } from './verdict.ts'
export type { Verdict } from './verdict.ts'

/** ICMP's number behind an IPv6 header, and its echo requests' types (RFC 792, RFC 4443). */
const ICMPV6 = 58
const ECHO_REQUEST = 8
const ECHO_REQUEST_V6 = 128

const FRAGMENT = 44
const AUTHENTICATION = 51
/**
 * The IPv6 extension headers (IANA) that TCP, UDP or ICMPv6 may follow: hop-by-hop options, routing, fragment, authentication,
 * destination options, mobility, host identity, and shim6.
 */
const EXTENSIONS: ReadonlySet<number> = new Set([0, 43, FRAGMENT, AUTHENTICATION, 60, 135, 139, 140])
/** The maximum number of extension headers to skip. Legitimate packets have one or two. */
const EXTENSION_HEADERS_MAX = 8

/** The flag of an IPv4 packet that is not its last fragment (RFC 791, 3.1), and the one of an IPv6 fragment header. */
const MORE_FRAGMENTS = 0x2000
const MORE_FRAGMENTS_V6 = 1

const IPV4_HEADER_BYTES = 20
const IPV6_HEADER_BYTES = 40
const TCP_HEADER_BYTES = 20
const UDP_HEADER_BYTES = 8
/** The header of an echo request, with its identifier and sequence number. */
const ECHO_HEADER_BYTES = 8
/**
 * The required header bytes: TCP up to its flags, the ports of UDP, and all of an echo request's. The capture may have
 * cut off the rest.
 */
const TCP_NEEDED_BYTES = 14
const UDP_NEEDED_BYTES = 4

/**
 * Decodes the frame in `bytes[start, end)` into `packet`, except its time and link. It reads no other bytes. `packet`
 * is valid only if the verdict is {@link PACKET}, except that its protocol is ICMP if a message of that is too short. If the capture cut off the window, length or checksum, they are as in
 * an empty packet.
 *
 * @param wireLength the length of the frame before it was cut to the snap length, in bytes
 * @param linkType the link type, as in the header of a pcap file
 */
export function decode(
  bytes: Uint8Array,
  start: number,
  end: number,
  wireLength: number,
  linkType: number,
  packet: Packet,
): Verdict {
  const at = networkOffset(bytes, start, end, linkType)
  if (at < 0) return ~at as Verdict
  if (at >= end) return SHORT
  packet.length = wireLength
  const version = bytes[at]! >>> 4
  if (version === 4) return decodeIp4(bytes, at, end, packet)
  if (version === 6) return decodeIp6(bytes, at, end, packet)
  return OTHER
}

/** See RFC 791, 3.1. */
function decodeIp4(bytes: Uint8Array, at: number, end: number, packet: Packet): Verdict {
  if (at + IPV4_HEADER_BYTES > end) return SHORT
  const headerBytes = (bytes[at]! & 15) * 4
  const totalLength = half(bytes, at + 2)
  if (headerBytes < IPV4_HEADER_BYTES) return MALFORMED
  // Offloaded segmentation leaves a length of 0.
  if (totalLength !== 0 && totalLength < headerBytes) return MALFORMED
  if ((half(bytes, at + 6) & 0x1fff) !== 0) return OTHER
  packet.family = 4
  packet.identification = half(bytes, at + 4)
  packet.sourceA = word(bytes, at + 12)
  packet.sourceB = 0
  packet.sourceC = 0
  packet.sourceD = 0
  packet.destinationA = word(bytes, at + 16)
  packet.destinationB = 0
  packet.destinationC = 0
  packet.destinationD = 0
  const full = totalLength === 0 ? Infinity : at + totalLength
  const transport = at + headerBytes
  if (bytes[at + 9] === ICMP) {
    const whole = (half(bytes, at + 6) & MORE_FRAGMENTS) === 0
    return whole ? decodeEcho(bytes, ECHO_REQUEST, transport, end, full, packet) : OTHER
  }
  return decodeTransport(bytes, bytes[at + 9]!, transport, end, full, packet)
}

/** See RFC 8200, 3 and 4. */
function decodeIp6(bytes: Uint8Array, at: number, end: number, packet: Packet): Verdict {
  if (at + IPV6_HEADER_BYTES > end) return SHORT
  packet.family = 6
  packet.identification = 0
  packet.sourceA = word(bytes, at + 8)
  packet.sourceB = word(bytes, at + 12)
  packet.sourceC = word(bytes, at + 16)
  packet.sourceD = word(bytes, at + 20)
  packet.destinationA = word(bytes, at + 24)
  packet.destinationB = word(bytes, at + 28)
  packet.destinationC = word(bytes, at + 32)
  packet.destinationD = word(bytes, at + 36)
  const payloadLength = half(bytes, at + 4)
  const full = payloadLength === 0 ? Infinity : at + IPV6_HEADER_BYTES + payloadLength
  let header = bytes[at + 6]!
  let next = at + IPV6_HEADER_BYTES
  let whole = true
  for (let passed = 0; passed <= EXTENSION_HEADERS_MAX; passed++) {
    if (header === TCP || header === UDP) return decodeTransport(bytes, header, next, end, full, packet)
    if (header === ICMPV6 && whole) return decodeEcho(bytes, ECHO_REQUEST_V6, next, end, full, packet)
    if (!EXTENSIONS.has(header)) return OTHER
    if (next + 8 > full) return MALFORMED
    if (next + 8 > end) return SHORT
    if (header === FRAGMENT) {
      if ((half(bytes, next + 2) & 0xfff8) !== 0) return OTHER
      whole = (bytes[next + 3]! & MORE_FRAGMENTS_V6) === 0
      packet.identification = half(bytes, next + 6)
    }
    const length = bytes[next + 1]!
    const skip = header === FRAGMENT ? 8 : header === AUTHENTICATION ? (length + 2) * 4 : (length + 1) * 8
    header = bytes[next]!
    next += skip
  }
  return OTHER
}

/** @param full the end of the packet by its own length fields; `end` is the end of the captured part */
function decodeTransport(
  bytes: Uint8Array,
  protocol: number,
  at: number,
  end: number,
  full: number,
  packet: Packet,
): Verdict {
  if (protocol === TCP) return decodeTcp(bytes, at, end, full, packet)
  if (protocol === UDP) return decodeUdp(bytes, at, end, full, packet)
  return OTHER
}

/** See RFC 9293, 3.1. */
function decodeTcp(bytes: Uint8Array, at: number, end: number, full: number, packet: Packet): Verdict {
  if (at + TCP_HEADER_BYTES > full) return MALFORMED
  if (at + TCP_NEEDED_BYTES > end) return SHORT
  const headerBytes = (bytes[at + 12]! >>> 4) * 4
  if (headerBytes < TCP_HEADER_BYTES || at + headerBytes > full) return MALFORMED
  packet.protocol = TCP
  packet.sourcePort = half(bytes, at)
  packet.port = half(bytes, at + 2)
  packet.size = 0
  packet.sequence = word(bytes, at + 4)
  packet.acknowledgment = word(bytes, at + 8)
  packet.headerBytes = headerBytes
  packet.flags = bytes[at + 13]!
  packet.window = at + 16 > end ? 0 : half(bytes, at + 14)
  packet.checksum = 0
  packet.payloadEnd = Math.min(full, end)
  packet.payloadStart = Math.min(at + headerBytes, packet.payloadEnd)
  return PACKET
}

/** See RFC 768. */
function decodeUdp(bytes: Uint8Array, at: number, end: number, full: number, packet: Packet): Verdict {
  if (at + UDP_HEADER_BYTES > full) return MALFORMED
  if (at + UDP_NEEDED_BYTES > end) return SHORT
  const isCut = at + 6 > end
  const length = isCut ? UDP_HEADER_BYTES : half(bytes, at + 4)
  // A length of 0 is a jumbogram (RFC 2675), which cannot be a knock.
  if (length < UDP_HEADER_BYTES) return MALFORMED
  packet.protocol = UDP
  packet.sourcePort = half(bytes, at)
  packet.port = half(bytes, at + 2)
  // The first fragment of a datagram has the length of the whole.
  packet.size = isCut ? -1 : length - UDP_HEADER_BYTES
  packet.sequence = 0
  packet.acknowledgment = 0
  packet.headerBytes = 0
  packet.flags = 0
  packet.window = 0
  packet.checksum = at + UDP_HEADER_BYTES > end ? 0 : half(bytes, at + 6)
  packet.payloadEnd = Math.min(at + length, full, end)
  packet.payloadStart = Math.min(at + UDP_HEADER_BYTES, packet.payloadEnd)
  return PACKET
}

/**
 * Decodes an echo request (RFC 792, RFC 4443). Its length is that of the IP packet, so a fragment has none and is no
 * knock.
 *
 * @param type the type of an echo request in this family
 */
function decodeEcho(bytes: Uint8Array, type: number, at: number, end: number, full: number, packet: Packet): Verdict {
  // What is cut off here concerns only doors with pings.
  packet.protocol = ICMP
  if (at + ECHO_HEADER_BYTES > full) return MALFORMED
  if (at >= end) return SHORT
  if (bytes[at] !== type) return OTHER
  if (at + ECHO_HEADER_BYTES > end) return SHORT
  // A length of 0 is a jumbogram (RFC 2675) or offloaded segmentation, neither of which can be a knock.
  if (bytes[at + 1] !== 0 || full === Infinity) return MALFORMED
  packet.sourcePort = half(bytes, at + 4)
  packet.port = 0
  packet.size = full - at - ECHO_HEADER_BYTES
  packet.sequence = half(bytes, at + 6)
  packet.acknowledgment = 0
  packet.headerBytes = 0
  packet.flags = 0
  packet.window = 0
  packet.checksum = half(bytes, at + 2)
  packet.payloadEnd = Math.min(full, end)
  packet.payloadStart = Math.min(at + ECHO_HEADER_BYTES, packet.payloadEnd)
  return PACKET
}

function word(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
}
