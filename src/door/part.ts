import type { Door } from '../config/config.ts'
import { formatService, readServices } from '../config/service.ts'
import type { Forward } from '../firewall/guard/element.ts'
import { formatAddress, parseAddress } from '../packet/address.ts'
import type { Address } from '../packet/address.ts'
import { formatNetwork, networkOf } from '../packet/network.ts'

/** What stands in the journal was a door's. */
const NO_FAULTS = { error: () => undefined, warning: () => undefined }

/**
 * A door with some of its ports alone, as the journal has them (`tcp/22,udp/53`); all of them without. `undefined`: it has
 * none of them any more.
 */
export function doorWith(door: Door | undefined, some: string | undefined): Door | undefined {
  if (door === undefined || some === undefined) return door?.opens.length === 0 ? undefined : door
  const left = (readServices(some, NO_FAULTS) ?? []).filter((service) =>
    door.opens.some(
      ({ protocol, first, last, host }) =>
        protocol === service.protocol && first <= service.first && service.last <= last && host === service.host,
    ),
  )
  return left.length === 0 ? undefined : { ...door, opens: left }
}

/** Where connections are sent on to, as the journal has it: `198.51.100.7,22`. */
export function formatForward(forward: Forward | undefined): string | undefined {
  return forward === undefined ? undefined : `${formatAddress(forward.address)},${forward.port}`
}

/** The same read back. */
export function parseForward(text: string | undefined): Forward | undefined {
  const [host = '', port = ''] = text?.split(',') ?? []
  const address = parseAddress(host)
  return address === undefined ? undefined : { address, port: Number(port) }
}

/** What a door opens for a source: `tcp/22`, `tcp/22 to 192.0.2.0/24`. */
export function whatOf({ door, source }: { readonly door: Door; readonly source: Address }): string {
  const services = door.opens.map(formatService).join(', ')
  const network = formatNetwork(networkOf(source, door.widen[source.family]))
  return network === formatAddress(source) ? services : `${services} to ${network}`
}

/** Tells openings apart: by door, source, which of its ports and where they are sent on to. */
export function keyOf(door: string, source: string, some: string | undefined, to: string | undefined): string {
  return `${source} ${some ?? ''} ${to ?? ''} ${door}`
}
