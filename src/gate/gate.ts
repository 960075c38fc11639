import type { Address } from '../packet/address.ts'
import { ACK, RST, TCP, sourceOf } from '../packet/packet.ts'
import type { Packet } from '../packet/packet.ts'
import { ATTEMPTS_MAX, Attempts } from './attempts.ts'
import { Destinations } from './destinations.ts'
import type { Effect, Passed } from './effect.ts'
import { Progress } from './progress.ts'
import { knockKey } from './secret.ts'
import type { Secret } from './secret.ts'
import { Sequences } from './sequences.ts'
import { NONE, SOURCES_MAX, STRANGERS_MAX, Sources } from './sources.ts'
import { counts } from './terms.ts'

/** Milliseconds without a wrong port after which a source's count of them begins anew. */
export const SCAN_WINDOW_MS = 60_000
/** Attempts that one call of `expire` ends at most, so that a flood's end is no long pause. */
export const EXPIRED_PER_CALL = 1_000
/** Sources out of use that a packet clears away at most. */
const CLEARED_PER_PACKET = 2
/** Milliseconds in the unit of time that the source table keeps. */
const TENTH_MS = 100

const NOTHING: readonly Effect[] = []

/** How strict a gate is, and how large. */
export interface GateSettings {
  /** Distinct wrong ports that make a source a scanner; 0: no scan guard. */
  readonly scanPorts: number
  /** Milliseconds a scanner is ignored for. */
  readonly scanIgnoreMs: number
  /** Two secret random words, 32 bits each. */
  readonly seed: readonly [number, number]
  /** Whether packets that change nothing are effects too. */
  readonly explain?: boolean
  /** This host's own addresses; where absent, every address is. */
  readonly own?: Iterable<Address>
  /** Bounds; the defaults are the ones to run with. */
  readonly sourcesMax?: number
  readonly strangersMax?: number
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
 * one and discards it; a port that is no part of the sequence leaves it as it is, and counts against the source.
 * Whatever a knock did to attempts under way, it may also be a first knock. Sequences that begin alike share one
 * attempt up to the knock where they part.
 */
export class Gate {
  #settings: GateSettings
  readonly #sequences = new Sequences()
  readonly #sources: Sources
  readonly #attempts: Attempts
  readonly #progress: Progress
  #own: Destinations | undefined
  readonly #targets = new Destinations()
  #now = 0
  #epoch = Number.NaN

  constructor(settings: GateSettings) {
    this.#settings = settings
    this.#own = settings.own === undefined ? undefined : new Destinations(settings.own)
    this.#sources = new Sources(settings.seed, {
      sources: settings.sourcesMax ?? SOURCES_MAX,
      strangers: settings.strangersMax ?? STRANGERS_MAX,
    })
    this.#attempts = new Attempts(settings.attemptsMax ?? ATTEMPTS_MAX)
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

