import { LruMap } from '../limit/lru-map.ts'
import type { Clock } from '../secret/clock.ts'
import type { Store } from '../state/store.ts'
import type { ClaimRecord, ClaimSeal } from './claim-record.ts'
import { RECORD_MAX_CHARS, wentBack } from './claim-record.ts'
import type { Change, NewsListener, Record } from './news.ts'

/**
 * The most records that are remembered, and the most whose seal is not checked yet. Beyond it, the one that was used
 * longest ago is forgotten: etcd has it.
 */
export const SEEN_MAX = 65_536
/** The most records that are noted in the journal. */
export const NOTES_MAX = 16_384
/** Milliseconds between two batches of notes, and the most notes of a batch. */
export const NOTE_EVERY_MS = 1_000
export const NOTES_BATCH_MAX = 1_000
/** Milliseconds between two searches for records of expired secrets. */
const SWEEP_EVERY_MS = 60_000
/**
 * Milliseconds until a record that was removed before its time is written again: by the host that used the secret, and
 * by the others if that one does not. And the most records that wait for it.
 */
export const OWN_MISSED_MS = 1_000
export const MISSED_MS = 5_000
export const MISSED_MAX = 1_000
const OLDER = 'a record of a used secret was replaced by an older one'
/** The prefix of the journal's keys. */
const NOTE_KEY = 'fleet\n'
/** The most records whose seals are checked in one go: 4 to 7 ms. The others are checked when they are needed. */
export const CHECKS_MAX = 1_000

/** The functions and values that seen claims need from their caller. */
export interface SeenDeps {
  /** The prefix of claims in etcd. */
  readonly prefix: string
  readonly seal: ClaimSeal
  /** The beginning of this host's own marks. The journal has its own uses already. */
  readonly own: string
  readonly store: Pick<Store, 'newest' | 'keys' | 'advance' | 'forget'>
  readonly clock: Pick<Clock, 'now' | 'after'>
  /** Milliseconds by which clocks of hosts may differ. */
  readonly skewMs: number
  /** Tells the operator, rarely, that somebody changed records in etcd. */
  readonly suspect: (what: string) => void
  /**
   * Writes a record again that is gone from etcd before its time: hosts that come later need it.
   *
   * @param there what somebody has put in its place; `undefined`: nothing is there
   */
  readonly restore: (name: string, claim: SeenClaim, there: string | undefined) => void
}

/** A record, its text in etcd, and the revision at which it was written; 0: it was noted in the journal. */
export interface SeenClaim {
  readonly record: ClaimRecord
  readonly text: string
  readonly revision: number
}

/**
 * The used secrets that this host knows of: all that it has seen in etcd. A record that is removed from there, or replaced
 * by an older one, opens nothing here.
 */
export class SeenClaims implements NewsListener {
  readonly #deps: SeenDeps
  readonly #seen = new LruMap<string, SeenClaim>(SEEN_MAX)
  /**
   * The texts of a list, which has tens of thousands, are checked when they are needed. They are apart, as anyone who can
   * write to etcd fills a list, and would drive out the genuine ones.
   */
  readonly #unchecked = new LruMap<string, Pick<SeenClaim, 'text' | 'revision'>>(SEEN_MAX)
  /** The names of the records in the journal, in the order in which they were noted. */
  readonly #noted = new Set<string>()
  /** The names whose notes are to be written or removed. */
  readonly #due = new Set<string>()
  /** The records that are gone from etcd, with what is there in their place, and what ends the wait for them. */
  readonly #missed = new Map<string, { there: string | undefined; readonly cancel: () => void }>()
  readonly #learners = new Set<() => void>()
  /** Those who follow one record each, by its name. Doors that share a secret have the same one. */
  readonly #followers = new Map<string, Set<() => void>>()
  #cancelNotes: (() => void) | undefined
  #cancelSweep: () => void

  constructor(deps: SeenDeps) {
    this.#deps = deps
    this.#load()
    this.#cancelSweep = deps.clock.after(SWEEP_EVERY_MS, () => this.#sweep())
  }

  get size(): number {
    return this.#seen.size + this.#unchecked.size
  }

