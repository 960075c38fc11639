import type { KeyObject } from 'node:crypto'
import { TokenBucket } from '../limit/token-bucket.ts'
import { REMEDIES } from '../remedy/remedies.ts'
import { isRecord } from '../text/record.ts'
import type { NewsListener } from './news.ts'
import { openSigned } from './signed.ts'

/** Most hosts whose clocks are compared with this one. */
export const CLOCK_HOSTS_MAX = 64
/** Signals of a host that count, and milliseconds for which they do. */
const SIGNALS_MAX = 3
const SIGNAL_AGE_MAX_MS = 600_000
/** Signals whose signature is checked, a second, and at once. All hosts together send one a second. */
const CHECKED_PER_SECOND = 20
const CHECKED_AT_ONCE = 50
/** Most characters of a signal. */
const SIGNAL_MAX_CHARS = 1_024

/** The functions and values that the comparison of clocks needs. */
export interface ClockDeps {
  /** The key of the time signal in etcd, which its signature covers. */
  readonly place: string
  /** The name of this host, whose own signals do not count. */
  readonly host: string
  readonly keyOfHost: (name: string) => KeyObject | undefined
  readonly skewMs: number
  /** The mark of the fleet's key that this host has: see `secret-marks.ts`. */
  readonly keyMark: string
  /** Returns the time of the clock that is compared, in milliseconds since 1970. */
  readonly now: () => number
  /** Returns the time of a steady clock in milliseconds. */
  readonly steady: () => number
}

/** The time signal of a host, by the steady clock of this one. */
interface Signal {
  /** Milliseconds from the steady clock to the host's. A signal that was late makes it smaller, never larger. */
  readonly offsetMs: number
  readonly seen: number
}

/** The signals of a host, the newest last. */
interface Heard {
  readonly signals: readonly Signal[]
  /** The newest time that the host has signed: a signal that is repeated does not count. */
  readonly at: number
  /** The mark of the fleet's key that the host has; `undefined`: an earlier version of Postern. */
  readonly keyMark: string | undefined
}

/** The reason of a host whose `fleet.key` is not the others': what they used up is unknown to it. */
const OTHER_KEY = 'the key of the fleet is not that of the other hosts: `postern fleet status` names the host to repair'

/**
 * Compares the clock, and the key of the fleet, with those of the other hosts. In turn, each host writes its signed time to one key that all watch,
 * so an event is a few milliseconds old when it arrives, and its time can be compared with the clock at that moment. Of a
 * host's last signals the one with the least delay counts; of all hosts and this one, the median.
 */
export class FleetClock implements NewsListener {
  readonly #deps: ClockDeps
  readonly #heard = new Map<string, Heard>()
  readonly #checked = new TokenBucket(CHECKED_PER_SECOND, CHECKED_AT_ONCE)

  constructor(deps: ClockDeps) {
    this.#deps = deps
  }

  /** The signal that is there already was written at an unknown time. */
  listed(): void {}

  changed(changes: Parameters<NewsListener['changed']>[0]): void {
    for (const { type, kv } of changes) if (type === 'put') this.#hear(kv.value)
  }

  /** Milliseconds by which this clock is ahead of the other hosts'; `undefined`: none was heard of lately. */
  get aheadMs(): number | undefined {
    const { now, steady } = this.#deps
    const time = steady()
    const own = now() - time
    const others: number[] = []
    for (const [name, { signals }] of this.#heard) {
      const fresh = signals.filter(({ seen }) => time - seen <= SIGNAL_AGE_MAX_MS)
      if (fresh.length === 0) this.#heard.delete(name)
      else others.push(own - Math.max(...fresh.map(({ offsetMs }) => offsetMs)))
    }
    return others.length === 0 ? undefined : Math.round(middle([0, ...others]))
  }

  /** The reason why nothing of the fleet may open on this host, with the command that helps; `undefined`: it may. */
  get isOff(): string | undefined {
    const ahead = this.aheadMs
    if (this.#isOtherKey()) return OTHER_KEY
    if (ahead === undefined || Math.abs(ahead) <= this.#deps.skewMs) return undefined
    const seconds = Math.round(Math.abs(ahead) / 1_000)
    const side = ahead > 0 ? 'ahead of' : 'behind'
    return `this clock is ${seconds} s ${side} the other hosts': ${REMEDIES.keepClock()}`
  }

  /** Returns true if at most as many hosts have the key of this one as another key. Of two hosts, neither knows who is right. */
  #isOtherKey(): boolean {
    const marks = [...this.#heard.values()].flatMap(({ keyMark }) => keyMark ?? [])
    const unlike = marks.filter((mark) => mark !== this.#deps.keyMark).length
    return unlike > 0 && unlike >= marks.length - unlike + 1
  }

  #hear(text: string): void {
    const { place, host, keyOfHost, steady } = this.#deps
    if (text.length > SIGNAL_MAX_CHARS || !this.#checked.take(steady())) return
    let opened: ReturnType<typeof openSigned>
    try {
      opened = openSigned(place, text, keyOfHost)
    } catch {
      // Anyone who can write to etcd can write here.
      return
    }
    const { by, body } = opened
    const { at, keyMark } = isRecord(body) ? body : {}
    const before = this.#heard.get(by)
    if (by === host || typeof at !== 'number' || !Number.isSafeInteger(at) || at <= (before?.at ?? 0)) return
    const seen = steady()
    const signals = [...(before?.signals ?? []), { offsetMs: at - seen, seen }].slice(-SIGNALS_MAX)
    this.#heard.delete(by)
    this.#heard.set(by, { signals, at, keyMark: typeof keyMark === 'string' ? keyMark : undefined })
    const [oldest] = this.#heard.keys()
    if (this.#heard.size > CLOCK_HOSTS_MAX && oldest !== undefined) this.#heard.delete(oldest)
  }
}

/** Returns the median; of two in the middle, the one further from zero: a fleet whose halves differ is in doubt. */
function middle(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other)
  const [low, high] = [sorted[(sorted.length - 1) >> 1]!, sorted[sorted.length >> 1]!]
  return Math.abs(low) > Math.abs(high) ? low : high
}
