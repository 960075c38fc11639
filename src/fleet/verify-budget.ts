import { LruMap } from '../limit/lru-map.ts'
import type { Rate } from '../limit/source-budget.ts'
import { TokenBucket } from '../limit/token-bucket.ts'
import { HOSTS_MAX } from './hosts.ts'

/** The events of one host whose signature is checked, a second. Anyone with write access to etcd can write any number. */
export const HOST_EVENTS: Rate = { perSecond: 100, burst: 200 }
/** The events of all hosts that are checked, a second. With 0.1 ms each they take a tenth of the daemon's time. */
export const ALL_EVENTS: Rate = { perSecond: 1_000, burst: 500 }
/** Most events of one host, and in all, that wait to be checked. Those beyond are lost. */
export const WAITING_HOST_MAX = 256
export const WAITING_MAX = 4_096

/** An event at a key of etcd. */
export interface Waiting {
  readonly key: string
  readonly value: string
}

/** Limits how many signatures are checked: for each host first, and then in all. The last event of each key waits. */
export class VerifyBudget {
  readonly #all = new TokenBucket(ALL_EVENTS.perSecond, ALL_EVENTS.burst)
  readonly #hosts = new LruMap<string, TokenBucket>(HOSTS_MAX)
  readonly #waiting = new Map<string, Map<string, Waiting>>()
  #count = 0

  /**
   * Takes a check from the budget.
   *
   * @param now milliseconds of a steady clock
   */
  take(host: string, now: number): boolean {
    let bucket = this.#hosts.get(host)
    if (bucket === undefined)
      this.#hosts.set(host, (bucket = new TokenBucket(HOST_EVENTS.perSecond, HOST_EVENTS.burst)))
    return bucket.has(now, 1) && this.#all.take(now) && bucket.take(now)
  }

  /** Returns true if an event can neither be checked now nor wait, so that it need not even be read. */
  isFull(host: string, key: string, now: number): boolean {
    const own = this.#waiting.get(host)
    const hasRoom = own?.has(key) === true || (this.#count < WAITING_MAX && (own?.size ?? 0) < WAITING_HOST_MAX)
    return !hasRoom && !(this.#all.has(now, 1) && this.#hosts.get(host)?.has(now, 1) !== false)
  }

  /** Has an event wait. Returns false if too many wait. */
  wait(host: string, event: Waiting): boolean {
    let own = this.#waiting.get(host)
    if (own?.has(event.key) !== true) {
      if (this.#count >= WAITING_MAX || (own?.size ?? 0) >= WAITING_HOST_MAX) return false
      this.#count++
    }
    if (own === undefined) this.#waiting.set(host, (own = new Map()))
    own.set(event.key, event)
    return true
  }

  /** Yields events that may be checked now, one of each host in turn, without taking from the budget. */
  *due(now: number): Generator<Waiting> {
    for (let isAny = true; isAny;) {
      isAny = false
      for (const [host, own] of this.#waiting) {
        if (!this.#all.has(now, 1)) return
        if (this.#hosts.get(host)?.has(now, 1) === false) continue
        const [first] = own.values()
        own.delete(first!.key)
        this.#count--
        if (own.size === 0) this.#waiting.delete(host)
        isAny = true
        yield first!
      }
    }
  }
}
