import { ACK, TCP } from '../packet/packet.ts'
import type { Packet } from '../packet/packet.ts'
import type { Sources } from './sources.ts'

/**
 * Milliseconds within which a packet made by hand that comes again was doubled on its way. After twice this it is another
 * knock: a second hping3 takes 30 ms to start.
 */
export const DOUBLED_MS = 5
/** Bytes of a TCP header without options (RFC 9293, 3.1). */
const BARE_HEADER_BYTES = 20

/**
 * Whether a tool made the packet, and no system's TCP. Those put a maximum segment size into each SYN (RFC 9293, 3.7.1), and
 * an ACK into all that follows. What tools make has its ports and sequence number again at will: two hping3 in one second send
 * the very same SYN, and scapy sends no other.
 */
function isMadeByHand({ protocol, headerBytes, flags }: Packet): boolean {
  return protocol === TCP && headerBytes === BARE_HEADER_BYTES && (flags & ACK) === 0
}

/**
 * What tells a packet from the next one of the same source. TCP: the same ports and sequence number are the same SYN
 * (RFC 9293, 3.8.1), a second later (RFC 6298) or whenever; of one made by hand only at the same moment. UDP has no sequence
 * number: identification, length and checksum stand in.
 *
 * @param later how many times {@link DOUBLED_MS} later the packet is to have come
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

/** Whether the packet is one of the last knocks of the source in `slot`, once more. */
export function isRepeated(packet: Packet, sources: Sources, slot: number): boolean {
  const { link, protocol } = packet
  const anyLink = protocol === TCP
  if (sources.repeated(slot, print(packet), link, anyLink)) return true
  if (!isMadeByHand(packet)) return false
  // Two interfaces that show one packet may be read in the wrong order.
  return [-1, 1].some((later) => sources.repeated(slot, print(packet, later), link, anyLink))
}
