import type { Store } from '../../state/store.ts'

/** Packets that are remembered as used, at most; those that are too old to be taken again give way. */
export const DIGESTS_MAX = 32_768
/** Milliseconds for which they are remembered while there is room: the clock may be set back. */
const DIGEST_KEPT_MS = 86_400_000
/** Milliseconds between two looks for those that may be forgotten. */
const SWEEP_EVERY_MS = 60_000
/** The same where there is little room left. */
const SWEEP_FULL_EVERY_MS = 1_000
const SECOND_MS = 1_000
const DIGEST_KEY = 'fwknop\n'

/** A packet of fwknop's, as far as using it up needs it. */
export interface Used {
  readonly replayDigest: string
  /** Seconds since 1970. */
  readonly timestamp: number
}

/** The packets of fwknop's clients that were used, in the journal: none opens twice, not after a crash either. */
export class UsedDigests {
  readonly #store: Pick<Store, 'newest' | 'advance' | 'forget' | 'keys'>
  #count: number | undefined
  #sweptAt = -Infinity

  constructor(store: Pick<Store, 'newest' | 'advance' | 'forget' | 'keys'>) {
    this.#store = store
  }

  /** Whether a packet was used before. */
  has({ replayDigest }: Used): boolean {
    return this.#store.newest(`${DIGEST_KEY}${replayDigest}`) !== undefined
  }

  /**
   * Uses a packet up. True: that is durable, and the door may open; false: it was used before.
   *
   * @param maxAgeMs milliseconds after which its like is too old to be taken
   * @throws Error where no more can be remembered; JournalError or StoreError where it cannot be made durable
   */
  async use({ replayDigest, timestamp }: Used, maxAgeMs: number): Promise<boolean> {
    if (!this.#hasRoom(maxAgeMs)) throw new Error(`${DIGESTS_MAX} packets are remembered already`)
    const key = `${DIGEST_KEY}${replayDigest}`
    const isNew = await this.#store.advance(key, String(timestamp), (present) => present === undefined)
    if (isNew) this.#count = (this.#count ?? 0) + 1
    return isNew
  }

  /** Whether one packet more can be remembered. What is too old to be taken again is forgotten now and then. */
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
        // What is not forgotten durably is only remembered for longer.
        else this.#store.forget(key).catch(() => undefined)
      }
      this.#count = left
    }
    return this.#count < DIGESTS_MAX
  }
}
