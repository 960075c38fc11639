import { randomInt } from 'node:crypto'
import type { OnEvent } from '../config/on-event.ts'
import { SourceBudget } from '../limit/source-budget.ts'
import type { Rate } from '../limit/source-budget.ts'
import { TokenBucket } from '../limit/token-bucket.ts'
import type { LogEvent } from '../log/event.ts'
import type { Entry } from '../log/line.ts'
import { parseAddress } from '../packet/address.ts'
import type { Address } from '../packet/address.ts'

/** Milliseconds that a command may take. Then it is killed. */
export const NOTIFICATION_MAX_MS = 30_000
/** The most sources whose events are counted. A new one replaces the one that was seen longest ago. */
const SOURCES_MAX = 1_024
const WORD = 2 ** 32
/** The source of what people cause without one: no host has this address (RFC 1122, 3.2.1.3). */
const NOWHERE: Address = { family: 4, a: 0, b: 0, c: 0, d: 0 }
const NONE: Rate = { perSecond: 0, burst: 0 }

/** The limits of the commands of some events. */
export interface NotificationLimits {
  /** The most commands that run at a time, and the most that wait. */
  readonly running: number
  readonly waiting: number
  /** Events of one source, and of all. */
  readonly source: Rate
  readonly all: Rate
}

/** The limits of events that owners and the machine cause, and of those that strangers can cause. */
export const NOTIFICATION_LIMITS: Readonly<Record<'owners' | 'strangers', NotificationLimits>> = {
  owners: { running: 4, waiting: 100, source: { burst: 10, perSecond: 10 / 60 }, all: { burst: 60, perSecond: 1 } },
  strangers: {
    running: 2,
    waiting: 20,
    source: { burst: 2, perSecond: 1 / 60 },
    all: { burst: 10, perSecond: 6 / 60 },
  },
}

/** An event that a command is to be told of. */
export interface Waiting {
  readonly hook: OnEvent
  readonly event: LogEvent
  readonly entry: Entry
  /** The user and group of the command at the time of the event. */
  readonly as: string | undefined
}

/** A queue of notifications with limits of its own. Nothing waits for it, but for its end. */
export class NotificationLane {
  readonly #limits: NotificationLimits
  readonly #budget: SourceBudget
  readonly #daemon: TokenBucket
  readonly #run: (waiting: Waiting, ending: AbortSignal) => Promise<void>
  readonly #waiting: Waiting[] = []
  readonly #running = new Set<AbortController>()
  #idle: (() => void)[] = []

  constructor(of: NotificationLimits, run: (waiting: Waiting, ending: AbortSignal) => Promise<void>) {
    this.#limits = of
    this.#run = run
    const { source, all } = of
    this.#daemon = new TokenBucket(source.perSecond, source.burst)
    const none = { known: NONE, allKnown: NONE, knownMax: 1 }
    this.#budget = new SourceBudget({ source, all, sourcesMax: SOURCES_MAX, ...none }, [
      randomInt(WORD),
      randomInt(WORD),
    ])
  }

  /**
   * Charges an event to its source, or to all that have none. The daemon's own events have a share that no other event is
   * charged to, so that nobody can keep them from being told. Returns false if there are too many.
   */
  admits(source: string | undefined, isOfDaemon: boolean, now: number): boolean {
    if (isOfDaemon) return this.#daemon.take(now)
    return this.#budget.take(parseAddress(source ?? '') ?? NOWHERE, now, 1, 'stranger')
  }

  /** Adds a notification, which begins in a task of its own. Returns false if too many wait. */
  push(waiting: Waiting): boolean {
    if (this.#waiting.length >= this.#limits.waiting) return false
    this.#waiting.push(waiting)
    setImmediate(() => this.#next())
    return true
  }

  /** Resolves when no command runs or waits. */
  async idle(): Promise<void> {
    if (this.#running.size + this.#waiting.length === 0) return
    await new Promise<void>((resolve) => {
      this.#idle.push(resolve)
    })
  }

  /** Ends what runs, and drops what waits. Returns the number of both. */
  end(): number {
    const count = this.#running.size + this.#waiting.splice(0).length
    for (const running of this.#running) running.abort()
    return count
  }

  #next(): void {
    if (this.#running.size >= this.#limits.running) return
    const waiting = this.#waiting.shift()
    if (waiting !== undefined) void this.#runOne(waiting)
  }

  async #runOne(waiting: Waiting): Promise<void> {
    const ending = new AbortController()
    this.#running.add(ending)
    const timer = setTimeout(() => ending.abort(), NOTIFICATION_MAX_MS)
    await this.#run(waiting, ending.signal)
    clearTimeout(timer)
    this.#running.delete(ending)
    this.#next()
    if (this.#running.size > 0) return
    for (const resolve of this.#idle.splice(0)) resolve()
  }
}
