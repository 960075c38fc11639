import type { Door } from '../../../config/config.ts'
import { SPA_MAX_AGE_MAX_MS } from '../../../config/config.ts'
import type { AuthenticatorDeps } from '../../../secret/deps.ts'
import type { Redemption } from '../../../state/ledger.ts'

/** The most used packets that are remembered. Packets too old to be accepted again are forgotten. */
export const DIGESTS_MAX = 32_768
/** Milliseconds for which used packets are remembered while there is room. The clock may be set back. */
const DIGEST_KEPT_MS = 86_400_000
/** Milliseconds between two searches for packets to forget. */
const SWEEP_EVERY_MS = 60_000
/** The same, if there is little room left. */
const SWEEP_FULL_EVERY_MS = 1_000
const SECOND_MS = 1_000
const DIGEST_KEY = 'fwknop\n'

/** The parts of an fwknop packet that mark it as used. */
export interface Used {
  readonly replayDigest: string
  /** Seconds since 1970. */
  readonly timestamp: number
}

type DigestsDeps = Pick<AuthenticatorDeps, 'ledger' | 'store' | 'clock'>

/** The used packets of fwknop clients. They are in the journal, so that none opens twice, not even after a crash. */
export class UsedDigests {
  readonly #deps: DigestsDeps
  #count: number | undefined
  #sweptAt = -Infinity

  constructor(deps: DigestsDeps) {
    this.#deps = deps
  }

  /** Returns true if a packet was used before. */
  has({ replayDigest }: Used): boolean {
    return this.#deps.ledger.newest(keyOf(replayDigest)) !== undefined
  }

  /**
   * Uses up a packet.
   *
   * @param maxAgeMs milliseconds after which such a packet is too old to be accepted
   * @param door the door that it opens
   * @param owner the stanza that it is of, which can make as many packets as it likes
   * @returns `unavailable` also if the limit of remembered packets is reached
   */
  async use(packet: Used, maxAgeMs: number, door: Pick<Door, 'name' | 'scope'>, owner: string): Promise<Redemption> {
    const { replayDigest, timestamp } = packet
    if (door.scope === 'fleet' && this.#deps.clock.now() >= usableUntil(packet)) {
      return { unavailable: 'the packet is older than a day, and a fleet remembers none for longer' }
    }
    if (!this.#hasRoom(maxAgeMs)) return { unavailable: `${DIGESTS_MAX} packets are remembered already` }
    const used = await this.#deps.ledger.advance(
      keyOf(replayDigest),
      (present) => (present === undefined ? String(timestamp) : undefined),
      { door: door.name, until: usableUntil(packet), owner },
    )
    if (used === 'won') this.#count = (this.#count ?? 0) + 1
    return used
  }

  /** Returns true if one more packet can be remembered. Sometimes it forgets packets too old to be accepted again. */
  #hasRoom(maxAgeMs: number): boolean {
    const { store, clock } = this.#deps
    const now = clock.now()
    const full = (this.#count ?? 0) >= DIGESTS_MAX / 2
    const everyMs = full ? SWEEP_FULL_EVERY_MS : SWEEP_EVERY_MS
    const steady = clock.steady()
    if (this.#count === undefined || steady - this.#sweptAt >= everyMs) {
      this.#sweptAt = steady
      const keptMs = full ? 2 * maxAgeMs : Math.max(DIGEST_KEPT_MS, 2 * maxAgeMs)
      let left = 0
      for (const key of store.keys(DIGEST_KEY)) {
        if (Number(store.newest(key)) * SECOND_MS + keptMs > now) left++
        // If forgetting fails, the packet is remembered for longer.
        else store.forget(key).catch(() => undefined)
      }
      this.#count = left
    }
    return this.#count < DIGESTS_MAX
  }
}

/**
 * Returns until when a host of a fleet may accept a packet, in milliseconds since 1970: whatever its SPA_Max_Age, unless
 * that is unlimited.
 */
function usableUntil({ timestamp }: Used): number {
  return timestamp * SECOND_MS + SPA_MAX_AGE_MAX_MS
}

function keyOf(digest: string): string {
  return `${DIGEST_KEY}${digest}`
}
