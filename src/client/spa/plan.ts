import type { Address, Family } from '../../packet/address.ts'
import type { Destination } from '../destination.ts'
import type { Claim } from './request.ts'

/** A plan of the packets, made before any is sent. */
export interface Plan {
  /** The name or address of the destination. */
  readonly host: string
  readonly family: Family | undefined
  readonly claim: Claim
  /** The requested services for messages, such as `tcp/22`. */
  readonly wants: string
  /** The destination port for messages, such as `udp 62201`. */
  readonly way: string
  /** Milliseconds between two packets if their order matters, otherwise 0. */
  readonly pauseMs: number
  /** The origins of the settings for verbose output, one a line. They contain no secrets. */
  readonly sources: readonly string[]
  /** Makes and sends one packet. Without an address, it asks for the address that it seems to come from. */
  readonly deliver: (destination: Destination, claimed: Address | undefined) => Promise<void>
}
