import type { Address } from '../packet/address.ts'
import { sourceOf } from '../packet/packet.ts'
import type { Packet } from '../packet/packet.ts'
import { ATTEMPTS_MAX, Attempts } from './attempts.ts'
import { Destinations } from './destinations.ts'
import type { Effect, IgnoredPacket } from './effect.ts'
import { isRepeated, print } from './print.ts'
import { Progress } from './progress.ts'
import type { Stray } from './progress.ts'
import { SCAN_WINDOW_MS, ScanGuard, TENTH_MS, mayBegin } from './scan-guard.ts'
import type { GuardSettings, Ignored } from './scan-guard.ts'
import { packetKey } from './knock-key.ts'
import type { GateSequence } from './sequence.ts'
import { Sequences } from './sequences.ts'
import { KEPT_MAX, SOURCES_MAX, STRANGERS_MAX } from './bounds.ts'
import { KEPT, NONE, Sources } from './sources.ts'
import { counts } from './terms.ts'

/** The maximum number of attempts that one call of `expire` ends, which avoids a long pause after a flood. */
export const EXPIRED_PER_CALL = 1_000
/** The maximum number of outdated sources of each kind that one packet removes. */
const CLEARED_PER_PACKET = 2
/** The maximum number of sources to look at when listing the ignored ones. */
export const IGNORED_LOOKED_AT_MAX = 100_000

const NOTHING: readonly Effect[] = []

/** The bounds of a gate's tables. Production uses the defaults, which take memory for a million sources. */
export interface GateBounds {
  readonly sourcesMax?: number
  readonly strangersMax?: number
  readonly keptMax?: number
  readonly attemptsMax?: number
}

/** The strictness and the size of a gate. */
export interface GateSettings extends GuardSettings, GateBounds {
  /** Two secret random words, 32 bits each. */
  readonly seed: readonly [number, number]
  /** True if packets that change nothing are reported as effects, too. */
  readonly explain?: boolean
  /** The addresses of this host. By default every address counts as one. */
  readonly own?: Iterable<Address>
}

/** An attempt in progress. */
export interface UnderWay {
  readonly source: Address
  /** The doors whose sequences begin with these knocks. */
  readonly doors: readonly string[]
  /** The number of knocks so far. */
  readonly stage: number
  /** The time at which the attempt times out, in milliseconds since 1970. */
  readonly until: number
}

