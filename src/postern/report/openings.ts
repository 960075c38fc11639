import { LruMap } from '../../limit/lru-map.ts'
import type { Fact } from '../../log/fact.ts'
import type { LogRecord } from '../../log/read-log.ts'
import { Counts } from './counts.ts'
import type { Counted } from './counts.ts'

/** The most openings that are kept one by one, the last ones. All are counted. */
export const OPENINGS_KEPT_MAX = 10_000
/** The most doors, and the most users, that are counted each by itself. */
export const DOORS_COUNTED_MAX = 2_000
export const USERS_COUNTED_MAX = 10_000
/** The most openings whose end is waited for. */
const LIVE_MAX = 10_000
/** Milliseconds in which a refusal belongs to an opening by hand. */
const REFUSED_WITHIN_MS = 60_000
const MINUTE_MS = 60_000

/** A door that opened for a source. */
export interface Opening {
  /** Milliseconds since 1970. */
  readonly time: number
  /** The time at which it was closed, or is to be; `undefined`: the log does not say. */
  until: number | undefined
  readonly door: string
  readonly source: string | undefined
  readonly host: string | undefined
  /** `undefined`: the log names nobody. */
  readonly user: string | undefined
  /** A name that a packet claims without proof. */
  readonly claimedUser: string | undefined
  /** True if an operator opened it, and the operator if it was not root. */
  readonly isByHand: boolean
  readonly by: string | undefined
}

/** A door, and how often it opened. */
export interface DoorCount extends Counted {
  readonly door: string
  last: number
}

/** A user, and when the user came. */
export interface UserCount extends Counted {
  readonly user: string
  last: number
  /** The door, the source and its host name at that time. */
  door: string
  source: string | undefined
  host: string | undefined
}

/** The openings of a log, in order. */
export class Openings {
  readonly doors = new Counts<DoorCount>(DOORS_COUNTED_MAX)
  readonly users = new Counts<UserCount>(USERS_COUNTED_MAX)
  /** The last opening of each door for each source. */
  readonly #live = new LruMap<string, Opening>(LIVE_MAX)
  #kept: Opening[] = []
  total = 0
  /** The number of openings without a user, those by hand included. */
  unnamed = 0
  byHand = 0

  /** The last openings, the oldest first. */
  get kept(): readonly Opening[] {
    return this.#kept.slice(-OPENINGS_KEPT_MAX).sort((one, other) => one.time - other.time)
  }

  take({ time, fact, host }: LogRecord): void {
    if (fact.kind === 'open') this.#open(fact, time, host)
    else if (fact.kind === 'by-hand') this.#byHand(fact, time, host)
    else if (fact.kind === 'lasts' || fact.kind === 'closed') this.#bound(fact, time)
  }

  /** Takes an opening by hand back that the door refused. Returns true if there was one. */
  refused(door: string, source: string, time: number): boolean {
    const key = keyOf(door, source)
    const live = this.#live.peek(key)
    const isOf = live?.isByHand === true && live.until === undefined && time - live.time <= REFUSED_WITHIN_MS
    if (!isOf) return false
    this.#live.delete(key)
    this.#kept = this.#kept.filter((each) => each !== live)
    this.total--
    this.unnamed--
    this.byHand--
    const count = this.doors.takeBack(door)
    const others = this.#kept.flatMap((each) => (each.door === door ? [each.time] : []))
    if (count !== undefined) count.last = others.reduce((last, each) => Math.max(last, each), -Infinity)
    return true
  }

  #open({ door, source, user, claimedUser }: Extract<Fact, { kind: 'open' }>, time: number, host?: string): void {
    this.#add({ time, until: undefined, door, source, host, user, claimedUser, isByHand: false, by: undefined })
    if (user === undefined) {
      this.unnamed++
      return
    }
    const count = this.users.add(user, () => ({ count: 0, user, last: -Infinity, door, source, host }))
    if (time >= count.last) Object.assign(count, { last: time, door, source, host })
  }

  #byHand({ action, door, source, by }: Extract<Fact, { kind: 'by-hand' }>, time: number, host?: string): void {
    if (action !== 'opened' || door === undefined || source === undefined) return
    this.unnamed++
    this.byHand++
    this.#add({
      time,
      until: undefined,
      door,
      source,
      host,
      user: undefined,
      claimedUser: undefined,
      isByHand: true,
      by,
    })
  }

  #add(opening: Opening): void {
    const { door, source, time } = opening
    this.total++
    const count = this.doors.add(door, () => ({ count: 0, door, last: -Infinity }))
    count.last = Math.max(count.last, time)
    const key = keyOf(door, source)
    const before = this.#live.peek(key)
    // A further knock takes over what is open.
    if (before !== undefined && (before.until === undefined || before.until > time)) before.until = time
    this.#live.set(key, opening)
    this.#kept.push(opening)
    if (this.#kept.length >= 2 * OPENINGS_KEPT_MAX) this.#kept = this.#kept.slice(-OPENINGS_KEPT_MAX)
  }

  #bound(fact: Extract<Fact, { kind: 'lasts' | 'closed' }>, time: number): void {
    const key = keyOf(fact.door, fact.source)
    const live = this.#live.peek(key)
    if (live === undefined) return
    if (fact.kind === 'lasts') live.until = time + fact.seconds * 1_000
    else {
      // Lines in knockd's format have minutes alone: the time that was to be is the better one within that minute.
      const isInMinute = time % MINUTE_MS === 0 && live.until !== undefined && Math.abs(live.until - time) < MINUTE_MS
      if (!isInMinute) live.until = Math.max(time, live.time)
      this.#live.delete(key)
    }
  }
}

function keyOf(door: string, source: string | undefined): string {
  return `${door}\n${source ?? ''}`
}
