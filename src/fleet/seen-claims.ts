import { LIST_MAX } from '../etcd/range.ts'
import { LruMap } from '../limit/lru-map.ts'
import type { Clock } from '../secret/clock.ts'
import type { Store } from '../state/store.ts'
import { AstrayRecords, FOREIGN, NONE } from './astray-records.ts'
import type { There } from './astray-records.ts'
import { ClaimNotes } from './claim-notes.ts'
import type { ClaimRecord, ClaimSeal } from './claim-record.ts'
import { RECORD_MAX_CHARS } from './claim-record.ts'
import type { Change, NewsListener, Record } from './news.ts'

/** The most records that are remembered, and the most whose seal is not checked yet: all that a list has. */
export const SEEN_MAX = LIST_MAX
/** Milliseconds between two searches for records of expired secrets. */
const SWEEP_EVERY_MS = 60_000
/**
 * Milliseconds until a record that was removed before its time is written again: by the host that used the secret, and
 * by the others if that one does not.
 */
export const OWN_MISSED_MS = 1_000
export const MISSED_MS = 5_000
/** The most records whose seals are checked in one go: 4 to 7 ms. And milliseconds between two goes. */
export const CHECKS_MAX = 1_000
const CHECK_EVERY_MS = 20
const OLDER = 'a record of a used secret was replaced by an older one'

/** The functions and values that seen claims need from their caller. */
export interface SeenDeps {
  /** The prefix of claims in etcd. */
  readonly prefix: string
  readonly seal: ClaimSeal
  /** The beginning of this host's own marks. */
  readonly own: string
  readonly store: Pick<Store, 'newest' | 'keys' | 'advance' | 'forget'>
  readonly clock: Pick<Clock, 'now' | 'steady' | 'after'>
  /** Milliseconds by which clocks of hosts may differ. */
  readonly skewMs: number
  /** Returns a random number from 0, below another one. */
  readonly random: (below: number) => number
  /** Tells the operator, rarely, that somebody changed records in etcd. */
  readonly suspect: (what: string) => void
  /** Writes a record again that is gone from etcd before its time: hosts that come later need it. */
  readonly restore: (name: string) => void
}

/** A record, its text, and the revision at which etcd had this text last; 0: the journal or another host told it. */
export interface SeenClaim {
  readonly record: ClaimRecord
  readonly text: string
  readonly revision: number
}

/**
 * The used secrets that this host knows of: the record with the most uses of each that etcd ever told. It only rises, so
 * what is removed from etcd, or replaced there by an older record, opens nothing here.
 */
export class SeenClaims implements NewsListener {
  readonly #deps: SeenDeps
  readonly #notes: ClaimNotes
  readonly #seen = new LruMap<string, SeenClaim>(SEEN_MAX)
  /**
   * The texts of a list, which has tens of thousands, are checked when they are needed. They are apart, as anyone who can
   * write to etcd fills a list, and would drive out the genuine ones.
   */
  readonly #unchecked = new LruMap<string, Pick<SeenClaim, 'text' | 'revision'>>(SEEN_MAX)
  /** The names of those that are gone from etcd. */
  readonly #unsure = new Set<string>()
  readonly #astray: AstrayRecords
  readonly #learners = new Set<() => void>()
  /** Those who follow one record each, by its name. Doors that share a secret have the same one. */
  readonly #followers = new Map<string, Set<() => void>>()
  /** The number of lists so far: what happened before one and after the one before it is not known. */
  #round = 0
  #listedAt = 0
  #told = 0
  #cancelCheck: (() => void) | undefined
  #cancelSweep: () => void

  constructor(deps: SeenDeps) {
    this.#deps = deps
    const { store, clock, seal, random, restore } = deps
    this.#astray = new AstrayRecords({ clock, random, restore, waitMsOf: (...missed) => this.#waitMsOf(...missed) })
    this.#notes = new ClaimNotes({ store, clock, textOf: (name) => this.#textOf(name) })
    for (const [name, text] of this.#notes.load()) {
      const record = seal.open(name, text)
      if (record !== undefined) this.#seen.set(name, { record, text, revision: 0 })
    }
    this.#cancelSweep = clock.after(SWEEP_EVERY_MS, () => this.#sweep())
  }

  get size(): number {
    return this.#seen.size + this.#unchecked.size
  }

  get round(): number {
    return this.#round
  }

  /** The revision up to which all was told since the last list. */
  get told(): number {
    return this.#told
  }

