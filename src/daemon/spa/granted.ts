import type { Door, Service } from '../../config/config.ts'
import type { Forward } from '../../firewall/guard/element.ts'
import { formatService } from '../../config/service.ts'
import { formatPorts } from '../../door/part.ts'
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

/** What a packet has been granted: whoever judged it has made it durable that it cannot come again. */
export interface Granted {
  readonly door: Door
  /** Whom the door opens for. */
  readonly source: Address
  /** Milliseconds. */
  readonly ms: number
  /** Some of the door's ports; `undefined`: all that the door does. */
  readonly services: readonly Service[] | undefined
  /** The ports that were asked for, where the door's commands do with them what they will. */
  readonly asked?: readonly Port[] | undefined
  /** Where connections to them are sent on to. */
  readonly forward?: Forward | undefined
  /** Whose key opened the packet. */
  readonly user: string | undefined
  /** Whose packet it says it is, which nothing proves; as {@link claimedName} has it. */
  readonly claimedUser?: string | undefined
  /** The mark of the key. */
  readonly holder: string
  /** Where the packet was sent. */
  readonly protocol: Protocol
  readonly port: number
}

/** What those who judge packets need of their surroundings. */
export interface JudgeTerms {
  readonly store: Pick<Store, 'newest' | 'advance' | 'forget' | 'keys' | 'loss' | 'acceptsLoss'>
  readonly say: (level: 'info' | 'notice' | 'warning' | 'error', text: string) => void
  /** Says why something came to nothing, to whoever asked for that. */
  readonly explain: (source: Address, door: string | undefined, reason: string) => void
  readonly open: (granted: Granted) => void
  /** A key opens a door no more, or for less. */
  readonly holdersChanged: () => void
  /** Other packets are waited for. */
  readonly needsChanged: () => void
  readonly marks: HolderMarks
}

/** Where a packet came from and went to; copied, as the record is used anew. */
export interface Arrival {
  readonly source: Address
  readonly destination: Address
  readonly protocol: Protocol
  readonly port: number
}

/** The ports among a door's own that a packet asks for. `undefined`: one of them is none that it opens. */
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

/** The ports that a packet was granted or asked for, as the journal has them; `undefined`: all that the door does. */
export function portsText({ services, asked }: Partial<Pick<Granted, 'services' | 'asked'>>): string | undefined {
  return services?.map(formatService).join() ?? (asked === undefined ? undefined : formatPorts(asked))
}

/** Whether a door takes what is sent from an address, for an address. */
export function admits({ allowFrom }: Door, addresses: readonly Address[]): boolean {
  return allowFrom.length === 0 || addresses.every((address) => allowFrom.some((network) => contains(network, address)))
}

/** The shortest of some times; those that are `undefined` or 0 set no bound. */
export function shortest(ms: number, ...bounds: readonly (number | undefined)[]): number {
  return Math.min(ms, ...bounds.filter((bound) => bound !== undefined && bound > 0).map(Number))
}

/** A packet from somebody whose key is known, in words, for the log. */
export function arrivalText({ source, protocol, port }: Arrival): string {
  return `from ${formatAddress(source)} to ${protocol === TCP ? 'tcp' : 'udp'}/${port}`
}
