import type { Attempts } from './attempts.ts'
import type { Sequences } from './sequences.ts'
import { NONE } from './sources.ts'
import type { Sources } from './sources.ts'
import type { Stage } from './stage.ts'

/** The maximum number of attempts of one source. Beyond it, the oldest of the least advanced attempts ends. */
export const ATTEMPTS_PER_SOURCE_MAX = 16

/** The attempts of one source. */
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

  /** Returns the furthest stage of the source's attempts, or 0 if there are no attempts. */
  furthest(slot: number): number {
    let furthest = 0
    for (let at = this.#sources.attempt(slot); at !== NONE; at = this.#attempts.sibling(at)) {
      furthest = Math.max(furthest, this.#stage(at).depth)
    }
    return furthest
  }

  /** Ends the source's attempts that lead only to sequences that a port scan could complete. */
  dropScannable(slot: number): void {
    let attempt = this.#sources.attempt(slot)
    while (attempt !== NONE) {
      const after = this.#attempts.sibling(attempt)
      if (this.#stage(attempt).unscannable === 0) this.leave(slot, attempt)
      attempt = after
    }
  }

  /**
   * Ends the attempts that are pointless after a door opened: those made of its knocks, quiet ones, and those waiting
   * for a code.
   */
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

  /** Ends attempts until the source is within its bound. Attempts that the packet of these keys began end last. */
  limit(slot: number, key: number, exact: number): void {
    for (;;) {
      let count = 0
      let least = NONE
      for (let at = this.#sources.attempt(slot); at !== NONE; at = this.#attempts.sibling(at)) {
        count++
        if (least === NONE || this.#goesBefore(at, least, key, exact)) least = at
      }
      if (count <= ATTEMPTS_PER_SOURCE_MAX) return
      this.leave(slot, least)
    }
  }

  /**
   * Returns true if an attempt ends before another. Attempts that have just begun end last, then the further, then the
   * newer ones.
   */
  #goesBefore(one: number, other: number, key: number, exact: number): boolean {
    const [here, there] = [this.#stage(one), this.#stage(other)]
    const isFresh = ({ depth, key: own }: Stage): boolean => depth === 1 && (own === key || own === exact)
    const fresh = isFresh(here)
    if (fresh !== isFresh(there)) return !fresh
    if (here.depth !== there.depth) return here.depth < there.depth
    return this.#attempts.began(one) <= this.#attempts.began(other)
  }

  #stage(attempt: number): Stage {
    return this.#sequences.stage(this.#attempts.stage(attempt))
  }
}

/** Returns true if an attempt at a stage is the rest of a knock that completed a sequence with a common prefix. */
function isLeftOf(stage: Stage, end: Stage): boolean {
  return stage !== end && stage.root === end.root && stage.leadsOver(end)
}
