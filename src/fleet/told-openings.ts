import { createPublicKey } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { EtcdUnavailable } from '../etcd/unavailable.ts'
import { LogThrottle } from '../limit/log-throttle.ts'
import type { Log } from '../log/log.ts'
import type { Clock } from '../secret/clock.ts'
import type { Keyspace } from './keyspace.ts'
import { Leases } from './leases.ts'
import type { Change, NewsListener, Record } from './news.ts'
import { EVENT_MAX_CHARS, TOLD_MAX_MS, readEvent } from './opening-event.ts'
import type { OpeningEvent, OpeningFacts } from './opening-event.ts'
import { openSigned, signText } from './signed.ts'
import type { Signer } from './signed.ts'

/** Most openings of one source, and in all, that the other hosts are told of at a time. */
export const TOLD_SOURCE_MAX = 64
export const TOLD_MAX = 8_192
/** Most events that are on their way to etcd at a time. */
export const SENDS_MAX = 32
/** Characters of a signature, with the name of the signer. */
const SIGNATURE_CHARS = 256
/** Milliseconds before etcd is asked again after it did not answer: at first, and at most. */
export const RETRY_MS = 100
export const RETRY_MAX_MS = 2_000
/** Milliseconds after which an event is written again, if somebody else has changed it in etcd. */
export const RESTORE_AFTER_MS = 1_000

/** The functions and values that telling needs from the daemon. */
export interface TellingDeps {
  readonly keyspace: Pick<Keyspace, 'opening'>
  /** This host, with its key. */
  readonly signer: Signer
  /** The client of etcd. Rejects with {@link EtcdUnavailable} alone. */
  readonly etcd: {
    put(key: string, value: string, lease?: string): Promise<unknown>
    grant(ttlS: number): Promise<string>
  }
  readonly clock: Pick<Clock, 'now' | 'steady' | 'after'>
  /** Milliseconds by which clocks of hosts may differ. Events stay in etcd for so much longer. */
  readonly clockSkewMs: number
  readonly log: Pick<Log, 'notice'>
  /** Called with openings that an earlier run of the daemon told of. */
  readonly found: () => void
}

/** The last event of an opening. */
interface Told {
  event: OpeningEvent
  key: string
  text: string
  /** The text that etcd has, as far as this host knows. */
  stored: string | undefined
  isSending: boolean
}

/**
 * The openings that this host tells the others of. The last event of each is at its key in etcd until its deadline: it
 * is written until etcd has it, and again if somebody changes it. Nobody waits for etcd.
 */
export class ToldOpenings implements NewsListener {
  readonly #deps: TellingDeps
  readonly #leases: Leases
  readonly #told = new Map<string, Told>()
  readonly #bySource = new Map<string, number>()
  /** The ids whose event etcd does not have. */
  readonly #unsent = new Set<string>()
  /** The ids of events that etcd seemed to lack. */
  readonly #doubtful = new Set<string>()
  readonly #public: KeyObject
  readonly #throttle = new LogThrottle()
  #sending = 0
  #retryMs = RETRY_MS
  #isFailing = false
  #isWaiting = false
  #isClosed = false

  constructor(deps: TellingDeps) {
    this.#deps = deps
    this.#public = createPublicKey(deps.signer.key.export({ format: 'pem', type: 'pkcs8' }))
    // Each end includes the skew of clocks.
    this.#leases = new Leases(deps.etcd, () => deps.clock.now(), 0)
  }

  /** Yields the openings that the others have open now. */
  *open(): Generator<OpeningEvent> {
    const now = this.#deps.clock.now()
    for (const { event } of this.#told.values()) if (event.action !== 'close' && event.until > now) yield event
  }

  /**
   * Tells of an opening, or of a later deadline. A deadline never becomes an earlier one.
   *
   * @param at milliseconds since 1970
   */
  tell(action: 'open' | 'extend', facts: OpeningFacts, at: number, until: number): void {
    const before = this.#told.get(facts.id)
    if (before === undefined && !this.#hasRoom(facts.source)) {
      this.#leaveOut(facts, 'too many openings at a time')
      return
    }
    const isOpen = before !== undefined && before.event.action !== 'close'
    const asked = isOpen ? Math.max(before.event.until, until) : until
    const event = { ...facts, action, number: 0, at, until: Math.min(asked, at + TOLD_MAX_MS) }
    // Signing puts a text into another one, which escapes its quotes.
    if (JSON.stringify(JSON.stringify(event)).length > EVENT_MAX_CHARS - SIGNATURE_CHARS) {
      this.#leaveOut(facts, 'too many groups and ports')
    } else this.#put(event)
  }

  /** Tells that an opening has ended before its deadline. */
  end(event: OpeningEvent): void {
    this.#put({ ...event, action: 'close', at: this.#deps.clock.now() })
  }

  /** Takes the own events that etcd has: those of an earlier run count, and those that somebody changed are restored. */
  listed(records: readonly Record[]): void {
    const values = new Map(records.map(({ key, value }) => [key, value]))
    for (const told of this.#told.values()) this.#compare(told, values.get(told.key))
    let isNew = false
    for (const record of records) if (this.#adopt(record)) isNew = true
    if (isNew) this.#deps.found()
  }

  changed(changes: readonly Change[]): void {
    for (const { type, kv } of changes) {
      const told = this.#told.get(kv.key.slice(kv.key.lastIndexOf('/') + 1))
      if (told?.key === kv.key) this.#compare(told, type === 'put' ? kv.value : undefined)
    }
  }

  close(): void {
    this.#isClosed = true
  }

  #leaveOut({ source, door }: OpeningFacts, why: string): void {
    const { log, clock } = this.#deps
    if (!this.#throttle.due(why, clock.steady())) return
    log.notice('error', `${source}: ${door}: not told to the others: ${why}`)
  }

  #hasRoom(source: string): boolean {
    this.#forget()
    return this.#told.size < TOLD_MAX && (this.#bySource.get(source) ?? 0) < TOLD_SOURCE_MAX
  }

  #put(event: OpeningEvent): void {
    const { clock } = this.#deps
    const before = this.#told.get(event.id)
    const number = Math.max(clock.now(), (before?.event.number ?? 0) + 1)
    this.#set({ ...event, number }, before)
    this.#unsent.add(event.id)
    this.#send()
  }

  #set(event: OpeningEvent, before: Told | undefined): Told {
    const { keyspace, signer } = this.#deps
    const key = keyspace.opening(signer.name, event.id)
    const text = signText(key, event, signer)
    if (before !== undefined) return Object.assign(before, { event, text })
    const told = { event, key, text, stored: undefined, isSending: false }
    this.#told.set(event.id, told)
    this.#bySource.set(event.source, (this.#bySource.get(event.source) ?? 0) + 1)
    return told
  }

