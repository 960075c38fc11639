import type { Attempts } from './attempts.ts'
import type { Sequences } from './sequences.ts'
import { NONE } from './sources.ts'
import type { Sources } from './sources.ts'
import type { Stage } from './stage.ts'

/** Most attempts one source may have under way at once; of more, the oldest of those least far along ends. */
export const ATTEMPTS_PER_SOURCE_MAX = 16

/** The attempts that one source has under way: which of them end, and when. */
export class OwnAttempts {
  readonly #sequences: Sequences
  readonly #sources: Sources
  readonly #attempts: Attempts

  constructor(sequences: Sequences, sources: Sources, attempts: Attempts) {
    this.#sequences = sequences
    this.#sources = sources
    this.#attempts = attempts
  }

  /** Ends an attempt of the source. */
  leave(slot: number, attempt: number): void {
    const after = this.#attempts.sibling(attempt)
    const first = this.#sources.attempt(slot)
    if (first === attempt) {
      this.#sources.setAttempt(slot, after)
    } else {
      let before = first
      while (this.#attempts.sibling(before) !== attempt) before = this.#attempts.sibling(before)
      this.#attempts.setSibling(before, after)
    }
    this.#sequences.exit(this.#stage(attempt))
    this.#attempts.end(attempt)
  }

  /** The furthest stage of the source's attempts; 0 without one. */
  furthest(slot: number): number {
    let furthest = 0
    for (let at = this.#sources.attempt(slot); at !== NONE; at = this.#attempts.sibling(at)) {
      furthest = Math.max(furthest, this.#stage(at).depth)
    }
    return furthest
  }

  /** Ends those attempts of the source that only lead to sequences which a port scan makes in passing. */
  dropScannable(slot: number): void {
    let attempt = this.#sources.attempt(slot)
    while (attempt !== NONE) {
      const after = this.#attempts.sibling(attempt)
      if (this.#stage(attempt).unscannable === 0) this.leave(slot, attempt)
      attempt = after
    }
  }

  /** Once sequences are complete, what is made of their knocks leads nowhere, and nobody waits for another code. */
  dropOver(slot: number, opened: readonly Stage[]): void {
    let attempt = this.#sources.attempt(slot)
    while (attempt !== NONE) {
      const after = this.#attempts.sibling(attempt)
      const stage = this.#stage(attempt)
      const over = this.#attempts.quiet(attempt) || stage.codes > 0
      if (opened.some((end) => (over && end.root === stage.root) || stage.isMadeOf(end))) this.leave(slot, attempt)
      else if (opened.some((end) => isLeftOf(stage, end))) this.#attempts.setSpent(attempt)
      attempt = after
    }
  }

  /** Keeps the number of the source's attempts within its bound; those that the knock `key` began stay, if others go. */
  limit(slot: number, key: number): void {
    for (;;) {
      let count = 0
      let least = NONE
      for (let at = this.#sources.attempt(slot); at !== NONE; at = this.#attempts.sibling(at)) {
        count++
        if (least === NONE || this.#goesBefore(at, least, key)) least = at
      }
      if (count <= ATTEMPTS_PER_SOURCE_MAX) return
      this.leave(slot, least)
    }
  }

  /** Whether an attempt ends before another: it is not just begun, less far along, or as far and older. */
  #goesBefore(one: number, other: number, key: number): boolean {
    const [here, there] = [this.#stage(one), this.#stage(other)]
    const fresh = here.depth === 1 && here.key === key
    if (fresh !== (there.depth === 1 && there.key === key)) return !fresh
    if (here.depth !== there.depth) return here.depth < there.depth
    return this.#attempts.began(one) <= this.#attempts.began(other)
  }

  #stage(attempt: number): Stage {
    return this.#sequences.stage(this.#attempts.stage(attempt))
  }
}

/** Whether what stands at a stage is left of the knock that came to the end of a sequence that begins alike. */
function isLeftOf(stage: Stage, end: Stage): boolean {
  return stage !== end && stage.root === end.root && stage.leadsOver(end)
}
