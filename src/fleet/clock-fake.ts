import type { Clock } from '../secret/clock.ts'

interface Timer {
  readonly at: number
  readonly call: () => void
}

/** A clock for tests, which goes only as it is told. */
export class FakeClock implements Clock {
  #now: number
  #steady = 0
  #timers: Timer[] = []

  /** @param now milliseconds since 1970 */
  constructor(now = 1_700_000_000_000) {
    this.#now = now
  }

  now(): number {
    return this.#now
  }

  steady(): number {
    return this.#steady
  }

  working(): number {
    return this.#steady
  }

  after(ms: number, call: () => void): () => void {
    const timer = { at: this.#steady + ms, call }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter((each) => each !== timer)
    }
  }

  /** Sets the wall clock to another time. */
  set(now: number): void {
    this.#now = now
  }

  /** Lets time pass, and calls what is due, each at its time. Timers that are set meanwhile count. */
  async pass(ms: number, settled: () => Promise<void>): Promise<void> {
    const end = this.#steady + ms
    for (;;) {
      const next = this.#timers.filter(({ at }) => at <= end).reduce<Timer | undefined>(earlier, undefined)
      const to = next?.at ?? end
      this.#now += to - this.#steady
      this.#steady = to
      if (next === undefined) return
      this.#timers = this.#timers.filter((each) => each !== next)
      next.call()
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await settled()
    }
  }
}

function earlier(one: Timer | undefined, other: Timer): Timer {
  return one === undefined || other.at < one.at ? other : one
}
