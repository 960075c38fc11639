import type { Door, Service } from '../config/config.ts'
import { formatService, hasPort, readServices } from '../config/service.ts'
import type { Forward } from '../firewall/guard/element.ts'
import { forwardsOf } from '../firewall/guard/plan.ts'
import { formatAddress, parseAddress } from '../packet/address.ts'
import type { Protocol } from '../packet/packet.ts'

/** What stands in the journal was a door's. */
const NO_FAULTS = { error: () => undefined, warning: () => undefined }

/**
 * A door with some of its ports alone, as the journal has them (`tcp/22,udp/53`); all of them without. `undefined`: it has
 * none of them any more, or does not send them on to there any more.
 */
export function doorWith(door: Door | undefined, some: string | undefined, forward?: Forward): Door | undefined {
  const part = partOf(door, some)
  return part !== undefined && mayForward(part, forward) ? part : undefined
}

function partOf(door: Door | undefined, some: string | undefined): Door | undefined {
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

/** How the journal calls this machine, as what connections are sent on to. */
const HERE = 'here'

/** Where connections are sent on to, as the journal has it: `198.51.100.7,22`, or `here,8080`. */
export function formatForward(forward: Forward | undefined): string | undefined {
  if (forward === undefined) return undefined
  return `${forward.address === undefined ? HERE : formatAddress(forward.address)},${forward.port}`
}

/** The same read back. */
export function parseForward(text: string | undefined): Forward | undefined {
  const [host = '', port = ''] = text?.split(',') ?? []
  const address = parseAddress(host)
  if (address === undefined && host !== HERE) return undefined
  return { address, port: Number(port) }
}

/** For people: `198.51.100.7:22`, `[2001:db8::7]:22`, `port 8080`. */
export function forwardText({ address, port }: Forward): string {
  if (address === undefined) return `port ${port}`
  const text = formatAddress(address)
  return `${address.family === 6 ? `[${text}]` : text}:${port}`
}

/** Whether a door sends what it has open on to there. */
function mayForward(door: Door, forward: Forward | undefined): boolean {
  if (forward === undefined) return true
  const { address, port } = forward
  return door.opens.every(({ protocol }) => hasPort(forwardsOf(door), { protocol, port }, address))
}

/** Tells openings apart: by door, source, which of its ports and where they are sent on to. */
export function keyOf(door: string, source: string, some: string | undefined, to: string | undefined): string {
  return `${source} ${some ?? ''} ${to ?? ''} ${door}`
}
