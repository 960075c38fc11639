import { destinationOf, sourceOf } from '../packet/packet.ts'
import type { Packet } from '../packet/packet.ts'
import type { Attempts } from './attempts.ts'
import type { Effect } from './effect.ts'
import type { Sequences } from './sequences.ts'
import { NONE } from './sources.ts'
import type { Sources } from './sources.ts'
import type { Stage } from './stage.ts'
import { counts } from './terms.ts'

/** Most attempts one source may have under way at once; with more it is scanning. */
export const ATTEMPTS_PER_SOURCE_MAX = 16
/**
 * A knock at the port of the knock before, from another source port and this long after, is a browser's second try (a
 * connection that does not come up is tried again beside the first after 250 ms), not a wrong knock. Milliseconds.
 */
export const SECOND_TRY_MIN_MS = 200
export const SECOND_TRY_MAX_MS = 1_000

/**
 * What a knock does to one attempt. `apart`: it is no part of its sequences. `unmoved`: it is, but is passed over.
 * `late`: its time is over. `gone`: the sequences it was for are no more.
 */
type Fate = 'apart' | 'unmoved' | 'moves' | 'broken' | 'late' | 'gone'

/** What became of a packet. `part`: it is part of a sequence of an attempt under way, or begins one. */
export interface Outcome {
  /** The knock is part of a sequence that was under way. */
  readonly part: boolean
  /** The knock began a sequence. */
  readonly begun: boolean
  /** The source has more attempts under way than one may have. */
  readonly crowded: boolean
}

/** How the attempts of one source go on with a knock. */
export class Progress {
  readonly #sequences: Sequences
  readonly #sources: Sources
  readonly #attempts: Attempts
  /** Makes room for one attempt more; false: there is none to be made. */
  readonly #room: (slot: number) => boolean
  /** The attempts of the packet's source, what becomes of each, and the beginnings of those that moved on. */
  readonly #mine: number[] = []
  readonly #fates: Fate[] = []
  readonly #moved: Stage[] = []

  constructor(sequences: Sequences, sources: Sources, attempts: Attempts, room: (slot: number) => boolean) {
    this.#sequences = sequences
    this.#sources = sources
    this.#attempts = attempts
    this.#room = room
  }

