import type { Address, Family } from './address.ts'

/** The IP protocol numbers (IANA) that a knock can have. Echo requests over IPv6 (ICMPv6, 58) have ICMP's, too. */
export const ICMP = 1
export const TCP = 6
export const UDP = 17
/** A protocol with ports. */
export type Protocol = typeof TCP | typeof UDP
export type KnockProtocol = Protocol | typeof ICMP

/** The TCP flag bits, as in byte 13 of the header (RFC 9293, 3.1). */
export const FIN = 0x01
export const SYN = 0x02
export const RST = 0x04
export const PSH = 0x08
export const ACK = 0x10
export const URG = 0x20

/**
 * A TCP packet, a UDP datagram or an ICMP echo request as the gate sees it. The decoder reuses one record, so that packets cost no allocation. Callers
 * that keep data must copy it. Address words are as in {@link Address}.
 */
export class Packet {
  /** The capture time in milliseconds since 1970, with a fraction. It is the gate's only clock. */
  time = 0
  /** The capture of the packet: an interface's index, or 0 for a file. */
  link = 0
  family: Family = 4
  sourceA = 0
  sourceB = 0
  sourceC = 0
  sourceD = 0
  destinationA = 0
  destinationB = 0
  destinationC = 0
  destinationD = 0
  protocol: KnockProtocol = TCP
  /** The source port, or the identifier of an echo request. */
  sourcePort = 0
  /** The destination port, at which the source knocked; 0 for ICMP. */
  port = 0
  /** The payload of a datagram or echo request, in bytes as sent; 0 for TCP, -1 if the capture cut its length off. */
  size = 0
  /** The TCP flags, byte 13 of the header; 0 for others. */
  flags = 0
  /** The TCP sequence number, 32 bits signed, or the 16 bits of an echo request's; 0 for UDP. */
  sequence = 0
  /** The TCP acknowledgment number, 32 bits signed; 0 for others. */
  acknowledgment = 0
  /** The length of the TCP header with its options, 20 to 60 bytes; 0 for others. */
  headerBytes = 0
  /** The TCP window, 16 bits; 0 for others. */
  window = 0
  /** The IPv4 identification, 16 bits, or the low 16 bits of an IPv6 fragment's; otherwise 0. */
  identification = 0
  /** The length of the packet on the wire with its link header, in bytes. */
  length = 0
  /** The payload is `[payloadStart, payloadEnd)` in the decoded bytes, limited to what was captured. */
  payloadStart = 0
  payloadEnd = 0
  /** The UDP or ICMP checksum; 0 for TCP. It tells two datagrams of the same socket apart. */
  checksum = 0
}

/** Returns a copy of the packet's source address. */
export function sourceOf(packet: Packet): Address {
  const { family, sourceA, sourceB, sourceC, sourceD } = packet
  return { family, a: sourceA, b: sourceB, c: sourceC, d: sourceD }
}

/** Returns a copy of the packet's destination address. */
export function destinationOf(packet: Packet): Address {
  const { family, destinationA, destinationB, destinationC, destinationD } = packet
  return { family, a: destinationA, b: destinationB, c: destinationC, d: destinationD }
}
