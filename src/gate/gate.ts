import type { Address } from '../packet/address.ts'
import { sourceOf } from '../packet/packet.ts'
import type { Packet } from '../packet/packet.ts'
import { ATTEMPTS_MAX, Attempts } from './attempts.ts'
import { Destinations } from './destinations.ts'
import type { Effect, Passed } from './effect.ts'
import { isRepeated, print } from './print.ts'
import { Progress } from './progress.ts'
import type { Stray } from './progress.ts'
import { SCAN_WINDOW_MS, ScanGuard, TENTH_MS, mayBegin } from './scan-guard.ts'
import type { GuardSettings, Ignored } from './scan-guard.ts'
import { knockKey } from './secret.ts'
import type { Secret } from './secret.ts'
import { Sequences } from './sequences.ts'
import { KEPT_MAX, SOURCES_MAX, STRANGERS_MAX } from './bounds.ts'
import { KEPT, NONE, Sources } from './sources.ts'
import { counts } from './terms.ts'

/** Attempts that one call of `expire` ends at most, so that a flood's end is no long pause. */
export const EXPIRED_PER_CALL = 1_000
/** Sources out of use that a packet clears away at most, of each kind. */
const CLEARED_PER_PACKET = 2
/** Sources that are looked at, at most, to list those that are ignored. */
export const IGNORED_LOOKED_AT_MAX = 100_000

const NOTHING: readonly Effect[] = []

/** How strict a gate is, and how large. */
export interface GateSettings extends GuardSettings {
  /** Two secret random words, 32 bits each. */
  readonly seed: readonly [number, number]
  /** Whether packets that change nothing are effects too. */
  readonly explain?: boolean
  /** This host's own addresses; where absent, every address is. */
  readonly own?: Iterable<Address>
  /** Bounds; the defaults are the ones to run with. */
  readonly sourcesMax?: number
  readonly strangersMax?: number
  readonly keptMax?: number
  readonly attemptsMax?: number
}

/** An attempt, as it stands. */
export interface UnderWay {
  readonly source: Address
  /** The doors whose sequences begin like this. */
  readonly doors: readonly string[]
  /** Knocks made so far. */
  readonly stage: number
  /** When its time is over, milliseconds since 1970. */
  readonly until: number
}

/**
 * The decision core. It takes packets in the order of their capture and tells what follows from each; it knows no
 * clock but the packets', and its only randomness is the seed.
 *
 * An attempt is one place in a door's sequence. The next knock moves it on; another knock of the sequence is a wrong
 * one and discards it; a port that is no part of the sequence, a stray, leaves it as it is and is counted. A door opens
 * if few enough strays came between the first and the last knock; those before do not matter, unless a port scan could
 * make the sequence in passing. Whatever a knock did to attempts under way, it may also be a first knock. Sequences that
 * begin alike share one attempt up to the knock where they part.
 */
export class Gate {
  #settings: GateSettings
  readonly #sequences = new Sequences()
  readonly #sources: Sources
  readonly #attempts: Attempts
  readonly #progress: Progress
  readonly #guard: ScanGuard
  #own: Destinations | undefined
  readonly #targets = new Destinations()
  #now = 0
  #epoch = Number.NaN
  /** Tenths of a second since the first packet: the time that sources keep. */
  #tenths = 0