  /** Returns the record with the most uses. */
  get(name: string): SeenClaim | undefined {
    const seen = this.#seen.get(name)
    const unchecked = seen === undefined ? this.#unchecked.peek(name) : undefined
    if (unchecked === undefined) return seen
    this.#unchecked.delete(name)
    const isGone = this.#unsure.delete(name)
    const { text, revision } = unchecked
    const record = this.#deps.seal.open(name, text)
    if (record === undefined) {
      this.#foreign()
      return undefined
    }
    const claim = { record, text, revision }
    this.#seen.set(name, claim)
    if (isGone) this.#astray.set(name, { ...NONE, revision: this.#listedAt })
    return claim
  }

  /** Returns what etcd has of a secret whose record is known. */
  there(name: string): There | undefined {
    const seen = this.get(name)
    if (seen === undefined) return this.#astray.get(name)
    const { text, revision, record } = seen
    return this.#astray.get(name) ?? { text, revision, uses: record.uses }
  }

  /** Remembers a use by this host. The watch may have told it, and that it was removed, before etcd's answer came. */
  take(name: string, { record, text, revision }: SeenClaim): void {
    const before = this.there(name)
    this.#rise(name, record, text, revision)
    if (before === undefined || before.revision < revision) this.#astray.delete(name)
  }

