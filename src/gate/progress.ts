import { ICMP, TCP, destinationOf, sourceOf } from '../packet/packet.ts'
import type { Packet } from '../packet/packet.ts'
import { CODE_STRAYS_MAX, allowedStrays } from './allowance.ts'
import type { Attempts } from './attempts.ts'
import { SECOND_TRY_MAX_MS, SECOND_TRY_MIN_MS } from './bounds.ts'
import { empty, insert } from './list.ts'
import { OwnAttempts } from './own-attempts.ts'
import type { Effect, Withheld } from './effect.ts'
import type { GateSequence } from './sequence.ts'
import type { Sequences } from './sequences.ts'
import { NONE } from './sources.ts'
import type { Sources } from './sources.ts'
import type { Stage } from './stage.ts'
import { counts } from './terms.ts'
import { isUsedUp, withoutWrongCodes } from './wrong-codes.ts'

/**
 * The result of a knock for one attempt. `apart`: the knock is not in its sequences. `unmoved`: it is, but is ignored.
 * `follows`: the attempt advances quietly, behind another attempt at the same sequence. `late`: the attempt has timed
 * out. `gone`: its sequences were removed.
 */
type Fate = 'apart' | 'unmoved' | 'moves' | 'follows' | 'broken' | 'late' | 'gone'

/**
 * The kind of a packet that is not a knock. `code`: a stray to a code port. `ping`: it counts in attempts, but is no
 * part of a port scan. `none`: the packet is not counted.
 */
export type Stray = 'none' | 'ping' | 'stray' | 'code'

/** A packet of the source in a slot. */
export interface Arrival {
  readonly slot: number
  readonly packet: Packet
  /** The packet as a knock, by `packetKey`. */
  readonly key: number
  /** The packet as a knock of its size, where it is a second one; otherwise the same as `key`. */
  readonly exact: number
  /** True if the packet was sent to an address of this host. */
  readonly here: boolean
  /** Milliseconds since 1970. */
  readonly now: number
  /** The packet's kind for attempts that it is not a knock of; `none` without a scan guard. */
  readonly stray: Stray
  /** The list that gets the packet's effects. */
  readonly effects: Effect[]
}

/** The result of a packet, which the next one overwrites. */
interface Outcome {
  /** True if the knock is part of a sequence in progress. */
  part: boolean
  /** True if the knock began a sequence. */
  begun: boolean
  /** True if the knock advanced an attempt. */
  moved: boolean
  /** True if the knock would have begun a sequence but the source is ignored. */
  shut: boolean
  /** True if the knock was an attempt's first wrong code, for a code that comes after a sequence. */
  behind: boolean
}

/** The progress of one source's attempts. */
export class Progress {
  readonly #sequences: Sequences
  readonly #sources: Sources
  readonly #attempts: Attempts
  readonly #own: OwnAttempts
  /** Makes room for another attempt. Returns false if there is no room. */
  readonly #room: (slot: number) => boolean
  /** The source's attempts, furthest first, their fates, and the first stages of those that advanced. */
  readonly #mine: number[] = []
  readonly #fates: Fate[] = []
  readonly #moved: Stage[] = []
  /** The last stages of the sequences that opened a door. */
  readonly #opened: Stage[] = []
  readonly #outcome: Outcome = { part: false, begun: false, moved: false, shut: false, behind: false }

  constructor(sequences: Sequences, sources: Sources, attempts: Attempts, room: (slot: number) => boolean) {
    this.#sequences = sequences
    this.#sources = sources
    this.#attempts = attempts
    this.#room = room
    this.#own = new OwnAttempts(sequences, sources, attempts)
  }

