/** Milliseconds of the deadlines that share a lease. A lease with few keys is cheap to end. */
const SHARED_MS = 60_000

/** The leases of this host. Keys whose time is over in the same minute share one, so that etcd forgets them by itself. */
export class MinuteLeases {
  readonly #grant: (ttlS: number) => Promise<string>
  readonly #now: () => number
  readonly #leases = new Map<number, Promise<string>>()

  /**
   * @param grant makes a lease of etcd
   * @param now milliseconds since 1970
   */
  constructor(grant: (ttlS: number) => Promise<string>, now: () => number) {
    this.#grant = grant
    this.#now = now
  }

  /** Returns a lease that lasts until a time, and at most a minute longer. Rejects as etcd does. */
  async until(time: number): Promise<string> {
    const now = this.#now()
    for (const minute of this.#leases.keys()) if ((minute + 1) * SHARED_MS < now) this.#leases.delete(minute)
    const minute = Math.floor(time / SHARED_MS)
    let lease = this.#leases.get(minute)
    if (lease === undefined) {
      const fresh = this.#grant(Math.max(1, Math.ceil(((minute + 1) * SHARED_MS - now) / 1_000)))
      fresh.catch(() => this.#leases.get(minute) === fresh && this.#leases.delete(minute))
      this.#leases.set(minute, (lease = fresh))
    }
    return await lease
  }

  /** Forgets the lease of a time, which has ended. The next key gets another one. */
  drop(time: number): void {
    this.#leases.delete(Math.floor(time / SHARED_MS))
  }
}
