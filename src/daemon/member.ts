import type { Door } from '../config/config.ts'
import type { Reply, Status, Totals, TotalsStatus } from '../control/message.ts'
import type { Address } from '../packet/address.ts'
import { contains, parseNetwork } from '../packet/network.ts'
import { admits } from '../secret/door-bounds.ts'

/** The most simultaneous openings of one member, and the most members whose openings are remembered. */
export const MEMBER_OPENINGS_MAX = 32
const MEMBERS_MAX = 256
/** Addresses that no host has: this network, loopback, multicast, reserved and IPv4-mapped ones (RFC 6890). */
const NO_HOSTS = ['0.0.0.0/8', '127.0.0.0/8', '224.0.0.0/3', '::/96', '::ffff:0:0/96', 'ff00::/8'].map((text) =>
  parseNetwork(text)!,
)

/** Returns the reason why a member of Control_Group may not make this opening, or `undefined`. */
export function refusalOf(door: Door, address: Address, ms: number): Reply | undefined {
  if (ms > door.cmdTimeoutMs) {
    const seconds = door.cmdTimeoutMs / 1000
    return { error: `only root opens ${door.name} for longer than ${seconds} s`, hint: 'leave --for out, or use sudo' }
  }
  if (NO_HOSTS.some((network) => contains(network, address))) {
    return { error: 'not the address of a host', hint: 'as in 192.0.2.7 or 2001:db8::7' }
  }
  if (!admits(door, [address])) {
    return { error: `Allow_From of ${door.name} does not name this address`, hint: 'sudo opens for others too' }
  }
  return undefined
}

/** Returns the part of the status that a member may see. It must not reveal the ports of a knock. */
export function statusForMember(status: Status): Status {
  return {
    ...status,
    interfaces: status.interfaces.map(({ name, waiting }) => ({
      name,
      waiting,
      received: undefined,
      dropped: undefined,
    })),
    attempts: undefined,
    // A port that does not bring its source closer to being ignored is part of a sequence.
    ignored: [],
    ...(status.totals === undefined ? {} : { totals: totalsForMember(status.totals) }),
  }
}

/** Any other count that changes, or does not, after a packet to a port tells something about that port. */
function totalsForMember({ since, all, start }: TotalsStatus): TotalsStatus {
  return { since, all: reduced(all), start: reduced(start) }
}

function reduced({ openings, commandFailures }: Totals): Totals {
  return { openings, commandFailures }
}

/** The current openings that members made by hand. Times are milliseconds on any steady clock. */
export class MemberOpenings {
  /** For each user: the openings by source and door, with their ends. */
  readonly #members = new Map<number, Map<string, number>>()

  /** Records an opening. Returns false if the member has too many. */
  add(user: number, door: string, source: string, { ms, now }: { readonly ms: number; readonly now: number }): boolean {
    this.#forget(now)
    let openings = this.#members.get(user)
    if (openings === undefined) {
      if (this.#members.size >= MEMBERS_MAX) return false
      this.#members.set(user, (openings = new Map()))
    }
    const key = `${source} ${door}`
    if (!openings.has(key) && openings.size >= MEMBER_OPENINGS_MAX) return false
    openings.set(key, Math.max(now + ms, openings.get(key) ?? 0))
    return true
  }

  /** Removes the openings of a door and a source that were closed early; `undefined` matches any. */
  closed(door: string | undefined, source: string | undefined): void {
    for (const openings of this.#members.values()) {
      for (const key of openings.keys()) {
        const [from, name] = splitKey(key)
        if ((door ?? name) === name && (source ?? from) === from) openings.delete(key)
      }
    }
  }

  #forget(now: number): void {
    for (const [user, openings] of this.#members) {
      for (const [key, ends] of openings) if (ends <= now) openings.delete(key)
      if (openings.size === 0) this.#members.delete(user)
    }
  }
}

function splitKey(key: string): readonly [source: string, door: string] {
  const end = key.indexOf(' ')
  return [key.slice(0, end), key.slice(end + 1)]
}
