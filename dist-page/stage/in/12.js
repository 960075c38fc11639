/** IP protocol numbers (IANA): those a knock can have. */
export const TCP = 6
export const UDP = 17
/** TCP flag bits, as in byte 13 of the header (RFC 9293, 3.1). */
export const FIN = 0x01
export const SYN = 0x02
export const RST = 0x04
export const PSH = 0x08
export const ACK = 0x10
export const URG = 0x20
/**
 * One TCP or UDP packet as the gate sees it. The decoder fills one such record over and over, so that a packet costs
 * no allocation: whoever keeps anything of it beyond the call copies it. Address words are as in {@link Address}.
 */
export class Packet {
  /** When it was captured, milliseconds since 1970 with a fraction. The gate knows no other clock. */
  time = 0
  /** Which capture it came from: an interface's index, or 0 for a file. */
  link = 0
  family = 4
  sourceA = 0
  sourceB = 0
  sourceC = 0
  sourceD = 0
  destinationA = 0
  destinationB = 0
  destinationC = 0
  destinationD = 0
  protocol = TCP
  sourcePort = 0
  /** Destination port: what was knocked at. */
  port = 0
  /** TCP flags, byte 13 of the header; 0 for UDP. */
  flags = 0
  /** TCP sequence number, 32 bits signed; 0 for UDP. */
  sequence = 0
  /** TCP acknowledgment number, 32 bits signed; 0 for UDP. */
  acknowledgment = 0
  /** TCP window, 16 bits; 0 for UDP. */
  window = 0
  /** IPv4 identification, 16 bits (of an IPv6 fragment the low 16 bits); 0 where there is none. */
  identification = 0
  /** Bytes the packet had on the wire, link header included. */
  length = 0
  /** Where the payload stands in the decoded bytes: `[payloadStart, payloadEnd)`, cut at what was captured. */
  payloadStart = 0
  payloadEnd = 0
  /** The UDP checksum field; 0 for TCP. Tells two datagrams of one socket apart. */
  checksum = 0
}
/** The address that sent the packet, as a value of its own. */
export function sourceOf(packet) {
  const { family, sourceA, sourceB, sourceC, sourceD } = packet
  return { family, a: sourceA, b: sourceB, c: sourceC, d: sourceD }
}
/** The address the packet was sent to, as a value of its own. */
export function destinationOf(packet) {
  const { family, destinationA, destinationB, destinationC, destinationD } = packet
  return { family, a: destinationA, b: destinationB, c: destinationC, d: destinationD }
}