  /** Learns a record that another host has seen. */
  learn(name: string, text: string): void {
    const record = this.#deps.seal.open(name, text)
    if (record === undefined || record.uses === 0) return
    const before = this.there(name)
    if (!this.#rise(name, record, text, 0)) return
    if (before?.text !== text) this.#astray.set(name, before ?? { ...NONE, revision: this.#told })
    this.#tell([name])
  }

  /** Has a record in the journal before it resolves. Never rejects. */
  async note(name: string): Promise<void> {
    await this.#notes.now(name)
  }

  /** Returns true if this host made the last use of a record. */
  isOwn({ marks }: ClaimRecord): boolean {
    return marks.at(-1)?.startsWith(this.#deps.own) === true
  }

  /** Returns true if a record may be gone from etcd, as its secret has expired. */
  isOver({ until = Infinity }: ClaimRecord): boolean {
    return this.#deps.clock.now() >= until
  }

  /** Returns true if a text is a record with more uses than the one that was seen. */
  isNewer(name: string, text: string): boolean {
    return (this.#deps.seal.open(name, text)?.uses ?? -1) > (this.get(name)?.record.uses ?? -1)
  }

  /** Returns true if a record is not in etcd, and should be there by the clock of each host. */
  isMissed(name: string): boolean {
    if (this.#astray.get(name) === undefined) return false
    const seen = this.#seen.peek(name)
    return seen !== undefined && this.#deps.clock.now() < (seen.record.until ?? Infinity) - this.#deps.skewMs
  }

  /** True if the seals of all records are checked that are gone from etcd. */
  get isChecked(): boolean {
    return this.#unsure.size === 0
  }

  /** Returns the name and the text of each record that etcd should have and does not have, or not as it was seen. */
  missed(): readonly (readonly [string, string])[] {
    return this.#astray
      .names()
      .filter((name) => this.isMissed(name))
      .map((name) => [name, this.#seen.peek(name)!.text] as const)
  }

  forget(name: string): void {
    this.#seen.delete(name)
    this.#unchecked.delete(name)
    this.#unsure.delete(name)
    this.#astray.delete(name)
    this.#notes.forget(name)
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

  listed(records: readonly Record[], revision: string): void {
    this.#check(Infinity)
    this.#round++
    this.#listedAt = Number(revision)
    this.#told = Number(revision)
    const there = new Set<string>()
    for (const { key, value, modRevision } of records) {
      const name = this.#nameOf(key)
      there.add(name)
      const at = Number(modRevision)
      if (this.#unchecked.peek(name)?.text === value) this.#unchecked.set(name, { text: value, revision: at })
      else if (this.#textOf(name) !== undefined) this.#place(name, value, at)
      else if (value.length <= RECORD_MAX_CHARS) this.#unchecked.set(name, { text: value, revision: at })
      else this.#foreign()
    }
    let gone = 0
    for (const [name] of this.#unchecked) if (!there.has(name)) this.#unsure.add(name)
    for (const name of Array.from(this.#seen, ([each]) => each)) {
      if (there.has(name)) continue
      this.#astray.set(name, { ...NONE, revision: this.#listedAt })
      if (this.isMissed(name)) gone++
    }
    if (gone > 0) this.#deps.suspect(`${gone} records of used secrets are gone from etcd before their time`)
    this.#check(CHECKS_MAX)
    this.#tell(this.#followers.keys())
  }

  changed(changes: readonly Change[]): void {
    for (const change of changes) this.hear(change)
    const last = changes.at(-1)
    if (last !== undefined) this.#told = Math.max(this.#told, Number(last.kv.modRevision))
    this.#tell(new Set(changes.map(({ kv }) => this.#nameOf(kv.key))))
  }

  /** Takes a change of one record. Those of each record have to come in order, and none may be left out. */
  hear({ type, kv }: Change): void {
    const name = this.#nameOf(kv.key)
    const revision = Number(kv.modRevision)
    const before = this.there(name)
    // Answers and news do not wait for each other.
    if (before !== undefined && revision <= before.revision) return
    if (type === 'put') this.#place(name, kv.value, revision)
    else if (before !== undefined) {
      this.#astray.set(name, { ...NONE, revision })
      if (this.isMissed(name)) this.#deps.suspect('a record of a used secret was removed before its time')
    }
  }

  close(): void {
    this.#notes.close()
    this.#cancelSweep()
    this.#cancelCheck?.()
    this.#astray.close()
    this.#learners.clear()
    this.#followers.clear()
  }

  #nameOf(key: string): string {
    return key.slice(this.#deps.prefix.length)
  }

  /** Takes what etcd has at a revision. */
  #place(name: string, text: string, revision: number): void {
    const known = this.get(name)
    const record = known?.text === text ? known.record : this.#deps.seal.open(name, text)
    if (record === undefined) this.#foreign()
    else if (known?.text === text) this.#seen.set(name, { ...known, revision })
    else this.#rise(name, record, text, revision)
    const seen = this.get(name)
    if (seen?.text === text) this.#astray.delete(name)
    // Anyone who can write to etcd writes a megabyte to each.
    else if (seen !== undefined)
      this.#astray.set(name, { text: record === undefined ? FOREIGN : text, revision, uses: record?.uses })
    if (record !== undefined && seen?.text !== text) this.#deps.suspect(OLDER)
  }

  /** Remembers a record that has more uses than the one that was seen. Returns false if it has not. */
  #rise(name: string, record: ClaimRecord, text: string, revision: number): boolean {
    const seen = this.get(name)
    if (seen !== undefined && !this.isOver(seen.record)) {
      if (record.uses < seen.record.uses) return false
      // Of two first uses the first one counts. An own one whose place in the order was not seen may be the second.
      const isFirst = seen.revision > this.#listedAt || !this.isOwn(seen.record)
      if (record.uses === seen.record.uses && (isFirst || record.marks.at(-1) === seen.record.marks.at(-1)))
        return false
    }
    this.#seen.set(name, { record, text, revision })
    if (record.uses > 0) this.#notes.soon(name)
    return true
  }

  #foreign(): void {
    this.#deps.suspect('a record of a used secret was written by somebody else')
  }

  /** Returns the milliseconds until a record is to be written again. */
  #waitMsOf(name: string, { uses = -1 }: There): number {
    const seen = this.#seen.peek(name)
    if (seen === undefined || !this.isMissed(name)) return Infinity
    // Two histories of a cluster that was set up anew can have as many uses. Their hosts would never end.
    if (uses >= seen.record.uses) return Infinity
    return this.isOwn(seen.record) ? OWN_MISSED_MS : MISSED_MS
  }

  /** Checks the seals of records that are gone from etcd, some at a time. */
  #check(most: number): void {
    this.#cancelCheck?.()
    this.#cancelCheck = undefined
    let left = most
    for (const name of this.#unsure) {
      if (left-- <= 0) break
      this.get(name)
    }
    if (this.#unsure.size > 0) this.#cancelCheck = this.#deps.clock.after(CHECK_EVERY_MS, () => this.#check(CHECKS_MAX))
  }

  /** Returns the text of a record, whether its seal was checked or not. */
  #textOf(name: string): string | undefined {
    return (this.#seen.peek(name) ?? this.#unchecked.peek(name))?.text
  }

  #tell(names: Iterable<string>): void {
    for (const call of this.#learners) call()
    for (const name of names) for (const call of this.#followers.get(name) ?? []) call()
  }

  #sweep(): void {
    const { clock, skewMs } = this.#deps
    const now = clock.now()
    let checks = CHECKS_MAX
    for (const name of [
      ...Array.from(this.#seen, ([each]) => each),
      ...Array.from(this.#unchecked, ([each]) => each),
    ]) {
      const seen = this.#seen.peek(name) ?? (checks-- > 0 ? this.get(name) : undefined)
      if (seen?.record.until !== undefined && seen.record.until + 2 * skewMs < now) this.forget(name)
    }
    this.#cancelSweep = clock.after(SWEEP_EVERY_MS, () => this.#sweep())
  }
}