  /** Notes what etcd has at the key of an opening. News may be late, so that only a later look decides. */
  #compare(told: Told, value: string | undefined): void {
    told.stored = value
    if (value === told.text || this.#isOver(told.event)) return
    this.#doubtful.add(told.event.id)
    if (this.#doubtful.size > 1) return
    this.#deps.clock.after(RESTORE_AFTER_MS, () => this.#restore())
  }

  /** Writes events again that somebody has changed or deleted in etcd. */
  #restore(): void {
    for (const id of this.#doubtful) {
      const told = this.#told.get(id)
      if (told === undefined || told.stored === told.text || this.#isOver(told.event)) continue
      const { number = 0 } = told.stored === undefined ? {} : (this.#read(told.key, told.stored) ?? {})
      // An earlier run of the daemon told of it, by a clock that was ahead.
      if (number >= told.event.number) this.#set({ ...told.event, number: number + 1 }, told)
      this.#unsent.add(id)
    }
    this.#doubtful.clear()
    this.#send()
  }

  #adopt({ key, value }: Record): boolean {
    const { keyspace, signer } = this.#deps
    const event = this.#read(key, value)
    if (event === undefined || this.#told.has(event.id) || this.#isOver(event)) return false
    if (keyspace.opening(signer.name, event.id) !== key || !this.#hasRoom(event.source)) return false
    Object.assign(this.#set(event, undefined), { text: value, stored: value })
    return true
  }

  /** Reads an event that this host has signed. */
  #read(key: string, value: string): OpeningEvent | undefined {
    if (value.length > EVENT_MAX_CHARS) return undefined
    const { name } = this.#deps.signer
    try {
      return readEvent(openSigned(key, value, (by) => (by === name ? this.#public : undefined)).body)
    } catch {
      return undefined
    }
  }

  #isOver({ until }: OpeningEvent): boolean {
    return until <= this.#deps.clock.now()
  }

  #send(): void {
    if (this.#isClosed || this.#isWaiting) return
    for (const id of this.#unsent) {
      if (this.#sending >= SENDS_MAX) return
      const told = this.#told.get(id)
      if (told === undefined || this.#isOver(told.event)) this.#unsent.delete(id)
      else if (!told.isSending) void this.#sendOne(told)
    }
  }

  async #sendOne(told: Told): Promise<void> {
    const { etcd, clockSkewMs } = this.#deps
    const { text, event } = told
    const end = event.until + clockSkewMs
    told.isSending = true
    this.#sending++
    try {
      await etcd.put(told.key, text, await this.#leases.lasting(end))
      told.stored = text
      if (told.text === text) this.#unsent.delete(event.id)
      this.#succeeded()
    } catch (error) {
      if (error instanceof EtcdUnavailable && error.kind === 'lease') this.#leases.ended(end)
      this.#failed(error as Error)
    } finally {
      told.isSending = false
      this.#sending--
    }
    this.#send()
  }

  #succeeded(): void {
    const { log, clock } = this.#deps
    this.#retryMs = RETRY_MS
    if (this.#isFailing && this.#throttle.due('again', clock.steady()))
      log.notice('notice', 'the others are told again')
    this.#isFailing = false
  }

  #failed({ message }: Error): void {
    const { log, clock } = this.#deps
    const hint = 'they are told until their deadline, as soon as etcd answers'
    if (!this.#isFailing && this.#throttle.due('failed', clock.steady())) {
      log.notice('error', `fleet unavailable: not told to the others: ${message}\n${hint}`)
    }
    this.#isFailing = true
    this.#wait()
  }

  #wait(): void {
    if (this.#isWaiting) return
    this.#isWaiting = true
    const ms = this.#retryMs
    this.#retryMs = Math.min(RETRY_MAX_MS, ms * 2)
    this.#deps.clock.after(ms, () => {
      this.#isWaiting = false
      this.#send()
    })
  }

  /** Forgets openings whose time is over, by any clock of the fleet. */
  #forget(): void {
    const { clock, clockSkewMs } = this.#deps
    const now = clock.now()
    for (const [id, { event }] of this.#told) {
      if (event.until + clockSkewMs > now) continue
      this.#told.delete(id)
      this.#unsent.delete(id)
      const left = this.#bySource.get(event.source)! - 1
      if (left > 0) this.#bySource.set(event.source, left)
      else this.#bySource.delete(event.source)
    }
  }
}
