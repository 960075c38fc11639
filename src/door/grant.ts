import type { Commands, Door, Service } from '../config/config.ts'
import type { Forward } from '../firewall/guard/element.ts'
import type { Address } from '../packet/address.ts'
import type { Protocol } from '../packet/packet.ts'

/** A port that a packet asks for. */
export interface Port {
  readonly protocol: Protocol
  readonly port: number
}

/** The right to open a door for a source. The secret that proves it is durably used up. */
export interface Grant {
  readonly door: Door
  /** The address that gets access. */
  readonly source: Address
  /** Milliseconds. */
  readonly ms: number
  /** Some of the door's ports; absent: all ports of the door. */
  readonly services?: readonly Service[] | undefined
  /** The ports that a packet asked for, if the door's commands decide what to do with them. */
  readonly asked?: readonly Port[] | undefined
  /** The destination of forwarded connections. */
  readonly forward?: Forward | undefined
  /** Commands that run in place of the door's. The door's ports then stay shut. */
  readonly commands?: Commands | undefined
  /** The user whose secret it is, if the door has several. */
  readonly user?: string | undefined
  /** The user that a packet names without proof. */
  readonly claimedUser?: string | undefined
  /**
   * Identifies the key on every host that has it, if the user's name does not. Keys can be guessed from it, so it leaves
   * the daemon only under a MAC.
   */
  readonly print?: string | undefined
  /** The operator who opens it by hand. */
  readonly operator?: string | undefined
  /** The host of the fleet that made the opening, and told this one. */
  readonly from?: string | undefined
  /** True if a connection to that host made it longer. */
  readonly kept?: boolean
  /** The mark of the secret, or `BY_HAND`. */
  readonly holder: string
  /** The protocol and port of the last knock or of the packet; 0 if an operator opens the door. */
  readonly protocol: Protocol
  readonly port: number
}