  constructor(settings: GateSettings) {
    this.#settings = settings
    this.#own = settings.own === undefined ? undefined : new Destinations(settings.own)
    this.#sources = new Sources(settings.seed, {
      sources: settings.sourcesMax ?? SOURCES_MAX,
      strangers: settings.strangersMax ?? STRANGERS_MAX,
      kept: settings.keptMax ?? KEPT_MAX,
    })
    this.#attempts = new Attempts(settings.attemptsMax ?? ATTEMPTS_MAX)
    this.#guard = new ScanGuard(this.#sequences, this.#sources, settings)
    this.#progress = new Progress(this.#sequences, this.#sources, this.#attempts, (slot) => this.#makeRoom(slot))
  }

  /** Attempts under way. */
  get attempts(): number {
    return this.#attempts.count
  }

  /** Sources remembered. */
  get sources(): number {
    return this.#sources.count
  }

  /**
   * When `expire` has something to do at the earliest, milliseconds since 1970; `Infinity`: nothing is under way. It may
   * be early, never late.
   */
  get due(): number {
    return this.#attempts.due
  }

  /** Attempts under way, at most so many. */
  *underWay(max: number): Generator<UnderWay, void> {
    let count = 0
    for (const attempt of this.#attempts.all()) {
      if (count++ >= max) return
      const stage = this.#sequences.stage(this.#attempts.stage(attempt))
      yield {
        source: this.#sources.address(this.#attempts.source(attempt)),
        doors: stage.doors,
        stage: stage.depth,
        until: this.#attempts.deadline(attempt),
      }
    }
  }

  /** Sources that are ignored at `now`, milliseconds since 1970, those that were noticed last first; at most so many. */
  *ignored(now: number, max: number): Generator<Ignored, void> {
    let count = 0
    let looked = 0
    for (let rank = KEPT; rank > 0; rank--) {
      for (const slot of this.#sources.ofRank(rank)) {
        if (count >= max || looked++ >= IGNORED_LOOKED_AT_MAX) return
        for (const { why, left } of this.#guard.ignored(slot, this.#tenthsAt(now))) {
          count++
          yield { source: this.#sources.address(slot), why, until: now + left * TENTH_MS }
        }
      }
    }
  }

  /** Forgets what made a source ignored. False: it was not. */
  forgive(source: Address, now: number): boolean {
    const slot = this.#sources.findAddress(source)
    if (slot === NONE) return false
    const ignored = this.#guard.ignored(slot, this.#tenthsAt(now)).length > 0
    this.#guard.forgive(slot, this.#tenths)
    this.#settle(slot)
    return ignored
  }

  /** Names of the doors that ignore scanners: those with a sequence that a port scan could make in passing. */
  get scannableDoors(): readonly string[] {
    return this.#sequences.scannableDoors
  }

  /** Changes how strict the gate is; its bounds and its seed stay. */
  tune(settings: Pick<GateSettings, 'scanPorts' | 'scanIgnoreMs' | 'allowed' | 'explain'>): void {
    this.#settings = { ...this.#settings, ...settings }
    this.#guard.tune(this.#settings)
  }

  /** Says which addresses are this host's own from now on. */
  setOwn(addresses: Iterable<Address>): void {
    this.#own = new Destinations(addresses)
  }

  /** Lets a sequence open its door from now on. */
  add(secret: Secret): void {
    this.#sequences.add(secret)
    if (secret.terms.target !== undefined) this.#targets.add(secret.terms.target)
  }

  /** Lets a sequence open nothing any more; attempts that were for it alone come to nothing. */
  remove(secret: Secret): void {
    this.#sequences.remove(secret)
    if (secret.terms.target !== undefined) this.#targets.remove(secret.terms.target)
  }

  /**
   * Ends attempts whose time is over at `now`, milliseconds since 1970, at most {@link EXPIRED_PER_CALL}: while `due` is
   * not later than `now` there are more.
   */
  expire(now: number): readonly Effect[] {
    this.#advance(now)
    if (this.#now < this.#attempts.due) return NOTHING
    const effects: Effect[] = []
    for (let ended = 0; ended < EXPIRED_PER_CALL; ended++) {
      const attempt = this.#attempts.overdue(this.#now)
      if (attempt === NONE) break
      const slot = this.#attempts.source(attempt)
      this.#progress.timeOut(slot, attempt, effects)
      this.#settle(slot)
    }
    return effects
  }

  /** Takes a packet, and tells what follows. One that is older than the one before is taken as of that one's time. */
  knock(packet: Packet): readonly Effect[] {
    const expired = this.expire(packet.time)
    const here = this.#own === undefined || this.#own.has(packet)
    if (!here && !this.#targets.has(packet)) return expired
    const effects = this.#take(packet, here)
    if (expired.length === 0) return effects
    return effects.length === 0 ? expired : [...expired, ...effects]
  }

  #take(packet: Packet, here: boolean): readonly Effect[] {
    this.#clear()
    const key = knockKey(packet.protocol, packet.port)
    const stray = this.#guard.strayOf(packet)
    let slot = this.#sources.find(packet)
    if (slot === NONE) {
      slot = this.#admit(packet, key, here, stray)
      if (slot === NONE) return NOTHING
    } else if (this.#guard.keeps(slot)) this.#guard.lift(slot, packet, this.#tenths)
    if (isRepeated(packet, this.#sources, slot)) return this.#passed(packet, 'retransmitted')
    // Most of a flood is no part of anything.
    if (this.#sources.attempt(slot) === NONE && this.#sequences.begin(key).length === 0) {
      return this.#stray(slot, packet, key, stray, false, NOTHING)
    }
    const effects: Effect[] = []
    const { part, begun, moved, shut, behind } = this.#progress.knock(
      slot,
      packet,
      key,
      here,
      this.#now,
      stray,
      effects,
    )
    if (!part && !begun && !shut) return this.#stray(slot, packet, key, stray, behind, effects)
    if (part || begun) this.#sources.remember(slot, print(packet), packet.link)
    if (stray === 'code' && !begun && !moved) this.#guard.guess(slot, packet, behind, this.#tenths, effects)
    this.#settle(slot)
    if (effects.length > 0) return effects
    return this.#passed(packet, part || begun ? 'flags' : 'ignored source')
  }

  /** Takes in the source of a packet that means anything. {@link NONE}: it does not, or there is no room. */
  #admit(packet: Packet, key: number, here: boolean, stray: Stray): number {
    const begins = this.#sequences.begin(key)
    const knocks = begins.some((stage) => counts(stage.terms, packet, here))
    if (!knocks && (stray === 'none' || (stray === 'stray' && this.#sequences.has(key)))) return NONE
    const rank = knocks ? 1 : 0
    const inTheWay = this.#sources.inTheWay(rank)
    if (inTheWay === undefined) return NONE
    if (inTheWay !== NONE) this.#forget(inTheWay)
    return this.#sources.add(packet, rank, this.#tenths)
  }

  /** Counts a packet that is no knock. `before`: what came of attempts whose time was over. */
  #stray(
    slot: number,
    packet: Packet,
    key: number,
    stray: Stray,
    behind: boolean,
    before: readonly Effect[],
  ): readonly Effect[] {
    const effects: Effect[] = []
    // A knock that was lost leaves the others without an attempt: they are no scan.
    const counted = stray !== 'none' && !this.#sequences.has(key)
    if (stray === 'code') this.#guard.guess(slot, packet, behind, this.#tenths, effects)
    if (counted && this.#guard.touch(slot, packet, key, this.#tenths)) this.#scan(slot, packet, effects)
    if (!this.#settle(slot) && counted) this.#sources.rerank(slot, this.#sources.rank(slot), this.#tenths)
    if (effects.length > 0) return before.length > 0 ? [...before, ...effects] : effects
    if (before.length > 0) return before
    return this.#passed(packet, mayBegin(packet) ? 'no part of a sequence' : 'flags')
  }

  #scan(slot: number, packet: Packet, effects: Effect[]): void {
    const again = this.#sources.ignored(slot)
    this.#sources.setIgnored(slot, true, this.#tenths)
    if (again) return
    const before = this.#progress.own.furthest(slot)
    this.#progress.own.dropScannable(slot)
    const stage = this.#progress.own.furthest(slot) < before ? before : 0
    const { ignoredMs } = this.#guard
    effects.push({ kind: 'scan', source: sourceOf(packet), stage, ignoredMs })
  }

  /**
   * Puts the source among those of its rank, and keeps the number of those without an attempt within their bounds. False:
   * its rank is what it was.
   */
  #settle(slot: number): boolean {
    const rank = this.#progress.own.furthest(slot) || (this.#guard.keeps(slot) ? KEPT : 0)
    if (rank === this.#sources.rank(slot)) return false
    if (rank === 0 && this.#sources.manyStrangers) this.#forget(this.#sources.oldest(0, 0)!)
    if (rank === KEPT && this.#sources.manyKept) this.#forget(this.#sources.oldest(KEPT, KEPT)!)
    this.#sources.rerank(slot, rank, this.#tenths)
    return true
  }

  /** Makes room for one attempt more of the source, by forgetting another source that is no further than a first knock. */
  #makeRoom(slot: number): boolean {
    if (!this.#attempts.full) return true
    const oldest = this.#sources.oldest(1, 1)
    if (oldest === undefined || oldest === slot) return false
    this.#forget(oldest)
    return true
  }

  #drop(slot: number): void {
    for (;;) {
      const attempt = this.#sources.attempt(slot)
      if (attempt === NONE) return
      this.#progress.own.leave(slot, attempt)
    }
  }

  #forget(slot: number): void {
    this.#drop(slot)
    this.#sources.remove(slot)
  }

  /** Forgets sources without an attempt that have not been heard of for longer than anything about them matters. */
  #clear(): void {
    this.#clearOf(0, SCAN_WINDOW_MS / TENTH_MS)
    this.#clearOf(KEPT, this.#guard.memory)
  }

  #clearOf(rank: number, memory: number): void {
    for (let cleared = 0; cleared < CLEARED_PER_PACKET; cleared++) {
      const oldest = this.#sources.oldest(rank, rank)
      if (oldest === undefined || this.#sources.sinceEntered(oldest, this.#tenths) <= memory) return
      this.#forget(oldest)
    }
  }

  #advance(now: number): void {
    if (Number.isNaN(this.#epoch)) this.#epoch = now
    if (now <= this.#now) return
    this.#now = now
    this.#tenths = this.#tenthsAt(now)
  }

  #tenthsAt(now: number): number {
    return Math.floor((now - this.#epoch) / TENTH_MS)
  }

  #passed(packet: Packet, reason: Passed['reason']): readonly Effect[] {
    if (this.#settings.explain !== true) return NOTHING
    const { protocol, port } = packet
    return [{ kind: 'passed', source: sourceOf(packet), protocol, port, reason }]
  }
}
