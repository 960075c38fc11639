import { protocolName } from '../config/service.ts'
import type { LogEvent } from '../log/event.ts'
import { formatAddress } from '../packet/address.ts'
import type { Address } from '../packet/address.ts'
import { sourceOf } from '../packet/packet.ts'
import type { KnockProtocol, Packet } from '../packet/packet.ts'

/** The origin and the port of a single packet, copied because the packet's record is reused. */
export interface Arrival {
  readonly source: Address
  readonly protocol: KnockProtocol
  readonly port: number
  /** The time of capture, in milliseconds of the steady clock. */
  readonly time: number
}

export function arrivalOf(packet: Packet): Arrival {
  const { protocol, port, time } = packet
  return { source: sourceOf(packet), protocol, port, time }
}

type Rejected = Extract<LogEvent, { kind: 'rejected' }>

/** Returns the event of a packet that a known key opened, and that no door accepts. */
export function rejectedOf(
  { source, protocol, port }: Arrival,
  about: Omit<Rejected, 'kind' | 'source' | 'to'>,
): Rejected {
  return { kind: 'rejected', source: formatAddress(source), to: `${protocolName(protocol)}/${port}`, ...about }
}
