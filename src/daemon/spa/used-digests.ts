import type { Store } from '../../state/store.ts'

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

/** The used packets of fwknop clients. They are in the journal, so that none opens twice, not even after a crash. */
export class UsedDigests {
  readonly #store: Pick<Store, 'newest' | 'advance' | 'forget' | 'keys'>
  #count: number | undefined
  #sweptAt = -Infinity

  constructor(store: Pick<Store, 'newest' | 'advance' | 'forget' | 'keys'>) {
    this.#store = store
  }

  /** Returns true if a packet was used before. */
  has({ replayDigest }: Used): boolean {
    return this.#store.newest(`${DIGEST_KEY}${replayDigest}`) !== undefined
  }

  /**
   * Marks a packet as used.
   *
   * @param maxAgeMs milliseconds after which such a packet is too old to be accepted
   * @returns true if the mark is durable, so the door may open; false if the packet was used before
   * @throws Error if the limit of remembered packets is reached; JournalError or StoreError if the mark is not durable
   */
  async use({ replayDigest, timestamp }: Used, maxAgeMs: number): Promise<boolean> {
    if (!this.#hasRoom(maxAgeMs)) throw new Error(`${DIGESTS_MAX} packets are remembered already`)
    const key = `${DIGEST_KEY}${replayDigest}`
    const isNew = await this.#store.advance(key, String(timestamp), (present) => present === undefined)
    if (isNew) this.#count = (this.#count ?? 0) + 1
    return isNew
  }

  /** Returns true if one more packet can be remembered. Sometimes it forgets packets too old to be accepted again. */
  #hasRoom(maxAgeMs: number): boolean {
    const now = Date.now()
    const full = (this.#count ?? 0) >= DIGESTS_MAX / 2
    const everyMs = full ? SWEEP_FULL_EVERY_MS : SWEEP_EVERY_MS
    if (this.#count === undefined || performance.now() - this.#sweptAt >= everyMs) {
      this.#sweptAt = performance.now()
      const keptMs = full ? 2 * maxAgeMs : Math.max(DIGEST_KEPT_MS, 2 * maxAgeMs)
      let left = 0
      for (const key of this.#store.keys(DIGEST_KEY)) {
        if (Number(this.#store.newest(key)) * SECOND_MS + keptMs > now) left++
        // If forgetting fails, the packet is remembered for longer.
        else this.#store.forget(key).catch(() => undefined)
      }
      this.#count = left
    }
    return this.#count < DIGESTS_MAX
  }
}
