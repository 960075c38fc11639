import type { Address, Family } from '../../packet/address.ts'
import type { Destination } from '../destination.ts'
import type { Claim } from './request.ts'

/** What is to be sent, known before anything is. */
export interface Plan {
  /** Where to: a name or an address. */
  readonly host: string
  readonly family: Family | undefined
  readonly claim: Claim
  /** What it asks for, for the line that says so: `tcp/22`. */
  readonly wants: string
  /** Where it goes, for the same line: `udp 62201`. */
  readonly way: string
  /** Milliseconds to wait between two packets, where their order counts; 0: none. */
  readonly pauseMs: number
  /** Where what it comes to was read, a line each, for whoever wants to know. No secrets. */
  readonly sources: readonly string[]
  /** Makes one packet and sends it; `undefined`: for the address that it seems to come from. */
  readonly deliver: (destination: Destination, claimed: Address | undefined) => Promise<void>
}