  /** Takes a knock of the source in `slot`, and adds what follows to `effects`. */
  knock(slot: number, packet: Packet, key: number, here: boolean, now: number, effects: Effect[]): Outcome {
    const begins = this.#sequences.begin(key)
    this.#moved.length = 0
    const part = this.#judge(slot, packet, key, here, now, effects)
    const begun = begins.length > 0 && this.#begin(slot, packet, begins, here, now, effects)
    return { part, begun, crowded: this.#crowded(slot) }
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

  /** Ends an attempt because its time is over; nobody waits for one whose sequences are no more. */
  timeOut(slot: number, attempt: number, effects: Effect[]): void {
    const stage = this.#stage(attempt)
    if (!stage.gone) {
      const source = this.#sources.address(slot)
      effects.push({ kind: 'timeout', source, doors: stage.doors, stage: stage.depth })
    }
    this.leave(slot, attempt)
  }

  /** The furthest stage of the source's attempts; 0 without one. */
  furthest(slot: number): number {
    let furthest = 0
    for (let at = this.#sources.attempt(slot); at !== NONE; at = this.#attempts.sibling(at)) {
      furthest = Math.max(furthest, this.#stage(at).depth)
    }
    return furthest
  }

  #stage(attempt: number): Stage {
    return this.#sequences.stage(this.#attempts.stage(attempt))
  }

  /** Moves each attempt on, or discards it. False: the knock is part of none of their sequences. */
  #judge(slot: number, packet: Packet, key: number, here: boolean, now: number, effects: Effect[]): boolean {
    const mine = this.#mine
    const fates = this.#fates
    mine.length = 0
    fates.length = 0
    let part = false
    for (let at = this.#sources.attempt(slot); at !== NONE; at = this.#attempts.sibling(at)) {
      const fate = this.#fate(at, packet, key, here, now)
      mine.push(at)
      fates.push(fate)
      if (fate === 'unmoved' || fate === 'moves' || fate === 'broken') part = true
    }
    if (mine.length > 1 && part) this.#reconcile(key)
    for (let index = 0; index < mine.length; index++) {
      const fate = fates[index]!
      const attempt = mine[index]!
      if (fate === 'moves') {
        this.#move(slot, attempt, key, packet, now, effects)
      } else if (fate === 'broken') {
        effects.push(broken(packet, this.#stage(attempt)))
        this.leave(slot, attempt)
      } else if (fate === 'late' || fate === 'gone') {
        this.timeOut(slot, attempt, effects)
      }
    }
    return part
  }

  #fate(attempt: number, packet: Packet, key: number, here: boolean, now: number): Fate {
    const stage = this.#stage(attempt)
    if (stage.gone) return 'gone'
    if (this.#attempts.late(attempt, now)) return 'late'
    const next = stage.next(key)
    if (next === undefined && !stage.owns(key)) return 'apart'
    if (!counts(stage.terms, packet, here)) return 'unmoved'
    if (next !== undefined) return 'moves'
    if (stage.key !== key || stage.depth === 1) return 'broken'
    const since = this.#attempts.sinceKnock(attempt, now)
    return since >= SECOND_TRY_MIN_MS && since <= SECOND_TRY_MAX_MS ? 'unmoved' : 'broken'
  }

  /**
   * Where sequences part, an attempt stays behind for those not taken. It goes with one that went ahead when that one is
   * discarded; while that one moves on, the knock is not held against it, nor does it follow down the same branch.
   */
  #reconcile(key: number): void {
    const fates = this.#fates
    for (let index = 0; index < fates.length; index++) {
      const fate = fates[index]!
      if (fate !== 'moves' && fate !== 'broken' && fate !== 'unmoved') continue
      const stage = this.#stage(this.#mine[index]!)
      const branch = stage.next(key)
      for (let other = 0; other < fates.length; other++) {
        const aheadFate = fates[other]!
        if (aheadFate === 'late' || aheadFate === 'gone' || aheadFate === 'apart') continue
        const ahead = this.#stage(this.#mine[other]!)
        if (ahead.depth <= stage.depth || !ahead.under(stage)) continue
        if (aheadFate === 'broken') {
          fates[index] = 'broken'
          break
        }
        if (branch === undefined || ahead.under(branch)) fates[index] = 'unmoved'
      }
    }
  }

  #move(slot: number, attempt: number, key: number, packet: Packet, now: number, effects: Effect[]): void {
    const from = this.#stage(attempt)
    const stays = from.parts
    const to = from.next(key)
    // An earlier attempt's opening may have used up the sequences this one was for.
    if (to === undefined) return
    this.#moved.push(from.root)
    this.#reach(to, packet, effects)
    if (to.gone || !to.leadsOn) {
      if (!stays || from.gone) this.leave(slot, attempt)
      return
    }
    let moved = attempt
    if (stays && this.#room(slot)) {
      moved = this.#attempts.fork(attempt, to.id, this.#sources.attempt(slot))
      this.#sources.setAttempt(slot, moved)
    } else {
      this.#sequences.exit(from)
      this.#attempts.setStage(attempt, to.id)
    }
    this.#sequences.enter(to)
    this.#attempts.knocked(moved, now)
  }

  /** Takes the knock as a first one. False: no sequence begins with it under terms that it meets. */
  #begin(
    slot: number,
    packet: Packet,
    begins: readonly Stage[],
    here: boolean,
    now: number,
    effects: Effect[],
  ): boolean {
    let begun = false
    // A sequence that opens once leaves the list while the list is walked.
    for (const stage of begins.length > 1 ? [...begins] : begins) {
      if (!counts(stage.terms, packet, here)) continue
      begun = true
      if (this.#moved.includes(stage)) continue
      this.#reach(stage, packet, effects)
      if (stage.gone || !stage.leadsOn || !this.#room(slot)) continue
      const first = this.#sources.attempt(slot)
      this.#sources.setAttempt(slot, this.#attempts.begin(stage.id, slot, first, stage.terms.timeoutMs, now))
      this.#sequences.enter(stage)
    }
    return begun
  }

  /** Reports a stage, and opens the doors whose sequences end there. */
  #reach(stage: Stage, packet: Packet, effects: Effect[]): void {
    const source = sourceOf(packet)
    const { complete } = stage
    effects.push({ kind: 'stage', source, doors: stage.doors, stage: stage.depth })
    if (complete.length === 0) return
    const { protocol, port, time } = packet
    // A sequence that opens once leaves the list while the list is walked.
    for (const secret of complete.slice()) {
      effects.push({ kind: 'open', source, secret, destination: destinationOf(packet), protocol, port, time })
      if (secret.once) this.#sequences.remove(secret)
    }
  }

  #crowded(slot: number): boolean {
    let count = 0
    for (let at = this.#sources.attempt(slot); at !== NONE; at = this.#attempts.sibling(at)) count++
    return count > ATTEMPTS_PER_SOURCE_MAX
  }
}

function broken(packet: Packet, stage: Stage): Effect {
  const { protocol, port } = packet
  return { kind: 'broken', source: sourceOf(packet), doors: stage.doors, stage: stage.depth, protocol, port }
}
