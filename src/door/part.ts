import type { Door, Service } from '../config/config.ts'
import { formatService, readServices } from '../config/service.ts'
import type { Forward } from '../firewall/guard/element.ts'
import { formatAddress, parseAddress } from '../packet/address.ts'
import type { Protocol } from '../packet/packet.ts'

/** What stands in the journal was a door's. */
const NO_FAULTS = { error: () => undefined, warning: () => undefined }

/**
 * A door with some of its ports alone, as the journal has them (`tcp/22,udp/53`); all of them without. `undefined`: it has
 * none of them any more.
 */
export function doorWith(door: Door | undefined, some: string | undefined): Door | undefined {
  if (door === undefined || some === undefined) return door?.opens.length === 0 ? undefined : door
  const left = parseServices(some).filter((service) =>
    door.opens.some(
      ({ protocol, first, last, host }) =>
        protocol === service.protocol && first <= service.first && service.last <= last && host === service.host,
    ),
  )
  return left.length === 0 ? undefined : { ...door, opens: left }
}

/** Ports as the journal has them, read back. */
export function parseServices(some: string): readonly Service[] {
  return readServices(some, NO_FAULTS) ?? []
}

/** Single ports as the journal has them. */
export function formatPorts(ports: readonly { readonly protocol: Protocol; readonly port: number }[]): string {
  return ports.map(({ protocol, port }) => formatService({ protocol, first: port, last: port, host: undefined })).join()
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
