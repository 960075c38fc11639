import { ACK, TCP } from '../packet/packet.ts'
import type { Packet } from '../packet/packet.ts'
import type { Sources } from './sources.ts'

/**
 * Milliseconds within which the same hand-made packet counts as duplicated on its way. After twice this time it is
 * another knock: a second hping3 takes 30 ms to start.
 */
export const DOUBLED_MS = 5
/** Bytes of a TCP header without options (RFC 9293, 3.1). */
const BARE_HEADER_BYTES = 20

/**
 * Returns true if a tool made the packet, and not the TCP of an operating system. Systems put a maximum segment size
 * into each SYN (RFC 9293, 3.7.1), and an ACK into all later packets. Tools reuse ports and sequence numbers. Two
 * hping3 within a second send the same SYN, and scapy always sends the same one.
 */
function isMadeByHand({ protocol, headerBytes, flags }: Packet): boolean {
  return protocol === TCP && headerBytes === BARE_HEADER_BYTES && (flags & ACK) === 0
}

/**
 * Returns a fingerprint that tells a packet from the next one of the same source. For TCP, the same ports and sequence
 * number mean the same SYN (RFC 9293, 3.8.1), at any later time (RFC 6298: after a second). For a hand-made SYN, this
 * holds only at the same moment. UDP has no sequence number, so the identification, length and checksum are used
 * instead.
 *
 * @param later offset of the packet's time, in units of {@link DOUBLED_MS}
 */
export function print(packet: Packet, later = 0): number {
  const ports = Math.imul((packet.sourcePort << 16) | packet.port, 0x85ebca6b)
  if (packet.protocol === TCP) {
    const moment = isMadeByHand(packet) ? Math.floor(packet.time / DOUBLED_MS) + later : 0
    return ports ^ Math.imul(packet.sequence, 0xc2b2ae35) ^ Math.imul(moment, 0x165667b1)
  }
  const own = (packet.identification << 16) ^ packet.checksum
  return ports ^ Math.imul(own, 0x27d4eb2f) ^ packet.length
}

/** Returns true if the packet repeats one of the last knocks of the source in `slot`. */
export function isRepeated(packet: Packet, sources: Sources, slot: number): boolean {
  const { link, protocol } = packet
  const anyLink = protocol === TCP
  if (sources.repeated(slot, print(packet), link, anyLink)) return true
  if (!isMadeByHand(packet)) return false
  // Two interfaces that capture the same packet may be read in the wrong order.
  return [-1, 1].some((later) => sources.repeated(slot, print(packet, later), link, anyLink))
}
