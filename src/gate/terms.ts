import type { FlagTest } from '../config/config.ts'
import { TCP, sourceOf } from '../packet/packet.ts'
import { contains, sameNetwork } from '../packet/network.ts'
import type { Network } from '../packet/network.ts'
import type { Packet } from '../packet/packet.ts'
import { sameAddress } from '../packet/address.ts'
import type { Address } from '../packet/address.ts'

/** The terms under which packets count as knocks. Sequences under the same terms share their attempts. */
export interface Terms {
  readonly flags: FlagTest
  /** The destination address of the knocks; `undefined` means any address of this host. */
  readonly target: Address | undefined
  /** Milliseconds from the first knock to the last. */
  readonly timeoutMs: number
  /** The networks whose packets count; empty means all. */
  readonly allowFrom: readonly Network[]
}

/** Returns true if the terms of two doors are the same. */
export function sameTerms(one: Terms, other: Terms): boolean {
  return (
    one.flags.mask === other.flags.mask &&
    one.flags.want === other.flags.want &&
    one.timeoutMs === other.timeoutMs &&
    sameNetworks(one.allowFrom, other.allowFrom) &&
    (one.target === undefined || other.target === undefined
      ? one.target === other.target
      : sameAddress(one.target, other.target))
  )
}

function sameNetworks(one: readonly Network[], other: readonly Network[]): boolean {
  return one.length === other.length && one.every((network, index) => sameNetwork(network, other[index]!))
}

/**
 * Returns true if the packet is a knock under these terms.
 *
 * @param here true if the packet was sent to an address of this host
 */
export function counts(terms: Terms, packet: Packet, here: boolean): boolean {
  if (packet.protocol === TCP && (packet.flags & terms.flags.mask) !== terms.flags.want) return false
  const { target, allowFrom } = terms
  if (allowFrom.length > 0 && !isFrom(packet, allowFrom)) return false
  return target === undefined ? here : sentTo(packet, target)
}

function isFrom(packet: Packet, networks: readonly Network[]): boolean {
  const source = sourceOf(packet)
  return networks.some((network) => contains(network, source))
}

/** Returns true if the packet was sent to this address. */
export function sentTo(packet: Packet, address: Address): boolean {
  return (
    packet.destinationA === address.a &&
    packet.destinationB === address.b &&
    packet.destinationC === address.c &&
    packet.destinationD === address.d &&
    packet.family === address.family
  )
}
