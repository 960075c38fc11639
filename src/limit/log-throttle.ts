import { LruMap } from './lru-map.ts'
import { TokenBucket } from './token-bucket.ts'

/** Milliseconds between two lines about one subject. */
export const SUBJECT_EVERY_MS = 60_000
/** Subjects that are remembered; of more, the one that was said longest ago is forgotten. */
export const SUBJECTS_MAX = 1_024
/** Lines a second about all subjects together, on average, and how many at once. */
export const LINES_PER_S = 2
export const LINES_BURST = 60

/** Bounds how often the log says the same, and how much it says in all: packets can be played back to fill it. */
export class LogThrottle {
  readonly #everyMs: number
  readonly #saidAt: LruMap<string, number>
  readonly #lines: TokenBucket

  /** @param everyMs milliseconds between two lines about one subject */
  constructor(everyMs = SUBJECT_EVERY_MS, subjectsMax = SUBJECTS_MAX) {
    this.#everyMs = everyMs
    this.#saidAt = new LruMap(subjectsMax)
    this.#lines = new TokenBucket(LINES_PER_S, LINES_BURST)
  }

  /** Whether a line about a subject may be written now; if so, it counts. `now` is in milliseconds of a steady clock. */
  due(subject: string, now: number): boolean {
    const last = this.#saidAt.peek(subject)
    if (last !== undefined && now - last < this.#everyMs) return false
    if (!this.#lines.take(now)) return false
    this.#saidAt.set(subject, now)
    return true
  }
}
