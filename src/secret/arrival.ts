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

/** Returns the origin and the port of a packet as fields of an event. */
export function arrivalFields({ source, protocol, port }: Arrival): { readonly source: string; readonly to: string } {
  return { source: formatAddress(source), to: `${protocol === TCP ? 'tcp' : 'udp'}/${port}` }
}
