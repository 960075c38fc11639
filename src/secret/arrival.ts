import { formatAddress } from '../packet/address.ts'
import type { Address } from '../packet/address.ts'
import { TCP, sourceOf } from '../packet/packet.ts'
import type { Packet, Protocol } from '../packet/packet.ts'

/** The origin and the port of a single packet, copied because the packet's record is reused. */
export interface Arrival {
  readonly source: Address
  readonly protocol: Protocol
  readonly port: number
}

export function arrivalOf(packet: Packet): Arrival {
  const { protocol, port } = packet
  return { source: sourceOf(packet), protocol, port }
}

/** Describes for the log a packet from a user with a known key. */
export function arrivalText({ source, protocol, port }: Arrival): string {
  return `from ${formatAddress(source)} to ${protocol === TCP ? 'tcp' : 'udp'}/${port}`
}
