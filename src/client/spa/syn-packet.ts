import type { Address } from '../../packet/address.ts'
import { SYN, TCP } from '../../packet/packet.ts'
import type { SynFields } from '../../peer/knockknock/syn.ts'
import { internetChecksum, sumOf } from '../checksum.ts'

const IP_BYTES = 20
const TCP_BYTES = 20
/** Version 4, a header of five words (RFC 791, 3.1). */
const VERSION_AND_LENGTH = 0x45
const TIME_TO_LIVE = 64

/** Builds an IPv4 packet with a TCP SYN, without options (RFC 791, RFC 9293). */
export function synPacket(
  { identification, sequence, acknowledgment, window }: SynFields,
  source: Address,
  destination: Address,
  { sourcePort, port }: { readonly sourcePort: number; readonly port: number },
): Uint8Array<ArrayBuffer> {
  const packet = new Uint8Array(IP_BYTES + TCP_BYTES)
  const ip = new DataView(packet.buffer, 0, IP_BYTES)
  ip.setUint8(0, VERSION_AND_LENGTH)
  ip.setUint16(2, packet.length)
  ip.setUint16(4, identification)
  ip.setUint8(8, TIME_TO_LIVE)
  ip.setUint8(9, TCP)
  ip.setInt32(12, source.a)
  ip.setInt32(16, destination.a)
  ip.setUint16(10, internetChecksum(ip))
  const tcp = new DataView(packet.buffer, IP_BYTES)
  tcp.setUint16(0, sourcePort)
  tcp.setUint16(2, port)
  tcp.setUint32(4, sequence)
  tcp.setUint32(8, acknowledgment)
  tcp.setUint8(12, (TCP_BYTES / 4) << 4)
  tcp.setUint8(13, SYN)
  tcp.setUint16(14, window)
  // The pseudo-header: both addresses, the protocol, the length.
  const addresses = new DataView(packet.buffer, 12, 8)
  tcp.setUint16(16, internetChecksum(tcp, sumOf(addresses, TCP + TCP_BYTES)))
  return packet
}
