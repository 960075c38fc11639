import type { Address } from '../../packet/address.ts'
import { sameAddress } from '../../packet/address.ts'
import { contains } from '../../packet/network.ts'
import type { Port } from '../fwknop/request.ts'
import type { DatedClaim } from './claim.ts'
import type { PortRange } from './user-options.ts'
import type { User } from './users.ts'

/** What a packet is allowed to have: an address and a time, for what it asked. Or why not, for the log. */
export type Permission =
  | {
      readonly address: Address
      /** Seconds that were asked for; 0: as the door has it. */
      readonly openS: number
      /** Longest time the line allows, in seconds, whichever of the two it is; `undefined`: the line sets no bound. */
      readonly openMaxS: number | undefined
    }
  | { readonly refusal: string }

/** What a packet is judged by. */
export interface Circumstances {
  /** Where the packet came from. */
  readonly source: Address
  /** Milliseconds since 1970. */
  readonly now: number
  /** Furthest that the packet's time may be from now, in milliseconds; `undefined`: any, for clients without a clock. */
  readonly ageMaxMs: number | undefined
}

/**
 * Whether a user's line allows what his packet asks for. That the packet is newer than the user's newest is for whoever
 * keeps that to say. Whether there is such a door, and whether it opens to packets, is for the config.
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
    return { refusal: 'it claims another address than it comes from' }
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

/** What a user holds: a door as a whole, or some of its ports, for an address. */
export interface UserHolds {
  readonly door: string
  /** `undefined`: all that the door does. */
  readonly ports: readonly PortRange[] | undefined
  readonly address: Address
  /** Milliseconds since 1970. */
  readonly now: number
}

/** Whether a user's line still allows what a packet of theirs was granted. */
export function stillPermits({ options }: User, { door, ports, address, now }: UserHolds): boolean {
  if (options.expiresMs !== undefined && now >= options.expiresMs) return false
  if (options.from !== undefined && !options.from.some((network) => contains(network, address))) return false
  if (ports !== undefined) return ports.every((range) => isRangeIn(options.ports ?? [], range))
  return (options.doors === undefined && options.ports === undefined) || options.doors?.includes(door) === true
}

function isRangeIn(ranges: readonly PortRange[], { protocol, first, last }: PortRange): boolean {
  return ranges.some((range) => range.protocol === protocol && range.first <= first && last <= range.last)
}

function isIn(ranges: readonly PortRange[], { protocol, port }: Port): boolean {
  return ranges.some((range) => range.protocol === protocol && range.first <= port && port <= range.last)
}
