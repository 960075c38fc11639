import { broadcastAddresses } from '../../capture/own.ts'
import type { PacketNeeds } from '../../capture/needs.ts'
import type { Config } from '../../config/config.ts'
import type { Grant } from '../../door/grant.ts'
import type { Held } from '../../door/held.ts'
import { Destinations } from '../../gate/destinations.ts'
import { formatAddress } from '../../packet/address.ts'
import type { Address } from '../../packet/address.ts'
import type { Packet } from '../../packet/packet.ts'
import { makePacketAuthenticators } from '../../peer/packet-authenticators.ts'
import type { Authenticator, Claim, Verdict } from '../../secret/authenticator.ts'
import type { AuthenticatorDeps } from '../../secret/deps.ts'
import type { Store } from '../../state/store.ts'
import { ledgerOf } from './store-ledger.ts'

/** The dependencies of these doors. The host's own addresses are set later. */
export interface SpaDeps extends Omit<AuthenticatorDeps, 'ledger' | 'gate'> {
  readonly store: Store
  readonly open: (grant: Grant) => void
}

/** The doors that single packets open (SPA), and the traffic that they need. */
export class SpaDoors {
  readonly #all: ReadonlySet<Authenticator<unknown>>
  #own = new Destinations([])
  /** The host's own addresses and the broadcast addresses of its links, as text. */
  #ownText: ReadonlySet<string> = new Set()

  constructor(deps: SpaDeps) {
    const by = makePacketAuthenticators({
      ...deps,
      ledger: ledgerOf(deps.store),
      gate: { add: () => undefined, remove: () => undefined },
      isOwn: (address) => this.#ownText.has(formatAddress(address)),
      claimed: (claim, authenticator) => void redeem(claim, authenticator, deps),
    })
    this.#all = new Set(Object.values(by))
  }

  /** The traffic that has to be captured. */
  get needs(): PacketNeeds {
    const all = [...this.#all].map(({ needs }) => needs)
    return {
      datagrams: all.flatMap((needs) => needs?.datagrams ?? []),
      synPorts: all.flatMap((needs) => needs?.synPorts ?? []),
    }
  }

  /** Returns the number of a door's users, or `undefined` if single packets do not open the door. */
  users(name: string): number | undefined {
    for (const each of this.#all) {
      const { users } = each.status(name)
      if (users !== undefined) return users
    }
    return undefined
  }

  /** Sets the host's own addresses. */
  setOwn(addresses: Iterable<Address>): void {
    const all = [...addresses]
    this.#own = new Destinations(all)
    this.#ownText = new Set([...all, ...broadcastAddresses()].map(formatAddress))
  }

  /** Applies the doors of a config and reads their files. */
  replace({ doors, options }: Config): void {
    for (const each of this.#all) each.replace(doors, options)
  }

  /** Handles a packet if it is a single packet for these doors. Otherwise returns false. */
  take(packet: Packet, bytes: Uint8Array): boolean {
    if (!this.#own.has(packet)) return false
    for (const each of this.#all) if (each.offer(packet, bytes)) return true
    return false
  }

  /** Judges by the door's keys. The answer is `unknown` if single packets do not open the door. */
  mayHold(held: Held): Verdict {
    for (const each of this.#all) if (each.status(held.door).users !== undefined) return each.mayHold(held)
    return 'unknown'
  }

  /** Returns when the next key expires, in milliseconds since 1970. */
  nextExpiry(now: number): number {
    return Math.min(...[...this.#all].map((each) => each.nextExpiry(now)))
  }

  async close(): Promise<void> {
    for (const each of this.#all) await each.close()
  }
}

async function redeem<Proof>(claim: Claim<Proof>, authenticator: Authenticator<Proof>, deps: SpaDeps): Promise<void> {
  const redeemed = await authenticator.redeem(claim)
  if ('holder' in redeemed) deps.open(redeemed)
  else if (redeemed.refused !== undefined) deps.say(redeemed.refused.level, redeemed.refused.text)
}
