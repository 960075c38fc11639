import { LruMap } from './lru-map.ts'
import { TokenBucket } from './token-bucket.ts'

/** Milliseconds between two lines about the same subject. */
export const SUBJECT_EVERY_MS = 60_000
/** The maximum number of subjects. Beyond it, the subject of the oldest line is forgotten. */
export const SUBJECTS_MAX = 1_024
/** The average number of lines a second about all subjects together, and the size of a burst. */
export const LINES_PER_S = 2
export const LINES_BURST = 60

/** Limits how often the log repeats a subject, and its lines in all. Otherwise replayed packets could fill the log. */
export class LogThrottle {
  readonly #everyMs: number
  readonly #saidAt: LruMap<string, number>
  readonly #lines: TokenBucket

  /** @param everyMs milliseconds between two lines about the same subject */
  constructor(everyMs = SUBJECT_EVERY_MS, subjectsMax = SUBJECTS_MAX) {
    this.#everyMs = everyMs
    this.#saidAt = new LruMap(subjectsMax)
    this.#lines = new TokenBucket(LINES_PER_S, LINES_BURST)
  }

  /**
   * Returns true if a line about a subject may be written now, and counts it.
   *
   * @param now milliseconds of a monotonic clock
   */
  due(subject: string, now: number): boolean {
    const last = this.#saidAt.peek(subject)
    if (last !== undefined && now - last < this.#everyMs) return false
    if (!this.#lines.take(now)) return false
    this.#saidAt.set(subject, now)
    return true
  }
}
