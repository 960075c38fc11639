import type { Etcd } from '../etcd/client.ts'
import { EtcdUnavailable, isFinal } from '../etcd/unavailable.ts'
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
   * @param leftMs returns the milliseconds that are left for etcd's answer; absent: those of every request
   * @throws EtcdUnavailable (as a rejection)
   */
  async lasting(until: number, leftMs?: () => number): Promise<string> {
    const minute = Math.ceil(until / SHARED_MS)
    for (;;) {
      const ms = leftMs?.()
      const known = this.#leases.get(minute)
      const lease = known ?? this.#grant(minute, ms)
      try {
        // oxlint-disable-next-line no-await-in-loop -- one after another
        return await (known === undefined || ms === undefined ? lease : soon(lease, ms))
      } catch (error) {
        // The claim that asked for it may have had less time left.
        const isOther = known !== undefined && error instanceof EtcdUnavailable && !isFinal(error)
        if (!isOther || leftMs === undefined || leftMs() <= 0) throw error
      }
    }
  }

  #grant(minute: number, withinMs: number | undefined): Promise<string> {
    const ms = Math.max(0, minute * SHARED_MS - this.#now()) + 2 * this.#skewMs
    const lease = this.#etcd.grant(Math.ceil(ms / SECOND_MS) + 1, withinMs)
    this.#leases.set(minute, lease)
    lease.catch(() => {
      if (this.#leases.peek(minute) === lease) this.#leases.delete(minute)
    })
    return lease
  }

  /** Forgets a lease that etcd does not know. */
  ended(until: number): void {
    this.#leases.delete(Math.ceil(until / SHARED_MS))
  }
}

/** Waits for a lease that somebody else asked for, but not for longer than a time in milliseconds. @throws EtcdUnavailable */
async function soon(lease: Promise<string>, ms: number): Promise<string> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new EtcdUnavailable('no-answer', 'no answer of etcd within 3 s')), Math.max(0, ms))
  })
  return await Promise.race([lease, late]).finally(() => clearTimeout(timer))
}
