import type { Etcd } from '../etcd/client.ts'
import { LruMap } from '../limit/lru-map.ts'

/** Milliseconds of ends that share a lease: revoking one of thousands of keys is slow, and so is a lease a key. */
const SHARED_MS = 60_000
/** The most leases that are remembered. A forgotten one ends by itself, and a new one takes its place. */
const LEASES_MAX = 64
const SECOND_MS = 1_000

/** The leases with which etcd forgets what is over: one lease for all keys whose time ends in the same minute. */
export class Leases {
  readonly #etcd: Pick<Etcd, 'grant'>
  readonly #now: () => number
  readonly #skewMs: number
  readonly #leases = new LruMap<number, Promise<string>>(LEASES_MAX)

  /**
   * @param now returns milliseconds since 1970
   * @param skewMs milliseconds by which clocks of hosts may differ
   */
  constructor(etcd: Pick<Etcd, 'grant'>, now: () => number, skewMs: number) {
    this.#etcd = etcd
    this.#now = now
    this.#skewMs = skewMs
  }

  /**
   * Returns a lease that lasts until a time by the clock of every host.
   *
   * @param until milliseconds since 1970
   * @param withinMs milliseconds for etcd's answer; absent: those of every request
   * @throws EtcdUnavailable (as a rejection)
   */
  async lasting(until: number, withinMs?: number): Promise<string> {
    const minute = Math.ceil(until / SHARED_MS)
    let lease = this.#leases.get(minute)
    if (lease === undefined) {
      const ms = Math.max(0, minute * SHARED_MS - this.#now()) + 2 * this.#skewMs
      lease = this.#etcd.grant(Math.ceil(ms / SECOND_MS) + 1, withinMs)
      this.#leases.set(minute, lease)
    }
    try {
      return await lease
    } catch (error) {
      if (this.#leases.peek(minute) === lease) this.#leases.delete(minute)
      throw error
    }
  }

  /** Forgets a lease that etcd does not know. */
  ended(until: number): void {
    this.#leases.delete(Math.ceil(until / SHARED_MS))
  }
}
