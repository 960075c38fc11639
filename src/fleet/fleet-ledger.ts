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
  /** The secrets that are being used up now. */
  readonly #using = new Set<string>()

  constructor(deps: FleetLedgerDeps) {
    this.#deps = deps
  }

  async claim(door: string, mark: string): Promise<Redemption> {
    const { local, claims, isOfFleet } = this.#deps
    if (!isOfFleet(door)) return await local.claim(door, mark)
    const key = `${door}${SEPARATOR}${mark}`
    // What was seen in etcd may be this host's own claim whose answer was lost, so it decides nothing yet.
    if (local.wasClaimed(door, mark) || this.#using.has(key)) return 'lost'
    if ('unavailable' in claims) return refusal(claims.unavailable)
    const doubt = this.#deps.doubt?.()
    if (doubt !== undefined) return refusal(doubt)
    this.#using.add(key)
    try {
      return await claims.use({
        name: this.#name(claims, 'once', key),
        next: (present) => (present === undefined ? '' : undefined),
        until: undefined,
        settle: async () => await local.claim(door, mark),
      })
    } finally {
      this.#using.delete(key)
    }
  }

  wasClaimed(door: string, mark: string): boolean {
    const { local, claims, isOfFleet } = this.#deps
    if (local.wasClaimed(door, mark)) return true
    const key = `${door}${SEPARATOR}${mark}`
    if (this.#using.has(key)) return true
    if ('unavailable' in claims || claims.seen.size === 0 || !isOfFleet(door)) return false
    return claims.settled(this.#name(claims, 'once', key)) !== undefined
  }

  async advance(key: string, next: (present: string | undefined) => string | undefined, use: Use): Promise<Redemption> {
    const { local, claims, isOfFleet } = this.#deps
    if (!isOfFleet(use.door)) return await local.advance(key, next, use)
    if (next(local.newest(key)) === undefined) return 'lost'
    if ('unavailable' in claims) return refusal(claims.unavailable)
    const doubt = this.#deps.doubt?.()
    if (doubt !== undefined) return refusal(doubt)
    return await claims.use({
      name: this.#name(claims, 'value', key),
      next,
      until: use.until,
      settle: async () => await local.advance(key, next, use),
    })
  }

  newest(key: string, door?: string): string | undefined {
    const { local, claims, isOfFleet } = this.#deps
    const own = local.newest(key)
    if ('unavailable' in claims || claims.seen.size === 0 || door === undefined || !isOfFleet(door)) return own
    return claims.settled(this.#name(claims, 'value', key)) ?? own
  }

  learned(call: () => void): () => void {
    const { claims } = this.#deps
    return 'unavailable' in claims ? () => undefined : claims.seen.learned(call)
  }

  #name(claims: FleetClaims, kind: 'once' | 'value', key: string): string {
    const text = `${kind} ${key}`
    let name = this.#names.get(text)
    if (name === undefined) {
      name = claims.name(kind, key)
      this.#names.set(text, name)
    }
    return name
  }
}

function refusal(reason: string): Redemption {
  return { unavailable: `fleet unavailable: ${reason}` }
}
