import type { FlagTest } from '../config/config.ts'
import { ACK, RST, TCP } from '../packet/packet.ts'
import type { Packet } from '../packet/packet.ts'
import { sameAddress } from '../packet/address.ts'
import type { Address } from '../packet/address.ts'

/**
 * What a TCP packet must be where a door names no flags: no ACK and no RST, as the first packet of a connection is
 * (RFC 9293, 3.5), and as no packet of an established one ever is.
 */
export const OPENING_FLAGS: FlagTest = { mask: ACK | RST, want: 0 }

/** The terms under which packets count as knocks. Sequences under the same terms share their attempts. */
export interface Terms {
  readonly flags: FlagTest
  /** The address knocked at; `undefined`: any of this host's own. */
  readonly target: Address | undefined
  /** Milliseconds from the first knock to the last. */
  readonly timeoutMs: number
}

/** Whether two doors' terms are the same. */
export function sameTerms(one: Terms, other: Terms): boolean {
  return (
    one.flags.mask === other.flags.mask &&
    one.flags.want === other.flags.want &&
    one.timeoutMs === other.timeoutMs &&
    (one.target === undefined || other.target === undefined
      ? one.target === other.target
      : sameAddress(one.target, other.target))
  )
}

/** Whether the packet is a knock under these terms; `here`: it was sent to an address of this host. */
export function counts(terms: Terms, packet: Packet, here: boolean): boolean {
  if (packet.protocol === TCP && (packet.flags & terms.flags.mask) !== terms.flags.want) return false
  const { target } = terms
  return target === undefined ? here : sentTo(packet, target)
}

/** Whether the packet was sent to this address. */
export function sentTo(packet: Packet, address: Address): boolean {
  return (
    packet.destinationA === address.a &&
    packet.destinationB === address.b &&
    packet.destinationC === address.c &&
    packet.destinationD === address.d &&
    packet.family === address.family
  )
}
