import type { Door } from '../config/config.ts'
import type { Grant } from '../door/grant.ts'
import { doorWith, formatForward, servicesText } from '../door/part.ts'
import { formatAddress } from '../packet/address.ts'
import { admits, shortest } from './door-bounds.ts'

/** An opening that another host of the fleet made after a proof. Each host judges it by its own config and files. */
export interface Vouched extends Pick<
  Grant,
  'source' | 'services' | 'asked' | 'forward' | 'user' | 'claimedUser' | 'protocol' | 'port'
> {
  /** The name of the door. */
  readonly door: string
  /** Milliseconds from the proof to the deadline. */
  readonly ms: number
  /** Returns true for the {@link Grant.print} of the key that proved it. */
  readonly isKey: (print: string) => boolean
}

/** The grant for a vouched opening, or the reason why this host does not open the door for it, for the log. */
export type Judged = Grant | { readonly refusal: string }

/** The part of a grant that is the same for all kinds of secrets. */
export type Bounded = Omit<Grant, 'user' | 'holder'>

/** Returns what a door has of a vouched opening: never another port, and never a longer time. */
export function boundedBy(door: Door, vouched: Vouched): Bounded | { readonly refusal: string } {
  const { source, forward, claimedUser, protocol, port, asked } = vouched
  if (!admits(door, [source])) return { refusal: `${formatAddress(source)} is not in Allow_From` }
  const common = { door, source, claimedUser, protocol, port, ms: shortest(vouched.ms, door.cmdTimeoutMs) }
  if (door.opens.length === 0) {
    return forward === undefined ? { ...common, asked } : { refusal: 'only Open_Ports can be forwarded' }
  }
  const wanted = servicesText(vouched)
  const part = doorWith(door, wanted, forward)
  if (part === undefined) {
    const to = formatForward(forward)
    return { refusal: to === undefined ? `it does not open ${wanted}` : `it does not forward ${wanted} to ${to}` }
  }
  return { ...common, services: wanted === undefined ? undefined : part.opens, asked, forward }
}

/** Returns the refusal of a user whom this host does not know. */
export function noUser(user: string | undefined): { readonly refusal: string } {
  return { refusal: user === undefined ? 'it names no user' : `there is no user ${user} here` }
}
