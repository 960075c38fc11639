import { TCP, destinationOf, sourceOf } from '../packet/packet.ts'
import type { Packet } from '../packet/packet.ts'
import { CODE_STRAYS_MAX, allowedStrays } from './allowance.ts'
import type { Attempts } from './attempts.ts'
import { empty, insert } from './list.ts'
import { OwnAttempts } from './own-attempts.ts'
import type { Effect, Withheld } from './effect.ts'
import type { Secret } from './secret.ts'
import type { Sequences } from './sequences.ts'
import { NONE } from './sources.ts'
import type { Sources } from './sources.ts'
import type { Stage } from './stage.ts'
import { counts } from './terms.ts'
import { isUsedUp, withoutWrongCodes } from './wrong-codes.ts'

/**
 * A knock at the port of the knock before, from another source port and this long after, is a browser's second try (a
 * connection that does not come up is tried again beside the first after 250 ms), not a wrong knock. Milliseconds.
 */
export const SECOND_TRY_MIN_MS = 200
export const SECOND_TRY_MAX_MS = 1_000

/**
 * What a knock does to one attempt. `apart`: it is no part of its sequences. `unmoved`: it is, but is passed over.
 * `follows`: it moves, quietly, behind another attempt at the same sequence. `late`: its time is over. `gone`: the
 * sequences it was for are no more.
 */
type Fate = 'apart' | 'unmoved' | 'moves' | 'follows' | 'broken' | 'late' | 'gone'

/** What a packet is where it is no knock. `code`: a stray in the ports of codes. `none`: it counts for nothing. */
export type Stray = 'none' | 'stray' | 'code'

/** What became of a packet. */
export interface Outcome {
  /** The knock is part of a sequence that was under way. */
  readonly part: boolean
  /** The knock began a sequence. */
  readonly begun: boolean
  /** The knock moved an attempt on. */
  readonly moved: boolean
  /** The knock would have begun a sequence, were the source not ignored. */
  readonly shut: boolean
  /** The knock was the first wrong one of an attempt that waits for a code behind a sequence. */
  readonly behind: boolean
}

/** How the attempts of one source go on with a knock. */
export class Progress {
  readonly #sequences: Sequences
  readonly #sources: Sources
  readonly #attempts: Attempts
  readonly #own: OwnAttempts
  /** Makes room for one attempt more; false: there is none to be made. */
  readonly #room: (slot: number) => boolean
  /** The source's attempts, those furthest along first, what becomes of each, and the beginnings of those that moved on. */
  readonly #mine: number[] = []
  readonly #fates: Fate[] = []
  readonly #moved: Stage[] = []
  /** The ends of the sequences that opened a door. */
  readonly #opened: Stage[] = []
  #shut = false
  #behind = false

  constructor(sequences: Sequences, sources: Sources, attempts: Attempts, room: (slot: number) => boolean) {
    this.#sequences = sequences
    this.#sources = sources
    this.#attempts = attempts
    this.#room = room
    this.#own = new OwnAttempts(sequences, sources, attempts)
  }

