import type { Door } from '../config/config.ts'
import { formatService } from '../config/service.ts'
import type { Element, Forward } from '../firewall/guard/element.ts'
import { formatAddress } from '../packet/address.ts'
import type { Address } from '../packet/address.ts'
import { formatNetwork, networkOf } from '../packet/network.ts'
import type { Deadline, Opening } from '../state/opening.ts'
import type { Admission } from './sessions.ts'

/** A door whose ports, all or some, are open for a source. */
export interface Live {
  readonly key: string
  /** As {@link Opening.services} has them. */
  readonly some: string | undefined
  readonly forward: Forward | undefined
  readonly opening: Opening
  readonly source: Address
  door: Door
  user: string | undefined
  elements: readonly Element[]
  deadline: Deadline
  timer: NodeJS.Timeout | undefined
}

/** How a live opening is called: no two at a time are alike. */
export function keyOf(door: string, source: string, some: string | undefined, to: string | undefined): string {
  return `${source} ${some ?? ''} ${to ?? ''} ${door}`
}

/** Who may begin connections to what, by an opening. */
export function admissionOf({ door, source }: Live): Admission {
  return { from: networkOf(source, door.widen[source.family]), services: door.opens }
}

/** `tcp/22`, `tcp/22 to 192.0.2.0/24`. */
export function whatOf({ door, source }: Live): string {
  const services = door.opens.map(formatService).join(', ')
  const network = formatNetwork(networkOf(source, door.widen[source.family]))
  return network === formatAddress(source) ? services : `${services} to ${network}`
}
