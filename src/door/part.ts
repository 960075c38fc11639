import type { Door, Service } from '../config/config.ts'
import { formatService, hasPort, readServices } from '../config/service.ts'
import { valueOf } from '../text/read.ts'
import type { Forward } from '../firewall/guard/element.ts'
import { forwardsOf } from '../firewall/guard/plan.ts'
import { formatAddress, parseAddress } from '../packet/address.ts'
import type { Grant } from './grant.ts'

/**
 * Returns a door with only some of its ports, as the journal has them (`tcp/22,udp/53`). Without `some` it keeps all
 * ports. `undefined`: the door no longer has any of these ports, or no longer forwards them to that target.
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

/** Reads ports of the journal. */
export function parseServices(some: string): readonly Service[] {
  return valueOf(readServices(some)) ?? []
}

/** Formats the granted or requested ports for the journal. `undefined`: everything that the door opens. */
export function servicesText({ services, asked }: Pick<Grant, 'services' | 'asked'>): string | undefined {
  const ports = asked?.map(({ protocol, port }) => ({ protocol, first: port, last: port, host: undefined }))
  return (services ?? ports)?.map(formatService).join()
}

/** The journal's word for this machine as the target of a forward. */
const HERE = 'here'

/** Formats the target of a forward for the journal: `198.51.100.7,22`, or `here,8080`. */
export function formatForward(forward: Forward | undefined): string | undefined {
  if (forward === undefined) return undefined
  return `${forward.address === undefined ? HERE : formatAddress(forward.address)},${forward.port}`
}

/** Reads the text of {@link formatForward}. */
export function parseForward(text: string | undefined): Forward | undefined {
  const [host = '', port = ''] = text?.split(',') ?? []
  const address = parseAddress(host)
  if (address === undefined && host !== HERE) return undefined
  return { address, port: Number(port) }
}

/** Formats the target of a forward for people: `198.51.100.7:22`, `[2001:db8::7]:22`, `port 8080`. */
export function forwardText({ address, port }: Forward): string {
  if (address === undefined) return `port ${port}`
  const text = formatAddress(address)
  return `${address.family === 6 ? `[${text}]` : text}:${port}`
}

/** Returns true if the door may forward its open ports to that target. */
function mayForward(door: Door, forward: Forward | undefined): boolean {
  if (forward === undefined) return true
  const { address, port } = forward
  return door.opens.every(({ protocol }) => hasPort(forwardsOf(door), { protocol, port }, address))
}

/** Returns the key of an opening: its door, source, ports and forward. */
export function keyOf(door: string, source: string, some = '', to = ''): string {
  // A template string would keep its parts in memory; join() makes one flat string.
  return [source, some, to, door].join(' ')
}