  /**
   * Takes a knock of the source in `slot`, and adds what follows to `effects`.
   *
   * @param stray what the packet is to attempts that it is no knock of; `none` without a scan guard
   */
  knock(
    slot: number,
    packet: Packet,
    key: number,
    here: boolean,
    now: number,
    stray: Stray,
    effects: Effect[],
  ): Outcome {
    const begins = this.#sequences.begin(key)
    empty(this.#moved)
    empty(this.#opened)
    this.#shut = false
    this.#behind = false
    const part = this.#judge(slot, packet, key, here, now, stray, effects)
    // The knock that completes a sequence begins nothing else: it may be a rotation of another.
    const begun =
      begins.length > 0 && this.#opened.length === 0 && this.#begin(slot, packet, begins, here, now, effects)
    if (begun) this.#own.limit(slot, key)
    return { part, begun, moved: this.#moved.length > 0, shut: this.#shut, behind: this.#behind }
  }

  /** What the source has under way. */
  get own(): OwnAttempts {
    return this.#own
  }

  /** Ends an attempt because its time is over; nobody waits for one whose sequences are no more. */
  timeOut(slot: number, attempt: number, effects: Effect[]): void {
    const stage = this.#stage(attempt)
    if (!stage.gone && !this.#attempts.quiet(attempt)) {
      const source = this.#sources.address(slot)
      effects.push({ kind: 'timeout', source, doors: stage.doors, stage: stage.depth })
    }
    this.#own.leave(slot, attempt)
  }

  #stage(attempt: number): Stage {
    return this.#sequences.stage(this.#attempts.stage(attempt))
  }

  /** Moves each attempt on, or discards it. False: the knock is part of none of their sequences. */
  #judge(
    slot: number,
    packet: Packet,
    key: number,
    here: boolean,
    now: number,
    stray: Stray,
    effects: Effect[],
  ): boolean {
    const mine = this.#mine
    const fates = this.#fates
    empty(mine)
    empty(fates)
    let part = false
    for (let at = this.#sources.attempt(slot); at !== NONE; at = this.#attempts.sibling(at)) {
      const fate = this.#fate(at, packet, key, here, now)
      let place = mine.length
      while (place > 0 && this.#stage(mine[place - 1]!).depth < this.#stage(at).depth) place--
      insert(mine, place, at)
      insert(fates, place, fate)
      if (fate === 'unmoved' || fate === 'moves' || fate === 'broken') part = true
    }
    if (mine.length > 1 && part) {
      this.#reconcile(key)
      this.#hush()
    }
    for (let index = 0; index < mine.length; index++) {
      const fate = fates[index]!
      const attempt = mine[index]!
      if (fate === 'moves' || fate === 'follows') {
        this.#move(slot, attempt, key, packet, now, fate === 'follows', effects)
      } else if (fate === 'broken') {
        if (!this.#attempts.quiet(attempt)) effects.push(broken(packet, this.#stage(attempt)))
        this.#own.leave(slot, attempt)
      } else if (fate === 'late' || fate === 'gone') {
        this.timeOut(slot, attempt, effects)
      } else if (fate === 'apart' && stray !== 'none') {
        this.#stray(attempt, packet, stray)
      }
    }
    if (this.#opened.length > 0) this.#own.dropOver(slot, this.#opened)
    return part
  }

  #stray(attempt: number, { protocol, port }: Packet, stray: Stray): void {
    const { codes, codesBehind } = this.#stage(attempt)
    // A UDP port is remembered as another one than the TCP port of its number.
    const first = this.#attempts.stray(attempt, protocol === TCP ? port : port ^ 0x8000, stray === 'code' && codes > 0)
    if (first && codesBehind > 0) this.#behind = true
  }

  #fate(attempt: number, packet: Packet, key: number, here: boolean, now: number): Fate {
    const stage = this.#stage(attempt)
    if (stage.gone) return 'gone'
    if (this.#attempts.late(attempt, now)) return 'late'
    const next = stage.next(key)
    // Wrong ports of a code are counted; among very many users' codes nearly every port is somebody's.
    if (next === undefined && !(stage.codes > 0 ? stage.passed(key) : stage.owns(key))) return 'apart'
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
      // One that began amid another is on its own.
      if (this.#attempts.quiet(this.#mine[index]!)) continue
      const stage = this.#stage(this.#mine[index]!)
      const branch = stage.next(key)
      for (let other = 0; other < fates.length; other++) {
        const aheadFate = fates[other]!
        if (aheadFate === 'late' || aheadFate === 'gone' || aheadFate === 'apart') continue
        if (this.#attempts.quiet(this.#mine[other]!)) continue
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

  /** Of attempts at one sequence that all move on, nothing is said but of the one that is furthest along. */
  #hush(): void {
    const fates = this.#fates
    for (let index = 0; index < fates.length; index++) {
      const attempt = this.#mine[index]!
      if (fates[index] !== 'moves' || !this.#attempts.quiet(attempt)) continue
      const stage = this.#stage(attempt)
      for (let other = 0; other < fates.length; other++) {
        if (other === index || (fates[other] !== 'moves' && fates[other] !== 'follows')) continue
        const ahead = this.#stage(this.#mine[other]!)
        if (ahead.root !== stage.root || ahead.depth < stage.depth) continue
        if (this.#attempts.quiet(this.#mine[other]!) && ahead.depth === stage.depth) continue
        fates[index] = 'follows'
        break
      }
    }
  }

  #move(
    slot: number,
    attempt: number,
    key: number,
    packet: Packet,
    now: number,
    quiet: boolean,
    effects: Effect[],
  ): void {
    const from = this.#stage(attempt)
    const stays = from.parts
    const to = from.next(key)
    // An earlier attempt's opening may have used up the sequences this one was for.
    if (to === undefined) return
    const ignored = to.unscannable === 0 && this.#sources.ignored(slot)
    if (ignored || this.#opened.some((end) => to.isMadeOf(end))) {
      this.#own.leave(slot, attempt)
      return
    }
    this.#moved.push(from.root)
    this.#reach(slot, to, packet, now, attempt, quiet, effects)
    if (to.gone || !to.leadsOn) {
      if (!stays || from.gone) this.#own.leave(slot, attempt)
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
    this.#attempts.setQuiet(moved, quiet)
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
    const ignored = this.#sources.ignored(slot)
    // A sequence that opens once leaves the list while the list is walked.
    for (const stage of begins.length > 1 ? [...begins] : begins) {
      if (!counts(stage.terms, packet, here)) continue
      if (ignored && stage.unscannable === 0) {
        this.#shut = true
        continue
      }
      begun = true
      // Where the first knock comes again in a sequence, this may be the first of a sequence all the same.
      const quiet = this.#moved.includes(stage)
      this.#reach(slot, stage, packet, now, NONE, quiet, effects)
      if (stage.gone || !stage.leadsOn || !this.#room(slot)) continue
      const first = this.#sources.attempt(slot)
      const attempt = this.#attempts.begin(stage.id, slot, first, stage.terms.timeoutMs, now)
      this.#attempts.setQuiet(attempt, quiet)
      this.#sources.setAttempt(slot, attempt)
      this.#sequences.enter(stage)
    }
    return begun
  }

  /** Reports a stage, and opens the doors whose sequences end there, unless something else came between the knocks. */
  #reach(
    slot: number,
    stage: Stage,
    packet: Packet,
    now: number,
    attempt: number,
    quiet: boolean,
    effects: Effect[],
  ): void {
    const source = sourceOf(packet)
    const { complete } = stage
    if (!quiet) effects.push({ kind: 'stage', source, doors: stage.doors, stage: stage.depth })
    if (complete.length === 0) return
    const { protocol, port, time } = packet
    // A sequence that opens once leaves the list while the list is walked.
    for (const secret of complete.slice()) {
      if (secret.scannable && this.#sources.ignored(slot)) continue
      const why = attempt === NONE ? undefined : this.#hindrance(slot, secret, attempt, now)
      if (why !== undefined) {
        const strays = this.#attempts.strays(attempt)
        effects.push({ kind: 'withheld', source, door: secret.door, stage: stage.depth, why, strays })
        continue
      }
      // What is left of a knock that opened takes nothing from the next one.
      if (attempt === NONE || !this.#attempts.spent(attempt)) this.#opened.push(stage)
      effects.push({ kind: 'open', source, secret, destination: destinationOf(packet), protocol, port, time })
      if (secret.once) this.#sequences.remove(secret)
    }
  }

  /** Whether too many strays came between the knocks of a sequence, or too many wrong codes before its code. */
  #hindrance(slot: number, { knocks, code }: Secret, attempt: number, now: number): Withheld['why'] | undefined {
    const ms = now - this.#attempts.began(attempt)
    if (this.#attempts.strays(attempt) > allowedStrays(knocks.length, ms)) return 'strays'
    if (code === undefined) return undefined
    const kind = code > 0 ? 'behind' : 'bare'
    const wrong = this.#sources.wrongCodes(slot)
    const strays = this.#attempts.codeStrays(attempt)
    if (strays > CODE_STRAYS_MAX || isUsedUp(wrong, kind)) return 'codes'
    // Whoever came to a right code did not guess what came amid its knocks.
    const before = code > 0 ? Math.min(1, strays) : strays
    this.#sources.setWrongCodes(slot, withoutWrongCodes(wrong, kind, before))
    return undefined
  }
}

function broken(packet: Packet, stage: Stage): Effect {
  const { protocol, port } = packet
  return { kind: 'broken', source: sourceOf(packet), doors: stage.doors, stage: stage.depth, protocol, port }
}
