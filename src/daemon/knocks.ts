import { randomInt } from 'node:crypto'
import { steadyNow } from '../capture/steady-clock.ts'
import type { Config } from '../config/config.ts'
import type { Effect, Opened } from '../gate/effect.ts'
import { Gate } from '../gate/gate.ts'
import type { GateBounds, GateSettings } from '../gate/gate.ts'
import type { Packet } from '../packet/packet.ts'
import { eventsOf } from '../log/effects.ts'
import type { LogEvent } from '../log/event.ts'

/** The longest timer in milliseconds. Node's own limit is 2^31 ms. */
const TIMER_MAX_MS = 3_600_000
/** The least milliseconds between two ends of attempts by timer. Each packet ends all that are over, too. */
export const EXPIRE_INTERVAL_MS = 100
/**
 * Milliseconds after the end of an attempt for which the timer waits. In a flood, a knock that came in time may still be
 * in the kernel's buffer, which holds half a second of 200,000 packets a second.
 */
export const WAITING_MAX_MS = 500
const WORD = 2 ** 32

/** The dependencies of knocks. */
export interface KnocksDeps {
  /** Called with the events of each decision. */
  readonly decided: (events: readonly LogEvent[]) => void
  /** True if every decision is explained in the log. */
  readonly debug: boolean
  /** Called when a source has completed a sequence. */
  readonly completed: (opened: Opened) => void
  /** Sorts the names of doors by their places in the config. */
  readonly inOrder: (doors: readonly string[]) => readonly string[]
  /** The seed and the addresses of the gate, for a replay. The daemon's seed is secret. */
  readonly gate?: Pick<GateSettings, 'seed' | 'own'> & GateBounds
}

/** The knocks of all sources. They go to the gate, which decides, and its decisions are carried out. */
export class Knocks {
  readonly gate: Gate
  readonly #deps: KnocksDeps
  #timer: NodeJS.Timeout | undefined
  #timerAt = Infinity
  #expiredAt = -Infinity
  #advanced = false
  #stopped = false

  constructor(config: Config, deps: KnocksDeps) {
    this.#deps = deps
    const { gate = { seed: [randomInt(WORD), randomInt(WORD)], own: [] } } = deps
    this.gate = new Gate({ ...this.#strictness(config), ...gate })
  }

  /** Applies the options of a config. */
  tune(config: Config): void {
    this.gate.tune(this.#strictness(config))
  }

  /** Decides about a packet that may be a knock. Returns true if it brought its source to a stage. */
  take(packet: Packet): boolean {
    const effects = this.gate.knock(packet)
    this.#carryOut(effects)
    return effects.some(({ kind }) => kind === 'stage')
  }

  /** Ends attempts whose time is over at `now`, in milliseconds since 1970. Returns true if there were any. */
  expire(now: number): boolean {
    const effects = this.gate.expire(now)
    this.#carryOut(effects)
    return effects.length > 0
  }

  /** Sets the timer that ends attempts when their time is over, even if no packet arrives. */
  arm(): void {
    const due = Math.max(this.gate.due + WAITING_MAX_MS, this.#expiredAt + EXPIRE_INTERVAL_MS)
    if (this.#stopped || due >= this.#timerAt) return
    clearTimeout(this.#timer)
    this.#timerAt = due
    const wait = Math.min(Math.max(0, Math.ceil(due - steadyNow())), TIMER_MAX_MS)
    this.#timer = setTimeout(() => {
      this.#timerAt = Infinity
      this.#expiredAt = steadyNow()
      try {
        this.expire(this.#expiredAt - WAITING_MAX_MS)
      } finally {
        this.arm()
      }
    }, wait)
  }

  /** Returns true if a source has made the second or a later knock of a sequence since the last call. */
  takeAdvanced(): boolean {
    const advanced = this.#advanced
    this.#advanced = false
    return advanced
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
  }

  #strictness({ options }: Config): Parameters<Gate['tune']>[0] {
    const { scanPorts, scanIgnoreMs, alwaysAllow: allowed, logFormat } = options
    return { scanPorts, scanIgnoreMs, allowed, explain: this.#deps.debug || logFormat === 'json' }
  }

  #carryOut(effects: readonly Effect[]): void {
    const { completed, inOrder, decided } = this.#deps
    for (const effect of effects) {
      if (effect.kind === 'stage' && effect.stage > 1) this.#advanced = true
      // An opening is logged when the door opens. The secret may be used already, or the disk full.
      if (effect.kind === 'open') completed(effect)
      else if ('doors' in effect && effect.doors.length > 1) {
        decided(eventsOf({ ...effect, doors: inOrder(effect.doors) }))
      } else decided(eventsOf(effect))
    }
  }
}
