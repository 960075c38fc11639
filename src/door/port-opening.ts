import type { Door, Service } from '../config/config.ts'
import { formatService } from '../config/service.ts'
import type { Forward } from '../firewall/guard/element.ts'
import { formatAddress } from '../packet/address.ts'
import type { Address } from '../packet/address.ts'
import { formatNetwork, networkOf } from '../packet/network.ts'
import { forwardText } from './part.ts'

/** The duration of an opening of ports in milliseconds, its user and its ports. */
export interface OpenedFor {
  readonly ms: number
  /** The requested ports of the door, on this host; absent: all of its ports. */
  readonly services?: readonly Service[] | undefined
  /** The target that connections to the ports are forwarded to. */
  readonly forward?: Forward | undefined
  readonly user?: string | undefined
  /** The secret that was used, as in {@link Hold}. */
  readonly holder?: string | undefined
  /** The user named in the packet, which nothing proves. */
  readonly claimedUser?: string | undefined
  /** Called once the ports are open, before the log line about it. Not called if they stay shut. */
  readonly opened?: (() => void) | undefined
}

/** An opening of ports, for lists of what is open. */
export interface PortOpening {
  readonly door: string
  readonly source: string
  /** The user who opened it last, if the door has several users. */
  readonly user: string | undefined
  /** The user named in the packet that opened it last. The journal does not have it. */
  readonly claimedUser: string | undefined
  readonly services: readonly string[]
  /** The target that connections are forwarded to; absent: no forwarding. */
  readonly forward?: string | undefined
  readonly leftMs: number
}

/** Formats an opening for the log: `tcp/22`, `tcp/22 to 192.0.2.0/24`, `tcp/22, sent on to 198.51.100.7:22,`. */
export function openingText(door: Door, source: Address, forward: Forward | undefined): string {
  const services = door.opens.map(formatService).join(', ')
  if (forward !== undefined) return `${services}, sent on to ${forwardText(forward)},`
  const network = formatNetwork(networkOf(source, door.widen[source.family]))
  return network === formatAddress(source) ? services : `${services} to ${network}`
}
