import { ACK, ICMP, TCP, UDP } from '../packet/packet.ts'
import type { Packet } from '../packet/packet.ts'
import type { Sources } from './sources.ts'

/**
 * Milliseconds within which the same hand-made packet or ping counts as duplicated on its way. After twice this time it
 * is another knock: a second hping3 takes 30 ms to start.
 */
export const DOUBLED_MS = 5
/** Bytes of a TCP header without options (RFC 9293, 3.1). */
const BARE_HEADER_BYTES = 20

/**
 * Returns true if nobody sends the packet a second time: a ping, or a packet that a tool made, and not the TCP of an
 * operating system. Systems put a maximum segment size
 * into each SYN (RFC 9293, 3.7.1), and an ACK into all later packets. Tools reuse ports and sequence numbers. Two
 * hping3 within a second send the same SYN, and scapy always sends the same one.
 */
function isSentOnce({ protocol, headerBytes, flags }: Packet): boolean {
  if (protocol === ICMP) return true
  return protocol === TCP && headerBytes === BARE_HEADER_BYTES && (flags & ACK) === 0
}

/**
 * Returns a fingerprint that tells a packet from the next one of the same source. For TCP, the same ports and sequence
 * number mean the same SYN (RFC 9293, 3.8.1), at any later time (RFC 6298: after a second). For a hand-made SYN, this
 * holds only at the same moment. So it does for a ping with the same identifier and sequence number (RFC 792), which
 * some tools always begin alike. UDP has no sequence number, so the identification, length and checksum are used
 * instead.
 *
 * @param later offset of the packet's time, in units of {@link DOUBLED_MS}
 */
export function print(packet: Packet, later = 0): number {
  const ports = Math.imul((packet.sourcePort << 16) | packet.port, 0x85ebca6b)
  const own = Math.imul((packet.identification << 16) ^ packet.checksum, 0x27d4eb2f)
  if (packet.protocol === UDP) return ports ^ own ^ packet.length
  const moment = isSentOnce(packet) ? Math.floor(packet.time / DOUBLED_MS) + later : 0
  const numbered = ports ^ Math.imul(packet.sequence, 0xc2b2ae35) ^ Math.imul(moment, 0x165667b1)
  return packet.protocol === TCP ? numbered : numbered ^ own ^ packet.size
}

/** Returns true if the packet repeats one of the last knocks of the source in `slot`. */
export function isRepeated(packet: Packet, sources: Sources, slot: number): boolean {
  const { link, protocol } = packet
  const anyLink = protocol !== UDP
  if (sources.repeated(slot, print(packet), link, anyLink)) return true
  if (!isSentOnce(packet)) return false
  // Two interfaces that capture the same packet may be read in the wrong order.
  return [-1, 1].some((later) => sources.repeated(slot, print(packet, later), link, anyLink))
}
