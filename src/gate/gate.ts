import type { Address } from '../packet/address.ts'
import { contains } from '../packet/network.ts'
import type { Network } from '../packet/network.ts'
import { ACK, RST, TCP, sourceOf } from '../packet/packet.ts'
import type { Packet } from '../packet/packet.ts'
import { ATTEMPTS_MAX, Attempts } from './attempts.ts'
import { Destinations } from './destinations.ts'
import type { Effect, Passed } from './effect.ts'
import { Progress } from './progress.ts'
import type { Stray } from './progress.ts'
import { knockKey } from './secret.ts'
import type { Secret } from './secret.ts'
import { Sequences } from './sequences.ts'
import { KEPT, KEPT_MAX, NONE, SOURCES_MAX, STRANGERS_MAX, Sources } from './sources.ts'
import { counts } from './terms.ts'
import { FORGOTTEN_AFTER, isCodePort, isUsedUp, regained, regainedIn, withWrongCode } from './wrong-codes.ts'
import type { CodeKind } from './wrong-codes.ts'

/** Milliseconds from a source's first wrong port after which its count of them begins anew. */
export const SCAN_WINDOW_MS = 60_000
/** Attempts that one call of `expire` ends at most, so that a flood's end is no long pause. */
export const EXPIRED_PER_CALL = 1_000
/** Sources out of use that a packet clears away at most, of each kind. */
const CLEARED_PER_PACKET = 2
/** Sources that are looked at, at most, to list those that are ignored. */
export const IGNORED_LOOKED_AT_MAX = 100_000
/** Milliseconds in the unit of time that the source table keeps. */
const TENTH_MS = 100

const NOTHING: readonly Effect[] = []

/** How strict a gate is, and how large. */
export interface GateSettings {
  /** Distinct wrong ports that make a source a scanner; 0: no scan guard. */
  readonly scanPorts: number
  /** Milliseconds a scanner is ignored for, and after which a wrong code is forgotten. */
  readonly scanIgnoreMs: number
  /** Whose packets never make them ignored. */
  readonly allowed?: readonly Network[]
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

/** A source that is ignored. */
export interface Ignored {
  readonly source: Address
  /** `scan`: by sequences that a port scan makes in passing. `codes`, `codes behind`: by doors with codes. */
  readonly why: 'scan' | 'codes' | 'codes behind'
  /** Milliseconds since 1970. */
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
      kept: settings.keptMax ?? KEPT_MAX,
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

  /** Sources that are ignored at `now`, milliseconds since 1970, those that were noticed last first; at most so many. */
  *ignored(now: number, max: number): Generator<Ignored, void> {
    let count = 0
    let looked = 0
    for (let rank = KEPT; rank > 0; rank--) {
      for (const slot of this.#sources.ofRank(rank)) {
        if (count >= max || looked++ >= IGNORED_LOOKED_AT_MAX) return
        const ignored = this.#ignoredAt(slot, now)
        if (ignored === undefined) continue
        count++
        yield ignored
      }
    }
  }

