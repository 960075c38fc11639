import type { Door, Service } from '../../config/config.ts'
import type { Forward } from '../../firewall/guard/element.ts'
import { formatService } from '../../config/service.ts'
import { formatPorts } from '../../door/part.ts'
import type { LogEvent } from '../../log/event.ts'
import { TCP } from '../../packet/packet.ts'
import type { Protocol } from '../../packet/packet.ts'
import { contains } from '../../packet/network.ts'
import type { Address } from '../../packet/address.ts'
import { formatAddress } from '../../packet/address.ts'
import type { HolderMarks } from '../../state/holder-marks.ts'
import type { Store } from '../../state/store.ts'

/** A port that a packet asks for. */
export interface Port {
  readonly protocol: Protocol
  readonly port: number
}

/** The permission that a packet was granted. The judge has durably marked the packet as used. */
export interface Granted {
  readonly door: Door
  /** The address that gets access. */
  readonly source: Address
  /** Milliseconds. */
  readonly ms: number
  /** Some of the door's ports, or `undefined` for everything that the door opens. */
  readonly services: readonly Service[] | undefined
  /** The requested ports, if the door's commands decide what to do with them. */
  readonly asked?: readonly Port[] | undefined
  /** The destination of forwarded connections. */
  readonly forward?: Forward | undefined
  /** The user whose key opened the packet. */
  readonly user: string | undefined
  /** The user that the packet names without proof, formatted by {@link claimedName}. */
  readonly claimedUser?: string | undefined
  /** The mark of the key. */
  readonly holder: string
  /** The protocol and port that the packet was sent to. */
  readonly protocol: Protocol
  readonly port: number
}

/** The dependencies of the packet judges. */
export interface JudgeTerms {
  readonly store: Pick<Store, 'newest' | 'advance' | 'forget' | 'keys' | 'loss' | 'acceptsLoss'>
  readonly say: (level: 'info' | 'notice' | 'warning' | 'error', text: string) => void
  readonly event: (event: LogEvent) => void
  /** Explains why a packet opened nothing, if explanations are on. */
  readonly explain: (source: Address, door: string | undefined, reason: string) => void
  readonly open: (granted: Granted) => void
  /** Called when a key no longer opens a door, or opens less of it. */
  readonly holdersChanged: () => void
  /** Called when other packets have to be captured. */
  readonly needsChanged: () => void
  readonly marks: HolderMarks
}

/** The origin and destination of a packet, copied because the packet's record is reused. */
export interface Arrival {
  readonly source: Address
  readonly destination: Address
  readonly protocol: Protocol
  readonly port: number
}

/** Returns the event of a door that stays shut because of an error. */
export function refusedBy(
  { message }: Error,
  { door, source, user }: Pick<Granted, 'door' | 'source' | 'user'>,
): LogEvent {
  return { kind: 'refused', level: 'error', source: formatAddress(source), door: door.name, user, cause: message }
}

/** Returns the requested ports as the door's services, or `undefined` if the door does not open one of them. */
export function servicesFor({ opens }: Door, ports: readonly Port[]): readonly Service[] | undefined {
  const services: Service[] = []
  for (const { protocol, port } of ports) {
    const of = opens.find(
      (service) =>
        service.host === undefined && service.protocol === protocol && service.first <= port && port <= service.last,
    )
    if (of === undefined) return undefined
    if (of.first === of.last) services.push(of)
    else services.push({ ...of, first: port, last: port })
  }
  return services
}

/** Formats the granted or requested ports for the journal; `undefined` means everything that the door opens. */
export function portsText({ services, asked }: Partial<Pick<Granted, 'services' | 'asked'>>): string | undefined {
  return services?.map(formatService).join() ?? (asked === undefined ? undefined : formatPorts(asked))
}

/** Returns true if a door's Allow_From contains all the addresses. */
export function admits({ allowFrom }: Door, addresses: readonly Address[]): boolean {
  return allowFrom.length === 0 || addresses.every((address) => allowFrom.some((network) => contains(network, address)))
}

/** Returns the shortest of several times. A bound of `undefined` or 0 does not count. */
export function shortest(ms: number, ...bounds: readonly (number | undefined)[]): number {
  return Math.min(ms, ...bounds.filter((bound) => bound !== undefined && bound > 0).map(Number))
}

/** Describes for the log a packet from a user with a known key. */
export function arrivalText({ source, protocol, port }: Arrival): string {
  return `from ${formatAddress(source)} to ${protocol === TCP ? 'tcp' : 'udp'}/${port}`
}
