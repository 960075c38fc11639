import { LruMap } from '../limit/lru-map.ts'
import type { Ledger, Redemption, Use } from '../state/ledger.ts'
import type { FleetClaims } from './claims.ts'

/** The most names of secrets that are remembered, as making one takes some microseconds. */
const NAMES_MAX = 16_384
/** The separator of a door's name and a mark. */
const SEPARATOR = '\n'

/** The parts of a fleet's ledger. */
export interface FleetLedgerDeps {
  /** The ledger of this host. */
  readonly local: Ledger
  /** The claims of the fleet, or the reason why this host has none. */
  readonly claims: FleetClaims | { readonly unavailable: string }
  /** Returns true for a door with `Scope = fleet`. */
  readonly isOfFleet: (door: string) => boolean
  /** Returns the reason why this host may use up nothing now, such as its clock; `undefined`: it may. */
  readonly doubt?: () => string | undefined
}

/**
 * The ledger of a host in a fleet. A secret of a door with `Scope = fleet` is used up in etcd for all hosts, and then in
 * the ledger of this host, both before the door opens. Other doors never ask the fleet.
 */
export class FleetLedger implements Ledger {
  readonly #deps: FleetLedgerDeps
  readonly #names = new LruMap<string, string>(NAMES_MAX)
  /** The names of secrets that are being used up now. */
  readonly #using = new Set<string>()

  constructor(deps: FleetLedgerDeps) {
    this.#deps = deps
  }

  async claim(door: string, mark: string, shared?: () => string): Promise<Redemption> {
    const { local, claims, isOfFleet } = this.#deps
    if (!isOfFleet(door)) return await local.claim(door, mark)
    if (local.wasClaimed(door, mark)) return 'lost'
    if ('unavailable' in claims) return refusal(claims.unavailable)
    const name = this.#onceName(claims, door, mark, shared)
    // What was seen in etcd may be this host's own claim whose answer was lost, so it decides nothing yet.
    if (this.#using.has(name)) return 'lost'
    const doubt = this.#deps.doubt?.()
    if (doubt !== undefined) return refusal(doubt)
    this.#using.add(name)
    try {
      return await claims.use({
        name,
        isOnce: true,
        next: (present) => (present === undefined ? '' : undefined),
        until: undefined,
        settle: async () => await local.claim(door, mark),
      })
    } finally {
      this.#using.delete(name)
    }
  }

  wasClaimed(door: string, mark: string, shared?: () => string): boolean {
    const { local, claims, isOfFleet } = this.#deps
    if (local.wasClaimed(door, mark)) return true
    if ('unavailable' in claims || (this.#using.size === 0 && claims.seen.size === 0) || !isOfFleet(door)) return false
    const name = this.#onceName(claims, door, mark, shared)
    return this.#using.has(name) || claims.settled(name) !== undefined
  }

  async advance(key: string, next: (present: string | undefined) => string | undefined, use: Use): Promise<Redemption> {
    const { local, claims, isOfFleet } = this.#deps
    if (!isOfFleet(use.door)) return await local.advance(key, next, use)
    if (next(local.newest(key)) === undefined) return 'lost'
    if ('unavailable' in claims) return refusal(claims.unavailable)
    const doubt = this.#deps.doubt?.()
    if (doubt !== undefined) return refusal(doubt)
    return await claims.use({
      name: this.#valueName(claims, key),
      // What expires is a digest of one packet.
      isOnce: use.until !== undefined,
      next,
      until: use.until,
      owner: use.owner,
      settle: async () => await local.advance(key, next, use),
    })
  }

  newest(key: string, door?: string): string | undefined {
    const { local, claims, isOfFleet } = this.#deps
    const own = local.newest(key)
    if ('unavailable' in claims || claims.seen.size === 0 || door === undefined || !isOfFleet(door)) return own
    return claims.settled(this.#valueName(claims, key)) ?? own
  }

  learned(call: () => void): () => void {
    const { claims } = this.#deps
    return 'unavailable' in claims ? () => undefined : claims.seen.learned(call)
  }

  follow(key: string, door: string, call: () => void): () => void {
    const { claims, isOfFleet } = this.#deps
    if ('unavailable' in claims || !isOfFleet(door)) return () => undefined
    return claims.seen.follow(this.#valueName(claims, key), call)
  }

  /** Returns the name of a secret without an order: the same at all doors that share it. */
  #onceName(claims: FleetClaims, door: string, mark: string, shared: (() => string) | undefined): string {
    const own = `${door}${SEPARATOR}${mark}`
    return this.#name(`once ${own}`, () => claims.name('once', shared?.() ?? own))
  }

  #valueName(claims: FleetClaims, key: string): string {
    return this.#name(`value ${key}`, () => claims.name('value', key))
  }

  #name(text: string, make: () => string): string {
    let name = this.#names.get(text)
    if (name === undefined) this.#names.set(text, (name = make()))
    return name
  }
}

function refusal(reason: string): Redemption {
  return { unavailable: `fleet unavailable: ${reason}` }
}