/**
 * The decision core. It takes packets in the order of their capture and returns the effects of each. Its only clock is
 * the packets' time, and its only randomness is the seed.
 *
 * An attempt is a position in a door's sequence. The next knock of the sequence advances the attempt, and any other
 * knock of the sequence discards it. A packet to a port outside the sequence is a stray: it is counted and changes
 * nothing else. A door opens if few enough strays came between the first and the last knock. Earlier strays matter only
 * to sequences that a port scan could complete. Any knock may also be a first knock, whatever it did to other attempts.
 * Sequences with the same beginning share one attempt up to the knock where they part.
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
  /** Tenths of a second since the first packet, the time unit of the source table. */
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

  /** The number of attempts in progress. */
  get attempts(): number {
    return this.#attempts.count
  }

  /** The number of sources in the table. */
  get sources(): number {
    return this.#sources.count
  }

  /**
   * The earliest time at which `expire` has work, in milliseconds since 1970. `Infinity` means that there are no
   * attempts. The value may be too early, but never too late.
   */
  get due(): number {
    return this.#attempts.due
  }

  /** Yields at most `max` attempts in progress. */
  *underWay(max: number): Generator<UnderWay, void> {
    let count = 0
    for (const attempt of this.#attempts.all()) {
      if (count++ >= max) return
      const stage = this.#sequences.stage(this.#attempts.stage(attempt))
      const source = this.#sources.address(this.#attempts.source(attempt))
      yield { source, doors: stage.doors, stage: stage.depth, until: this.#attempts.deadline(attempt) }
    }
  }

  /** Yields at most `max` sources that are ignored at `now`, in milliseconds since 1970, newest first. */
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

  /** Stops ignoring a source. Returns false if the source was not ignored. */
  forgive(source: Address, now: number): boolean {
    const slot = this.#sources.findAddress(source)
    if (slot === NONE) return false
    const ignored = this.#guard.ignored(slot, this.#tenthsAt(now)).length > 0
    this.#guard.forgive(slot, this.#tenths)
    this.#settle(slot)
    return ignored
  }

  /** The names of the doors with a sequence that a port scan could complete. These doors ignore scanners. */
  get scannableDoors(): readonly string[] {
    return this.#sequences.scannableDoors
  }

  /** Changes the strictness of the gate. Its bounds and its seed stay. */
  tune(settings: Pick<GateSettings, 'scanPorts' | 'scanIgnoreMs' | 'allowed' | 'explain'>): void {
    this.#settings = { ...this.#settings, ...settings }
    this.#guard.tune(this.#settings)
  }

  /** Replaces the addresses of this host. */
  setOwn(addresses: Iterable<Address>): void {
    this.#own = new Destinations(addresses)
  }

  /** Adds a sequence. */
  add(sequence: GateSequence): void {
    this.#sequences.add(sequence)
    if (sequence.terms.target !== undefined) this.#targets.add(sequence.terms.target)
  }

  /** Removes a sequence. Attempts at this sequence alone lead nowhere. */
  remove(sequence: GateSequence): void {
    this.#sequences.remove(sequence)
    if (sequence.terms.target !== undefined) this.#targets.remove(sequence.terms.target)
  }

  /**
   * Ends the attempts that have timed out at `now`, in milliseconds since 1970. It ends at most
   * {@link EXPIRED_PER_CALL}; while `due` is not later than `now`, there are more.
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

  /** Takes a packet and returns its effects. A packet older than the previous one gets the previous one's time. */
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
    const key = packetKey(packet)
    const exact = this.#sequences.exact(packet, key)
    const stray = this.#guard.strayOf(packet)
    let slot = this.#sources.find(packet)
    if (slot === NONE) {
      slot = this.#admit(packet, key, exact, here, stray)
      if (slot === NONE) return NOTHING
    } else if (this.#guard.keeps(slot)) this.#guard.lift(slot, packet, this.#tenths)
    if (isRepeated(packet, this.#sources, slot)) return this.#ignore(packet, 'retransmitted')
    // In a flood, most packets belong to no sequence.
    if (this.#sources.attempt(slot) === NONE && this.#sequences.beginAny(key, exact).length === 0) {
      return this.#stray(slot, packet, exact, stray, false, NOTHING)
    }
    const effects: Effect[] = []
    const arrival = { slot, packet, key, exact, here, now: this.#now, stray, effects }
    const { part, begun, moved, shut, behind } = this.#progress.knock(arrival)
    if (!part && !begun && !shut) return this.#stray(slot, packet, exact, stray, behind, effects)
    if (part || begun) this.#sources.remember(slot, print(packet), packet.link)
    if (stray === 'code' && !begun && !moved) this.#guard.guess(slot, packet, behind, this.#tenths, effects)
    this.#settle(slot)
    if (effects.length > 0) return effects
    return this.#ignore(packet, part || begun ? 'flags' : 'ignored source')
  }

  /** Adds the packet's source to the table. Returns {@link NONE} if the packet does not matter or the table is full. */
  #admit(packet: Packet, key: number, exact: number, here: boolean, stray: Stray): number {
    const begins = this.#sequences.beginAny(key, exact)
    const knocks = begins.some((stage) => counts(stage.terms, packet, here))
    if (!knocks && stray !== 'code' && (stray !== 'stray' || this.#isPart(key, exact))) return NONE
    const rank = knocks ? 1 : 0
    const inTheWay = this.#sources.inTheWay(rank)
    if (inTheWay === undefined) return NONE
    if (inTheWay !== NONE) this.#forget(inTheWay)
    return this.#sources.add(packet, rank, this.#tenths)
  }

  /** Returns true if the packet is part of any sequence. */
  #isPart(key: number, exact: number): boolean {
    return exact !== key || this.#sequences.has(key)
  }

  /**
   * Counts a packet that is not a knock.
   *
   * @param before the effects of attempts that timed out
   */
  #stray(
    slot: number,
    packet: Packet,
    exact: number,
    stray: Stray,
    behind: boolean,
    before: readonly Effect[],
  ): readonly Effect[] {
    const effects: Effect[] = []
    // After a lost knock, the other knocks belong to no attempt. They are not a scan.
    const key = packetKey(packet)
    const counted = (stray === 'stray' || stray === 'code') && !this.#isPart(key, exact)
    if (stray === 'code') this.#guard.guess(slot, packet, behind, this.#tenths, effects)
    if (counted && this.#guard.touch(slot, packet, key, this.#tenths)) this.#scan(slot, packet, effects)
    if (!this.#settle(slot) && counted) this.#sources.rerank(slot, this.#sources.rank(slot), this.#tenths)
    if (effects.length > 0) return before.length > 0 ? [...before, ...effects] : effects
    if (before.length > 0) return before
    return this.#ignore(packet, mayBegin(packet) ? 'no part of a sequence' : 'flags')
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
   * Updates the rank of the source, and keeps the number of sources without an attempt within bounds. Returns false if
   * the rank has not changed.
   */
  #settle(slot: number): boolean {
    const rank = this.#progress.own.furthest(slot) || (this.#guard.keeps(slot) ? KEPT : 0)
    if (rank === this.#sources.rank(slot)) return false
    if (rank === 0 && this.#sources.manyStrangers) this.#forget(this.#sources.oldest(0, 0)!)
    if (rank === KEPT && this.#sources.manyKept) this.#forget(this.#sources.oldest(KEPT, KEPT)!)
    this.#sources.rerank(slot, rank, this.#tenths)
    return true
  }

  /** Makes room for another attempt of the source. It forgets another source that has made a first knock at most. */
  #makeRoom(slot: number): boolean {
    if (!this.#attempts.full) return true
    const oldest = this.#sources.oldest(1, 1)
    if (oldest === undefined || oldest === slot) return false
    this.#forget(oldest)
    return true
  }

  #forget(slot: number): void {
    for (let first = this.#sources.attempt(slot); first !== NONE; first = this.#sources.attempt(slot)) {
      this.#progress.own.leave(slot, first)
    }
    this.#sources.remove(slot)
  }

  /** Forgets sources without an attempt once nothing about them matters. */
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

  #ignore(packet: Packet, reason: IgnoredPacket['reason']): readonly Effect[] {
    if (this.#settings.explain !== true) return NOTHING
    return [{ kind: 'ignored', source: sourceOf(packet), knock: this.#sequences.knockOf(packet), reason }]
  }
}