  get(name: string): SeenClaim | undefined {
    const seen = this.#seen.get(name)
    const unchecked = seen === undefined ? this.#unchecked.peek(name) : undefined
    if (unchecked === undefined) return seen
    this.#unchecked.delete(name)
    const { text, revision } = unchecked
    const record = this.#deps.seal.open(name, text)
    if (record === undefined) {
      this.#foreign()
      return undefined
    }
    const claim = { record, text, revision }
    this.#seen.set(name, claim)
    return claim
  }

  /**
   * Remembers a record that etcd has at this moment, unless a newer one is known. Returns false if it went back: etcd had
   * a later one before.
   */
  take(name: string, claim: SeenClaim): boolean {
    const seen = this.get(name)
    if (seen !== undefined && !this.isOver(seen.record) && wentBack(claim.record, seen.record)) return false
    this.#seen.set(name, claim)
    if (!this.isOwn(claim.record)) this.#noteSoon(name)
    return true
  }

  /** Returns true if this host made the last use of a record. */
  isOwn({ marks }: ClaimRecord): boolean {
    return marks.at(-1)?.startsWith(this.#deps.own) === true
  }

  /** Returns true if a record may be gone from etcd, as its secret has expired. */
  isOver({ until = Infinity }: ClaimRecord): boolean {
    return this.#deps.clock.now() >= until
  }

  forget(name: string): void {
    this.#seen.delete(name)
    this.#unchecked.delete(name)
    if (this.#noted.has(name)) this.#noteSoon(name)
  }

  /** Calls back after each change by other hosts. Returns what ends it. */
  learned(call: () => void): () => void {
    this.#learners.add(call)
    return () => this.#learners.delete(call)
  }

  /** Calls back when a record may have changed. Returns what ends it. */
  follow(name: string, call: () => void): () => void {
    const calls = this.#followers.get(name) ?? new Set()
    this.#followers.set(name, calls.add(call))
    return () => {
      if (calls.delete(call) && calls.size === 0) this.#followers.delete(name)
    }
  }

  listed(records: readonly Record[]): void {
    const there = new Set<string>()
    for (const { key, value, modRevision } of records) {
      const name = this.#nameOf(key)
      there.add(name)
      const revision = Number(modRevision)
      const text = this.#textOf(name)
      if (text === value) this.#found(name)
      else if (text !== undefined) this.#hear(name, value, revision)
      else if (value.length <= RECORD_MAX_CHARS) this.#unchecked.set(name, { text: value, revision })
      else this.#foreign()
    }
    const missing = this.#names().filter((name) => !there.has(name))
    const gone = missing.slice(0, CHECKS_MAX).filter((name) => this.#isMissed(name))
    for (const name of gone) this.#miss(name)
    if (gone.length > 0) {
      this.#deps.suspect(`${gone.length} records of used secrets are gone from etcd before their time`)
    }
    this.#tell(this.#followers.keys())
  }

  changed(changes: readonly Change[]): void {
    for (const { type, kv } of changes) {
      const name = this.#nameOf(kv.key)
      const revision = Number(kv.modRevision)
      if (type === 'put') this.#hear(name, kv.value, revision)
      else if (!this.#isOldNews(name, revision) && this.#isMissed(name)) {
        this.#miss(name)
        this.#deps.suspect('a record of a used secret was removed before its time')
      }
    }
    this.#tell(new Set(changes.map(({ kv }) => this.#nameOf(kv.key))))
  }

  close(): void {
    while (this.#due.size > 0) this.#writeNotes()
    this.#cancelNotes?.()
    this.#cancelSweep()
    for (const name of this.#missed.keys()) this.#found(name)
    this.#learners.clear()
    this.#followers.clear()
  }

  #nameOf(key: string): string {
    return key.slice(this.#deps.prefix.length)
  }

  #hear(name: string, text: string, revision: number): void {
    if (this.#isOldNews(name, revision)) return
    const record = this.#deps.seal.open(name, text)
    if (record !== undefined && this.take(name, { record, text, revision })) {
      this.#found(name)
      return
    }
    const { record: seen } = this.get(name) ?? {}
    if (record === undefined) this.#foreign()
    // News arrive later than answers, so an older record may be a late one.
    if (seen !== undefined && (record?.uses ?? 0) < seen.uses) this.#miss(name, text)
    // Two histories can have the same number of uses. Hosts that put each other right would never end.
    else if (record !== undefined) this.#deps.suspect(OLDER)
  }

  /** Returns true for news that are older than an answer. They do not wait for each other. */
  #isOldNews(name: string, revision: number): boolean {
    return revision <= ((this.#seen.peek(name) ?? this.#unchecked.peek(name))?.revision ?? 0)
  }

  #foreign(): void {
    this.#deps.suspect('a record of a used secret was written by somebody else')
  }

  /** Returns true if a record that is gone from etcd should be there, by the clock of each host. */
  #isMissed(name: string): boolean {
    const seen = this.get(name)
    return seen !== undefined && this.#deps.clock.now() < (seen.record.until ?? Infinity) - this.#deps.skewMs
  }

  #miss(name: string, there?: string): void {
    const before = this.#missed.get(name)
    if (before !== undefined) before.there = there
    if (before !== undefined || this.#missed.size >= MISSED_MAX) return
    const { record } = this.get(name)!
    const cancel = this.#deps.clock.after(this.isOwn(record) ? OWN_MISSED_MS : MISSED_MS, () => {
      this.#missed.delete(name)
      if (!this.#isMissed(name)) return
      const other = missed.there
      if (other !== undefined && this.#deps.seal.open(name, other) !== undefined) this.#deps.suspect(OLDER)
      this.#deps.restore(name, this.get(name)!, other)
    })
    const missed = { there, cancel }
    this.#missed.set(name, missed)
  }

  #found(name: string): void {
    this.#missed.get(name)?.cancel()
    this.#missed.delete(name)
  }

  /** Returns the text of a record, whether its seal was checked or not. */
  #textOf(name: string): string | undefined {
    return (this.#seen.peek(name) ?? this.#unchecked.peek(name))?.text
  }

  /** Returns the names of all records, those that are checked first. */
  #names(): string[] {
    return [...Array.from(this.#seen, ([name]) => name), ...Array.from(this.#unchecked, ([name]) => name)]
  }

  #tell(names: Iterable<string>): void {
    for (const call of this.#learners) call()
    for (const name of names) for (const call of this.#followers.get(name) ?? []) call()
  }

  #load(): void {
    const { store } = this.#deps
    for (const key of store.keys(NOTE_KEY)) {
      const name = key.slice(NOTE_KEY.length)
      this.#noted.add(name)
      const text = store.newest(key) ?? ''
      const record = this.#deps.seal.open(name, text)
      if (record !== undefined) this.#seen.set(name, { record, text, revision: 0 })
    }
  }

  #sweep(): void {
    const { clock, skewMs } = this.#deps
    const now = clock.now()
    let checks = CHECKS_MAX
    for (const name of this.#names()) {
      const seen = this.#seen.peek(name) ?? (checks-- > 0 ? this.get(name) : undefined)
      if (seen?.record.until !== undefined && seen.record.until + 2 * skewMs < now) this.forget(name)
    }
    this.#cancelSweep = clock.after(SWEEP_EVERY_MS, () => this.#sweep())
  }

  #noteSoon(name: string): void {
    // What is too much for the journal is remembered until the next start.
    if (this.#due.size >= NOTES_MAX) return
    this.#due.add(name)
    this.#cancelNotes ??= this.#deps.clock.after(NOTE_EVERY_MS, () => this.#writeNotes())
  }

  #writeNotes(): void {
    this.#cancelNotes = undefined
    let left = NOTES_BATCH_MAX
    for (const name of this.#due) {
      if (left-- === 0) break
      this.#due.delete(name)
      this.#note(name)
    }
    for (const oldest of this.#noted) {
      if (this.#noted.size <= NOTES_MAX) break
      this.#unnote(oldest)
    }
    if (this.#due.size > 0) this.#cancelNotes = this.#deps.clock.after(NOTE_EVERY_MS, () => this.#writeNotes())
  }

  #note(name: string): void {
    const text = this.#textOf(name)
    if (text === undefined) {
      this.#unnote(name)
      return
    }
    this.#noted.delete(name)
    this.#noted.add(name)
    // A journal that fails says so itself.
    this.#deps.store.advance(`${NOTE_KEY}${name}`, text, () => true).catch(() => undefined)
  }

  #unnote(name: string): void {
    this.#noted.delete(name)
    this.#deps.store.forget(`${NOTE_KEY}${name}`).catch(() => undefined)
  }
}