  /** Forgets what made a source ignored. False: it was not. */
  forgive(source: Address, now: number): boolean {
    const slot = this.#sources.findAddress(source)
    if (slot === NONE) return false
    const ignored = this.#ignoredAt(slot, now) !== undefined
    this.#sources.setIgnored(slot, false, this.#tenths())
    this.#sources.setWrongCodes(slot, 0)
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
    } else if (this.#sources.ignored(slot) || this.#sources.wrongCodes(slot) !== 0) this.#lift(slot, packet)
    const seen = print(packet)
    if (this.#sources.repeated(slot, seen, packet.link, packet.protocol === TCP)) {
      return this.#passed(packet, 'retransmitted')
    }
    const effects: Effect[] = []
    const stray = this.#strayOf(packet)
    const outcome = this.#progress.knock(slot, packet, key, here, this.#now, stray, effects)
    const { part, begun } = outcome
    if (part || begun) this.#sources.remember(slot, seen, packet.link)
    if (stray === 'code' && !begun && !outcome.moved) this.#guess(slot, packet, outcome.behind, effects)
    if (!part && !begun) {
      if (outcome.shut) effects.push(...this.#passed(packet, 'ignored source'))
      else this.#stray(slot, packet, key, effects)
    }
    this.#settle(slot)
    return effects.length === 0 && (part || begun) ? this.#passed(packet, 'flags') : effects
  }

  /** What the packet is where it is no knock. */
  #strayOf(packet: Packet): Stray {
    if (this.#settings.scanPorts === 0 || !begins(packet)) return 'none'
    return isCodePort(packet) ? 'code' : 'stray'
  }

  /** Ends what is over of a source's being ignored, and all of it where it is always allowed. */
  #lift(slot: number, packet: Packet): void {
    const { scanPorts, scanIgnoreMs } = this.#settings
    const tenths = this.#tenths()
    const free = scanPorts === 0 || this.#isAllowed(sourceOf(packet))
    const ignoredFor = (tenths - this.#sources.since(slot)) * TENTH_MS
    if (this.#sources.ignored(slot) && (free || ignoredFor >= scanIgnoreMs)) {
      this.#sources.setIgnored(slot, false, tenths)
    }
    const wrong = this.#sources.wrongCodes(slot)
    if (wrong !== 0) this.#sources.setWrongCodes(slot, free ? 0 : regained(wrong, tenths, this.#regain))
  }

  /** Takes in the source of a packet that means anything. {@link NONE}: it does not, or there is no room. */
  #admit(packet: Packet, key: number, here: boolean): number {
    const knocks = this.#sequences.begin(key).some((stage) => counts(stage.terms, packet, here))
    const stray = this.#strayOf(packet)
    if (!knocks && (stray === 'none' || (stray === 'stray' && this.#sequences.has(key)))) return NONE
    const rank = knocks ? 1 : 0
    const inTheWay = this.#sources.inTheWay(rank)
    if (inTheWay === undefined) return NONE
    if (inTheWay !== NONE) this.#forget(inTheWay)
    return this.#sources.add(packet, rank, this.#tenths())
  }

  #stray(slot: number, packet: Packet, key: number, effects: Effect[]): void {
    if (!begins(packet)) {
      effects.push(...this.#passed(packet, 'flags'))
      return
    }
    const { scanPorts } = this.#settings
    // A knock that was lost leaves the others without an attempt: they are no scan.
    if (scanPorts > 0 && !this.#sequences.has(key)) {
      const touched = this.#sources.touch(slot, key, this.#tenths(), SCAN_WINDOW_MS / TENTH_MS)
      if (touched >= scanPorts && !this.#isAllowed(sourceOf(packet))) {
        this.#scan(slot, packet, effects)
        return
      }
      this.#sources.rerank(slot, this.#sources.rank(slot), this.#tenths())
    }
    effects.push(...this.#passed(packet, 'no part of a sequence'))
  }

  #scan(slot: number, packet: Packet, effects: Effect[]): void {
    const again = this.#sources.ignored(slot)
    this.#sources.setIgnored(slot, true, this.#tenths())
    if (again) {
      this.#sources.rerank(slot, this.#sources.rank(slot), this.#tenths())
      effects.push(...this.#passed(packet, 'ignored source'))
      return
    }
    const before = this.#progress.furthest(slot)
    this.#progress.dropScannable(slot)
    const stage = this.#progress.furthest(slot) < before ? before : 0
    const ignoredMs = this.#sequences.anyScannable ? this.#settings.scanIgnoreMs : 0
    effects.push({ kind: 'scan', source: sourceOf(packet), stage, ignoredMs })
  }

  /** Counts a knock at a wrong port of a code. */
  #guess(slot: number, packet: Packet, behind: boolean, effects: Effect[]): void {
    const bare = this.#sequences.anyBareCode
    if (!bare && !behind) return
    const isNew = this.#sources.isNewCodePort(slot, packet.port)
    const before = this.#sources.wrongCodes(slot)
    if (before === 0 && this.#isAllowed(sourceOf(packet))) return
    let wrong = before
    if (bare && isNew) wrong = withWrongCode(wrong, 'bare', this.#tenths(), this.#regain)
    if (behind) wrong = withWrongCode(wrong, 'behind', this.#tenths(), this.#regain)
    this.#sources.setWrongCodes(slot, wrong)
    const usesUp = (kind: CodeKind): boolean => isUsedUp(wrong, kind) && !isUsedUp(before, kind)
    if (!usesUp('bare') && !usesUp('behind')) return
    const kind = usesUp('behind') ? 'behind' : 'bare'
    const ignoredMs = regainedIn(wrong, kind, this.#tenths(), this.#regain) * TENTH_MS
    effects.push({ kind: 'guesses', source: sourceOf(packet), behind: kind === 'behind', ignoredMs })
  }

  #ignoredAt(slot: number, now: number): Ignored | undefined {
    const tenths = Math.max(this.#tenths(), Math.floor((now - this.#epoch) / TENTH_MS))
    const source = this.#sources.address(slot)
    if (this.#settings.scanPorts === 0 || this.#isAllowed(source)) return undefined
    const ends = this.#epoch + this.#sources.since(slot) * TENTH_MS + this.#settings.scanIgnoreMs
    if (this.#sources.ignored(slot) && ends > now) return { source, why: 'scan', until: ends }
    const wrong = regained(this.#sources.wrongCodes(slot), tenths, this.#regain)
    const behind = isUsedUp(wrong, 'behind')
    if (!behind && !isUsedUp(wrong, 'bare')) return undefined
    const until = now + regainedIn(wrong, behind ? 'behind' : 'bare', tenths, this.#regain) * TENTH_MS
    return { source, why: behind ? 'codes behind' : 'codes', until }
  }

  #isAllowed(source: Address): boolean {
    const { allowed } = this.#settings
    return allowed !== undefined && allowed.some((network) => contains(network, source))
  }

  /** Puts the source among those of its rank, and keeps the number of those without an attempt within their bounds. */
  #settle(slot: number): void {
    const rank = this.#progress.furthest(slot) || (this.#isKept(slot) ? KEPT : 0)
    if (rank === this.#sources.rank(slot)) return
    if (rank === 0 && this.#sources.manyStrangers) this.#forget(this.#sources.oldest(0, 0)!)
    if (rank === KEPT && this.#sources.manyKept) this.#forget(this.#sources.oldest(KEPT, KEPT)!)
    this.#sources.rerank(slot, rank, this.#tenths())
  }

  #isKept(slot: number): boolean {
    return this.#sources.ignored(slot) || this.#sources.wrongCodes(slot) !== 0
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

  /** Forgets sources without an attempt that have not been heard of for longer than anything about them matters. */
  #clear(): void {
    this.#clearOf(0, SCAN_WINDOW_MS / TENTH_MS)
    this.#clearOf(KEPT, Math.max(SCAN_WINDOW_MS / TENTH_MS, this.#regain * FORGOTTEN_AFTER))
  }

  #clearOf(rank: number, memory: number): void {
    for (let cleared = 0; cleared < CLEARED_PER_PACKET; cleared++) {
      const oldest = this.#sources.oldest(rank, rank)
      if (oldest === undefined || this.#sources.sinceEntered(oldest, this.#tenths()) <= memory) return
      this.#forget(oldest)
    }
  }

  /** Tenths of a second after which a wrong code is forgotten. */
  get #regain(): number {
    return Math.max(1, Math.ceil(this.#settings.scanIgnoreMs / TENTH_MS))
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

/** Whether the packet is one that scans are made of: a datagram, or one that may begin a connection. */
function begins({ protocol, flags }: Packet): boolean {
  return protocol !== TCP || (flags & (ACK | RST)) === 0
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
