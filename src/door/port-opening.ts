import type { Door, Service } from '../config/config.ts'
import { formatService } from '../config/service.ts'
import type { Forward } from '../firewall/guard/element.ts'
import { formatAddress } from '../packet/address.ts'
import type { Address } from '../packet/address.ts'
import { formatNetwork, networkOf } from '../packet/network.ts'
import { forwardText } from './part.ts'

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
  /** Whom a packet claims to be by, which nothing proves. */
  readonly claimedUser?: string | undefined
  /** Called once the ports are open, before the log has more of it. Not if they stay shut. */
  readonly opened?: (() => void) | undefined
}

/** An opening as others are told of it. */
export interface PortOpening {
  readonly door: string
  readonly source: string
  /** Who opened it last, where the door has several users. */
  readonly user: string | undefined
  /** Whom the packet that opened it last claims to be by; the journal does not have it. */
  readonly claimedUser: string | undefined
  readonly services: readonly string[]
  /** Where connections to them are sent on to; absent: nowhere. */
  readonly forward?: string | undefined
  readonly leftMs: number
}

/** What is open, for the log: `tcp/22`, `tcp/22 to 192.0.2.0/24`, `tcp/22, sent on to 198.51.100.7:22,`. */
export function openingText(door: Door, source: Address, forward: Forward | undefined): string {
  const services = door.opens.map(formatService).join(', ')
  if (forward !== undefined) return `${services}, sent on to ${forwardText(forward)},`
  const network = formatNetwork(networkOf(source, door.widen[source.family]))
  return network === formatAddress(source) ? services : `${services} to ${network}`
}
