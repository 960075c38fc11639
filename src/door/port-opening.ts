import type { Door, Service } from '../config/config.ts'
import { formatService } from '../config/service.ts'
import type { Forward } from '../firewall/guard/element.ts'
import { formatAddress } from '../packet/address.ts'
import type { Address } from '../packet/address.ts'
import { formatNetwork, networkOf } from '../packet/network.ts'

/** For how long ports are opened, in milliseconds, and for whom where the door has several users. */
export interface OpenedFor {
  readonly ms: number
  /** Some of the door's ports, of this host; all of them without it. */
  readonly services?: readonly Service[] | undefined
  /** Where connections to them are sent on to. */
  readonly forward?: Forward | undefined
  readonly user?: string | undefined
  /** Which secret was shown, as {@link Hold} has it. */
  readonly holder?: string | undefined
}

/** An opening as others are told of it. */
export interface PortOpening {
  readonly door: string
  readonly source: string
  /** Who opened it last, where the door has several users. */
  readonly user: string | undefined
  readonly services: readonly string[]
  readonly leftMs: number
}

/** What is open, for the log: `tcp/22`, `tcp/22 to 192.0.2.0/24`. */
export function openingText(door: Door, source: Address): string {
  const services = door.opens.map(formatService).join(', ')
  const network = formatNetwork(networkOf(source, door.widen[source.family]))
  return network === formatAddress(source) ? services : `${services} to ${network}`
}