  /** Handles a knock. */
  knock(arrival: Arrival): Readonly<Outcome> {
    const outcome = this.#outcome
    empty(this.#moved)
    empty(this.#opened)
    outcome.shut = false
    outcome.behind = false
    outcome.part = this.#judge(arrival)
    // The knock that completes a sequence begins no other, which may be a rotation of the first.
    outcome.begun = this.#opened.length === 0 && this.#begin(arrival)
    outcome.moved = this.#moved.length > 0
    if (outcome.begun) this.#own.limit(arrival.slot, arrival.key, arrival.exact)
    return outcome
  }

  /** The attempts of one source. */
  get own(): OwnAttempts {
    return this.#own
  }

  /** Ends an attempt that has timed out. A timeout of removed sequences is not reported. */
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

  #broken(packet: Packet, { doors, depth }: Stage): Effect {
    return { kind: 'broken', source: sourceOf(packet), doors, stage: depth, knock: this.#sequences.knockOf(packet) }
  }

  /** Advances or discards each attempt. Returns false if the knock is in none of their sequences. */
  #judge(arrival: Arrival): boolean {
    const { slot, packet, stray, effects } = arrival
    const mine = this.#mine
    const fates = this.#fates
    empty(mine)
    empty(fates)
    let part = false
    for (let at = this.#sources.attempt(slot); at !== NONE; at = this.#attempts.sibling(at)) {
      const fate = this.#fate(at, arrival)
      let place = mine.length
      while (place > 0 && this.#stage(mine[place - 1]!).depth < this.#stage(at).depth) place--
      insert(mine, place, at)
      insert(fates, place, fate)
      if (fate === 'unmoved' || fate === 'moves' || fate === 'broken') part = true
    }
    if (mine.length > 1 && part) {
      this.#reconcile(arrival)
      this.#hush()
    }
    for (let index = 0; index < mine.length; index++) {
      const fate = fates[index]!
      const attempt = mine[index]!
      if (fate === 'moves' || fate === 'follows') {
        this.#move(attempt, fate === 'follows', arrival)
      } else if (fate === 'broken') {
        if (!this.#attempts.quiet(attempt)) effects.push(this.#broken(packet, this.#stage(attempt)))
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

  #stray(attempt: number, { protocol, port, size }: Packet, stray: Stray): void {
    const { codes, codesBehind } = this.#stage(attempt)
    // A UDP port must differ from the TCP port of the same number, and the size of a ping from both.
    const number = protocol === TCP ? port : protocol === ICMP ? size ^ 0xc000 : port ^ 0x8000
    const first = this.#attempts.stray(attempt, number, stray === 'code' && codes > 0)
    if (first && codesBehind > 0) this.#outcome.behind = true
  }

  #fate(attempt: number, { packet, key, exact, here, now }: Arrival): Fate {
    const stage = this.#stage(attempt)
    if (stage.gone) return 'gone'
    if (this.#attempts.late(attempt, now)) return 'late'
    const leads = stage.next(key) !== undefined || (exact !== key && stage.next(exact) !== undefined)
    if (!leads && !isPart(stage, key) && (exact === key || !isPart(stage, exact))) return 'apart'
    if (!counts(stage.terms, packet, here)) return 'unmoved'
    if (leads) return 'moves'
    if ((stage.key !== key && stage.key !== exact) || stage.depth === 1) return 'broken'
    const since = this.#attempts.sinceKnock(attempt, now)
    return since >= SECOND_TRY_MIN_MS && since <= SECOND_TRY_MAX_MS ? 'unmoved' : 'broken'
  }

  /**
   * Settles attempts whose sequences part. Where sequences part, one attempt stays behind for the branches not taken.
   * It is discarded together with an attempt ahead of it. While the attempt ahead advances, the knock neither discards
   * the one behind nor moves it into the same branch.
   */
  #reconcile({ key, exact }: Arrival): void {
    const fates = this.#fates
    for (let index = 0; index < fates.length; index++) {
      const fate = fates[index]!
      if (fate !== 'moves' && fate !== 'broken' && fate !== 'unmoved') continue
      // An attempt that began during another one is independent.
      if (this.#attempts.quiet(this.#mine[index]!)) continue
      const stage = this.#stage(this.#mine[index]!)
      const branch = stage.next(key)
      const sized = exact === key ? undefined : stage.next(exact)
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
        const isOver = (to: Stage | undefined): boolean => to === undefined || ahead.under(to)
        if (isOver(branch) && isOver(sized)) fates[index] = 'unmoved'
      }
    }
  }

  /** Silences attempts at the same sequence that all advance, except the furthest one. */
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

  #move(attempt: number, quiet: boolean, arrival: Arrival): void {
    const { key, exact } = arrival
    const from = this.#stage(attempt)
    // A datagram may be the next knock of two sequences that part here. The attempt then stays, and forks for each.
    if (exact !== key && !this.#advance(attempt, from, from.next(exact), quiet, arrival)) return
    this.#advance(attempt, from, from.next(key), quiet, arrival)
  }

  /** Advances an attempt to a stage. Returns false if the attempt is no longer at `from`. */
  #advance(attempt: number, from: Stage, to: Stage | undefined, quiet: boolean, arrival: Arrival): boolean {
    const { slot, now } = arrival
    const stays = from.parts
    // The opening of an earlier attempt may have used up this attempt's sequences.
    if (to === undefined) return true
    const ignored = to.unscannable === 0 && this.#sources.ignored(slot)
    if (ignored || this.#opened.some((end) => to.isMadeOf(end))) {
      this.#own.leave(slot, attempt)
      return false
    }
    this.#moved.push(from.root)
    this.#reach(to, attempt, quiet, arrival)
    if (to.gone || !to.leadsOn) {
      const remains = stays && !from.gone
      if (!remains) this.#own.leave(slot, attempt)
      return remains
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
    return moved !== attempt
  }

  /** Takes the knock as a first knock. Returns false if no sequence begins with it under terms that it meets. */
  #begin(arrival: Arrival): boolean {
    const { slot, packet, key, exact, here, now } = arrival
    const begins = this.#sequences.beginAny(key, exact)
    let begun = false
    const ignored = this.#sources.ignored(slot)
    // A sequence that can be used once is removed from the list during the loop.
    for (const stage of begins.length > 1 ? [...begins] : begins) {
      if (!counts(stage.terms, packet, here)) continue
      if (ignored && stage.unscannable === 0) {
        this.#outcome.shut = true
        continue
      }
      begun = true
      // If a sequence repeats its first knock, this knock may still be the first of another attempt.
      const quiet = this.#moved.includes(stage)
      this.#reach(stage, NONE, quiet, arrival)
      if (stage.gone || !stage.leadsOn || !this.#room(slot)) continue
      const first = this.#sources.attempt(slot)
      const attempt = this.#attempts.begin(stage.id, slot, first, stage.terms.timeoutMs, now)
      this.#attempts.setQuiet(attempt, quiet)
      this.#sources.setAttempt(slot, attempt)
      this.#sequences.enter(stage)
    }
    return begun
  }

  /** Reports a stage, and opens the doors whose sequences end there unless strays or wrong codes prevent it. */
  #reach(stage: Stage, attempt: number, quiet: boolean, { slot, packet, now, effects }: Arrival): void {
    const source = sourceOf(packet)
    const { complete } = stage
    if (!quiet) effects.push({ kind: 'stage', source, doors: stage.doors, stage: stage.depth })
    if (complete.length === 0) return
    const { protocol, port, time } = packet
    // A sequence that can be used once is removed from the list during the loop.
    for (const sequence of complete.slice()) {
      if (sequence.scannable && this.#sources.ignored(slot)) continue
      const why = attempt === NONE ? undefined : this.#hindrance(slot, sequence, attempt, now)
      if (why !== undefined) {
        const strays = this.#attempts.strays(attempt)
        effects.push({ kind: 'withheld', source, door: sequence.door, stage: stage.depth, why, strays })
        continue
      }
      // What is left of a knock that opened takes nothing from the next one.
      if (attempt === NONE || !this.#attempts.spent(attempt)) this.#opened.push(stage)
      effects.push({ kind: 'open', source, secret: sequence, destination: destinationOf(packet), protocol, port, time })
      if (sequence.once) this.#sequences.remove(sequence)
    }
  }

  /**
   * Returns the reason to keep the door closed: too many strays, or too many wrong codes. `undefined` opens the door.
   */
  #hindrance(slot: number, { knocks, code }: GateSequence, attempt: number, now: number): Withheld['why'] | undefined {
    const ms = now - this.#attempts.began(attempt)
    if (this.#attempts.strays(attempt) > allowedStrays(knocks.length, ms)) return 'strays'
    if (code === undefined) return undefined
    const kind = code > 0 ? 'behind' : 'bare'
    const wrong = this.#sources.wrongCodes(slot)
    const strays = this.#attempts.codeStrays(attempt)
    if (strays > CODE_STRAYS_MAX || isUsedUp(wrong, kind)) return 'codes'
    // A source with the right code did not guess, so its strays to code ports do not count as wrong codes.
    const before = code > 0 ? Math.min(1, strays) : strays
    this.#sources.setWrongCodes(slot, withoutWrongCodes(wrong, kind, before))
    return undefined
  }
}

/**
 * Returns true if the knock is in a sequence through the stage. Wrong codes are counted as strays: with very many users,
 * nearly every port is in somebody's code.
 */
function isPart(stage: Stage, key: number): boolean {
  return stage.codes > 0 ? stage.passed(key) : stage.owns(key)
}
