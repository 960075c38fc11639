import { OTHER, SHORT } from './verdict.ts'

/** The link types (tcpdump.org/linktypes.html), with the values that some systems use on live interfaces. */
const NULL = 0
const ETHERNET = 1
const PPP = 9
const DLT_RAW = 12
const DLT_RAW_OPENBSD = 14
const PPP_HDLC = 50
const RAW = 101
const LOOP = 108
const LINUX_SLL = 113
const IPV4 = 228
const IPV6 = 229
const LINUX_SLL2 = 276

/** The EtherTypes (IANA). */
const ETHERTYPE_IPV4 = 0x0800
const ETHERTYPE_IPV6 = 0x86dd
const ETHERTYPE_VLAN = 0x8100
const ETHERTYPE_QINQ = 0x88a8
const ETHERTYPE_QINQ_OLD = 0x9100
const ETHERTYPE_PPPOE = 0x8864
/** The maximum number of VLAN tags in a frame: one, or one inside another. */
const VLAN_TAGS_MAX = 2

/** The PPP protocol numbers (IANA), and the address and control fields that may precede them (RFC 1662). */
const PPP_IPV4 = 0x0021
const PPP_IPV6 = 0x0057
const PPP_ADDRESS = 0xff
const PPP_CONTROL = 0x03
/** The PPPoE header of session data: version 1, type 1, code 0 (RFC 2516). */
const PPPOE_SESSION = 0x1100

/** The packet type in cooked captures of a packet that this host sent (packet(7)). */
const PACKET_OUTGOING = 4

/** The address families in a BSD loopback header: IPv4, and IPv6 with the number of each system. */
const AF_INET = 2
const AF_INET6 = new Set([10, 24, 28, 30])

/** Returns true if frames of this link type can be decoded: an empty one is not foreign, but at most too short. */
export function decodesLinkType(linkType: number): boolean {
  return networkOffset(new Uint8Array(), 0, 0, linkType) !== ~OTHER
}

/** Returns the offset of the IP header in a frame, or the complement (`~`) of a verdict, which is negative. */
export function networkOffset(bytes: Uint8Array, start: number, end: number, linkType: number): number {
  switch (linkType) {
    case ETHERNET:
      return ofEtherType(bytes, start + 12, start + 14, end)
    case LINUX_SLL:
      if (start + 16 > end) return ~SHORT
      if (half(bytes, start) === PACKET_OUTGOING) return ~OTHER
      return ofEtherType(bytes, start + 14, start + 16, end)
    case LINUX_SLL2:
      if (start + 20 > end) return ~SHORT
      if (bytes[start + 10] === PACKET_OUTGOING) return ~OTHER
      return ofEtherType(bytes, start, start + 20, end)
    case RAW:
    case DLT_RAW:
    case DLT_RAW_OPENBSD:
    case IPV4:
    case IPV6:
      return start
    case NULL:
    case LOOP:
      return ofFamily(bytes, start, end)
    case PPP:
    case PPP_HDLC:
      return ofPpp(bytes, start, end)
    default:
      return ~OTHER
  }
}

/** Reads 16 bits in network byte order. */
export function half(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!
}

/**
 * @param type the offset of the EtherType
 * @param payload the offset of its payload
 */
function ofEtherType(bytes: Uint8Array, type: number, payload: number, end: number): number {
  let typeAt = type
  let at = payload
  for (let tags = 0; tags <= VLAN_TAGS_MAX; tags++) {
    if (at > end) return ~SHORT
    switch (half(bytes, typeAt)) {
      case ETHERTYPE_IPV4:
      case ETHERTYPE_IPV6:
        return at
      case ETHERTYPE_PPPOE:
        return ofPppoe(bytes, at, end)
      case ETHERTYPE_VLAN:
      case ETHERTYPE_QINQ:
      case ETHERTYPE_QINQ_OLD:
        typeAt = at + 2
        at += 4
        break
      default:
        return ~OTHER
    }
  }
  return ~OTHER
}

function ofPppoe(bytes: Uint8Array, at: number, end: number): number {
  if (at + 8 > end) return ~SHORT
  return half(bytes, at) === PPPOE_SESSION ? ofPpp(bytes, at + 6, end) : ~OTHER
}

function ofPpp(bytes: Uint8Array, start: number, end: number): number {
  let at = start
  if (at + 2 > end) return ~SHORT
  if (bytes[at] === PPP_ADDRESS && bytes[at + 1] === PPP_CONTROL) at += 2
  if (at + 1 > end) return ~SHORT
  // A one-byte protocol field has its lowest bit set, unlike the first byte of a two-byte field.
  const compressed = (bytes[at]! & 1) === 1
  if (!compressed && at + 2 > end) return ~SHORT
  const protocol = compressed ? bytes[at]! : half(bytes, at)
  if (protocol !== PPP_IPV4 && protocol !== PPP_IPV6) return ~OTHER
  return at + (compressed ? 1 : 2)
}

/** The family is in the byte order of the capturing host or of the network. */
function ofFamily(bytes: Uint8Array, start: number, end: number): number {
  if (start + 4 > end) return ~SHORT
  const high = half(bytes, start)
  const low = half(bytes, start + 2)
  if (high !== 0 && low !== 0) return ~OTHER
  const family = high === 0 ? low : bytes[start]! | (bytes[start + 1]! << 8)
  return family === AF_INET || AF_INET6.has(family) ? start + 4 : ~OTHER
}