  /** Changes how strict the gate is; its bounds and its seed stay. */
  tune(settings: Pick<GateSettings, 'scanPorts' | 'scanIgnoreMs' | 'explain'>): void {
    this.#settings = { ...this.#settings, ...settings }
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
    let slot = this.#sources.find(packet)
    if (slot === NONE) {
      slot = this.#admit(packet, key, here)
      if (slot === NONE) return NOTHING
    } else if (this.#sources.ignored(slot)) {
      const ignoredFor = (this.#tenths() - this.#sources.since(slot)) * TENTH_MS
      if (ignoredFor < this.#settings.scanIgnoreMs) return this.#passed(packet, 'ignored source')
      this.#sources.setIgnored(slot, false, this.#tenths())
    }
    const seen = print(packet)
    if (this.#sources.repeated(slot, seen, packet.link, packet.protocol === TCP)) {
      return this.#passed(packet, 'retransmitted')
    }
    const effects: Effect[] = []
    const { part, begun, crowded } = this.#progress.knock(slot, packet, key, here, this.#now, effects)
    if (part || begun) this.#sources.remember(slot, seen, packet.link)
    if (crowded) return this.#scan(slot, packet, effects)
    if (!part && !begun) return this.#stray(slot, packet, key)
    this.#settle(slot)
    return effects.length === 0 ? this.#passed(packet, 'flags') : effects
  }

  /** Takes in the source of a packet that means anything. {@link NONE}: it does not, or there is no room. */
  #admit(packet: Packet, key: number, here: boolean): number {
    const begins = this.#sequences.begin(key).some((stage) => counts(stage.terms, packet, here))
    if (!begins && !this.#probes(packet, key)) return NONE
    const rank = begins ? 1 : 0
    const inTheWay = this.#sources.inTheWay(rank)
    if (inTheWay === undefined) return NONE
    if (inTheWay !== NONE) this.#forget(inTheWay)
    return this.#sources.add(packet, rank, this.#tenths())
  }

  /** Whether the packet may be part of a scan: it begins something, at a port that begins no sequence. */
  #probes(packet: Packet, key: number): boolean {
    if (this.#settings.scanPorts === 0) return false
    if (packet.protocol === TCP && (packet.flags & (ACK | RST)) !== 0) return false
    return this.#sequences.begin(key).length === 0
  }

  #stray(slot: number, packet: Packet, key: number): readonly Effect[] {
    if (!this.#probes(packet, key)) return this.#passed(packet, 'flags')
    const touched = this.#sources.touch(slot, key, this.#tenths(), SCAN_WINDOW_MS / TENTH_MS)
    if (touched < this.#settings.scanPorts) {
      this.#sources.rerank(slot, this.#sources.rank(slot), this.#tenths())
      return this.#passed(packet, 'no part of a sequence')
    }
    return this.#scan(slot, packet, [])
  }

  #scan(slot: number, packet: Packet, effects: Effect[]): readonly Effect[] {
    const stage = this.#progress.furthest(slot)
    this.#drop(slot)
    this.#settle(slot)
    if (this.#settings.scanPorts === 0) return effects
    this.#sources.setIgnored(slot, true, this.#tenths())
    this.#sources.rerank(slot, 0, this.#tenths())
    effects.push({ kind: 'scan', source: sourceOf(packet), stage, ignoredMs: this.#settings.scanIgnoreMs })
    return effects
  }

  /** Puts the source among those of its rank, and keeps the number of strangers within its bound. */
  #settle(slot: number): void {
    const rank = this.#progress.furthest(slot)
    if (rank === this.#sources.rank(slot)) return
    if (rank === 0 && this.#sources.manyStrangers) this.#forget(this.#sources.oldest(0, 0)!)
    this.#sources.rerank(slot, rank, this.#tenths())
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
      this.#progress.leave(slot, attempt)
    }
  }

  #forget(slot: number): void {
    this.#drop(slot)
    this.#sources.remove(slot)
  }

  /** Forgets strangers that have not been heard of for longer than anything about them matters. */
  #clear(): void {
    const memory = Math.max(SCAN_WINDOW_MS, this.#settings.scanIgnoreMs) / TENTH_MS
    for (let cleared = 0; cleared < CLEARED_PER_PACKET; cleared++) {
      const oldest = this.#sources.oldest(0, 0)
      if (oldest === undefined || this.#tenths() - this.#sources.entered(oldest) <= memory) return
      this.#forget(oldest)
    }
  }

  #advance(now: number): void {
    if (Number.isNaN(this.#epoch)) this.#epoch = now
    if (now > this.#now) this.#now = now
  }

  #tenths(): number {
    return Math.floor((this.#now - this.#epoch) / TENTH_MS)
  }

  #passed(packet: Packet, reason: Passed['reason']): readonly Effect[] {
    if (this.#settings.explain !== true) return NOTHING
    const { protocol, port } = packet
    return [{ kind: 'passed', source: sourceOf(packet), protocol, port, reason }]
  }
}

/**
 * What tells a packet from the next one of the same source. TCP: the same ports and sequence number are the same SYN
 * (RFC 9293, 3.8.1). UDP has no sequence number: identification, length and checksum stand in.
 */
function print(packet: Packet): number {
  const ports = Math.imul((packet.sourcePort << 16) | packet.port, 0x85ebca6b)
  if (packet.protocol === TCP) return ports ^ Math.imul(packet.sequence, 0xc2b2ae35)
  const own = (packet.identification << 16) ^ packet.checksum
  return ports ^ Math.imul(own, 0x27d4eb2f) ^ packet.length
}
