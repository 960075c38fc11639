import type { FleetClaims } from './claims.ts'
import type { FakeEtcd, FakeWatch } from './etcd-fake.ts'
import type { Keyspace } from './keyspace.ts'
import { News } from './news.ts'

/** Milliseconds of a step of time. */
const STEP_MS = 25

/** A time that passes when a test says so. */
export class FakeTime {
  ms = 1_700_000_000_000
  #timers: { readonly at: number; readonly call: () => void }[] = []

  readonly clock = {
    now: (): number => this.ms,
    steady: (): number => this.ms,
    after: (ms: number, call: () => void): (() => void) => {
      const timer = { at: this.ms + ms, call }
      this.#timers.push(timer)
      return () => void (this.#timers = this.#timers.filter((each) => each !== timer))
    },
  }

  async pass(ms: number): Promise<void> {
    this.ms += ms
    for (const timer of this.#timers.filter(({ at }) => at <= this.ms)) {
      if (!this.#timers.includes(timer)) continue
      this.#timers = this.#timers.filter((each) => each !== timer)
      timer.call()
    }
    await new Promise((resolve) => setImmediate(resolve))
  }

  /** Lets time pass until something is decided. */
  async decided<Result>(deciding: Promise<Result>): Promise<Result> {
    const over = { isSo: false }
    const decided = deciding.finally(() => (over.isSo = true))
    await this.until(() => over.isSo)
    return await decided
  }

  /** Lets time pass until something is so. */
  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await this.pass(STEP_MS)
  }
}

/** Has a host watch claims, and what hosts ask about them. */
export function watchClaims(etcd: FakeEtcd, { seen, catchUp }: FleetClaims, keyspace: Keyspace): FakeWatch {
  const news = new News([{ prefix: keyspace.claimNews }], () => undefined)
  news.on(keyspace.claims, seen)
  news.on(keyspace.catchUp, catchUp)
  let watch!: FakeWatch
  news.start({ watch: (prefix, listener) => (watch = etcd.watch(prefix, listener)) })
  return watch
}
