import type { Address } from '../../packet/address.ts'
import { sameAddress } from '../../packet/address.ts'
import { contains } from '../../packet/network.ts'
import type { Port } from '../port.ts'
import type { DatedClaim } from './claim.ts'
import type { PortRange } from './user-options.ts'
import type { User } from './users.ts'

/** The result of a packet: an address and a time for its request, or the reason for a refusal, for the log. */
export type Permission =
  | {
      readonly address: Address
      /** Seconds in the request; 0 means the door's default. */
      readonly openS: number
      /**
       * The maximum time in the user's line, in seconds, for a requested time and the default alike; `undefined` means
       * no maximum.
       */
      readonly openMaxS: number | undefined
    }
  | { readonly refusal: string }

/** The circumstances of a packet. */
export interface Circumstances {
  /** The source of the packet. */
  readonly source: Address
  /** The current time, in milliseconds since 1970. */
  readonly now: number
  /**
   * The maximum difference of the packet's time from now, in milliseconds; `undefined` means no limit, for clients
   * without a clock.
   */
  readonly ageMaxMs: number | undefined
}

/**
 * Decides whether a user's line allows the request of a packet. The caller checks that the packet is newer than the
 * user's last one. The config decides whether there is such a door that opens to packets.
 */
export function permit({ options }: User, claim: DatedClaim, { source, now, ageMaxMs }: Circumstances): Permission {
  if (options.expiresMs !== undefined && now >= options.expiresMs) return { refusal: 'the key has expired' }
  if (ageMaxMs !== undefined && Math.abs(now - claim.unixMs) > ageMaxMs) {
    const seconds = Math.round(Math.abs(now - claim.unixMs) / 1_000)
    return { refusal: `the packet is ${seconds} s ${claim.unixMs > now ? 'ahead of this clock' : 'old'}` }
  }
  if (claim.address === undefined && options.packetSource !== true) {
    return { refusal: 'it claims no address, and the line does not have packet-source' }
  }
  const address = claim.address ?? source
  if (options.sameSource === true && !sameAddress(address, source)) {
    return { refusal: 'it claims an address other than its source' }
  }
  if (options.from !== undefined && !options.from.some((network) => contains(network, address))) {
    return { refusal: 'the address is not in from=' }
  }
  const { wanted } = claim
  if (wanted.kind === 'door') {
    const everyDoor = options.doors === undefined && options.ports === undefined
    if (!everyDoor && options.doors?.includes(wanted.door) !== true) return { refusal: 'the door is not in doors=' }
  } else if (!wanted.ports.every((port) => isIn(options.ports ?? [], port))) {
    return { refusal: 'a port is not in ports=' }
  }
  return { address, openS: claim.openS, openMaxS: options.openForS }
}

/** An opening of a user: a door or some of its ports, for an address. */
export interface UserHolds {
  readonly door: string
  /** The ports of the opening; `undefined` means all ports of the door. */
  readonly ports: readonly PortRange[] | undefined
  readonly address: Address
  /** The current time, in milliseconds since 1970. */
  readonly now: number
}

/** Returns true if a user's line still allows an opening that it granted. */
export function stillPermits({ options }: User, { door, ports, address, now }: UserHolds): boolean {
  if (options.expiresMs !== undefined && now >= options.expiresMs) return false
  if (options.from !== undefined && !options.from.some((network) => contains(network, address))) return false
  if (ports !== undefined) return ports.every((range) => isRangeIn(options.ports ?? [], range))
  return (options.doors === undefined && options.ports === undefined) || options.doors?.includes(door) === true
}

/**
 * Returns the part of an opening that a user's line permits, if another host made it after a packet of that user.
 *
 * @param wanted the ports that the packet asked for; `undefined`: the whole door
 * @param opens the ports of the door here
 * @returns the services; `undefined` among them means all ports of the door
 */
export function partPermitted<Service extends PortRange>(
  user: User,
  holds: Omit<UserHolds, 'ports'>,
  wanted: readonly Service[] | undefined,
  opens: readonly Service[],
): { readonly services: readonly Service[] | undefined } | { readonly refusal: string } {
  if (!stillPermits(user, { ...holds, ports: [] })) return { refusal: `the line of ${user.name} does not allow it` }
  if (wanted === undefined && stillPermits(user, { ...holds, ports: undefined })) return { services: undefined }
  const { ports = [] } = user.options
  const services = (wanted ?? opens).filter((service) => isRangeIn(ports, service))
  if (services.length > 0) return { services }
  const missing = wanted === undefined ? 'the door is not in doors=' : 'no port is in ports='
  return { refusal: `${missing} in the line of ${user.name}` }
}

function isRangeIn(ranges: readonly PortRange[], { protocol, first, last }: PortRange): boolean {
  return ranges.some((range) => range.protocol === protocol && range.first <= first && last <= range.last)
}

function isIn(ranges: readonly PortRange[], { protocol, port }: Port): boolean {
  return ranges.some((range) => range.protocol === protocol && range.first <= port && port <= range.last)
}
