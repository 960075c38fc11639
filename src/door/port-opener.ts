import { counted } from '../text/counted.ts'
import type { Config } from '../config/config.ts'
import { formatService } from '../config/service.ts'
import type { Element } from '../firewall/guard/element.ts'
import type { GuardPlan } from '../firewall/guard/plan.ts'
import type { Held } from '../firewall/guard/ruleset.ts'
import { formatAddress } from '../packet/address.ts'
import type { Address } from '../packet/address.ts'
import { networkOf } from '../packet/network.ts'
import { deadlineAfter } from '../state/deadline.ts'
import type { Moment } from '../state/deadline.ts'
import type { Hold, Opening } from '../state/opening.ts'
import { endsAsOwn, keptHolds, ownLeft as ownTimeLeft } from './connected.ts'
import type { Grant } from './grant.ts'
import { LiveOpener } from './live-opener.ts'
import type { RefusalReason } from './live-opener.ts'
import type { PortDeps } from './port-deps.ts'
import type { OpeningStatus } from '../control/message.ts'
import { formatForward, forwardText, keyOf, servicesText } from './part.ts'
import {
  admissionOf,
  doorsByName,
  heldElements,
  openingText,
  portOpening,
  presentDoor,
  restoredOpening,
  sentOnTo,
} from './port-opening.ts'
import type { DoorsByName, PortOpening } from './port-opening.ts'
import { SharedElements } from './shared-elements.ts'
import type { Admission } from './sessions.ts'

/** Most openings of ports at a time: as many as a set of the guard takes. */
export const PORT_OPENINGS_MAX = 65_536
/**
 * Milliseconds before its end at which an opening's source is checked for a connection, and milliseconds of an
 * extension.
 */
const EXTEND_AHEAD_MS = 4_000
const EXTEND_STEP_MS = 15_000
/** The fields of a record that openings of ports do not need. */
const NO_COMMAND = { stop: undefined, environment: {} } as const

/** An opening that a grant begins, or extends if it is known. */
interface Asked {
  readonly live: PortOpening
  readonly elements: readonly Element[]
  readonly hold: Hold
  readonly leftMs: number
  readonly isKnown: boolean
}

/**
 * Opens and closes ports in the guard. The kernel keeps the time, so ports close even if the daemon is dead. The
 * journal serves to restore openings after a restart, or after somebody flushed the rules.
 */
export class PortOpener extends LiveOpener<PortOpening, PortDeps> {
  readonly #elements = new SharedElements<PortOpening>(this.deps.guard, (live) => this.left(live))
  #stopped = false

  /**
   * Restores the openings of the daemon's last run, and installs the guard.
   *
   * @throws the firewall's error; nothing has changed then
   */
  start(config: Config): void {
    const doors = doorsByName(config)
    const lost: Opening[] = []
    for (const opening of this.recorded('ports')) {
      const live = restoredOpening(opening, doors)
      if (live === undefined || this.live.has(live.key)) lost.push(opening)
      else this.live.set(live.key, live)
    }
    try {
      this.replace(config)
    } catch (error) {
      this.live.clear()
      throw error
    }
    for (const opening of lost) void this.forget(opening)
  }

  /**
   * Installs the guard of another config. Openings stay open if the config still has their doors.
   *
   * @throws the firewall's error; nothing has changed then
   */
  replace(config: Config): void {
    const { guard } = this.deps
    const doors = doorsByName(config)
    const gone = [...this.live.values()].filter((live) => presentDoor(live, doors) === undefined)
    for (const live of gone) this.live.delete(live.key)
    try {
      guard.install(config, (plan) => this.#held(plan, doors))
    } catch (error) {
      for (const live of gone) this.live.set(live.key, live)
      throw error
    }
    for (const live of gone) this.#ended(live)
    for (const live of this.live.values()) {
      live.door = presentDoor(live, doors)!
      live.elements = guard.elements(live.door, live.source, live.forward)
      this.#watch(live)
    }
    this.#elements.replace(this.live.values())
  }

  prepare(grant: Grant): void {
    const { live, elements, leftMs, isKnown } = this.#asked(grant, this.deps.clocks.now())
    if (!isKnown) this.#elements.prepare(live, elements, leftMs)
  }

  async open(grant: Grant, opened: () => void): Promise<boolean> {
    const { clocks, log } = this.deps
    const now = clocks.now()
    const { live, elements, leftMs, hold, isKnown } = this.#asked(grant, now)
    const { opening, key } = live
    const refusal = this.#refusal(live, elements) ?? this.#let(live, elements, leftMs)
    if (refusal !== undefined) {
      this.logRefused('error', opening, refusal)
      return false
    }
    this.add(live, hold, grant.claimedUser, now)
    this.live.set(key, live)
    this.#elements.add(live, elements)
    this.#watch(live)
    opened()
    if (isKnown) this.logExtended(live, now, grant)
    else {
      const { user, from } = grant
      const about = { source: opening.source, door: opening.door, user, what: openingText(live), ...(from && { from }) }
      log.event({ kind: 'opened', ...about, seconds: Math.round(leftMs / 1000) })
    }
    void this.#note(live, hold, isKnown)
    return true
  }

  /** Closes openings whose forward leads to an address that has become this machine's own. */
  closeForwardsTo(isOwn: (address: Address) => boolean): void {
    for (const live of this.live.values()) {
      const to = live.forward?.address
      if (to === undefined || !isOwn(to)) continue
      const why = new Error(`${formatAddress(to)} is an address of this machine now`)
      this.logTrouble('warning', live.opening, 'is no longer forwarded', why)
      this.#close(live)
    }
  }

  /**
   * Restores the guard with all openings if another program changed it, and logs it. Returns true if so, and false where no
   * guard is wanted.
   *
   * @param state what is known of the table; `unclear`: it is checked first, which takes longer
   * @throws the firewall's error
   */
  repair(state: 'changed' | 'gone' | 'unclear'): boolean {
    const { guard, log, restored } = this.deps
    if (guard.plan === undefined || (state === 'unclear' && this.#intact)) return false
    guard.restore((plan) => this.#held(plan), state === 'gone')
    log.notice(
      'warning',
      `another program took the guard out of the rules: it is back, with ${counted(this.live.size, 'opening')}`,
    )
    restored?.()
    return true
  }

  /** The networks that are let in now, each with the services to which it may begin connections. */
  get admissions(): readonly Admission[] {
    return [...this.live.values()].map(admissionOf)
  }

  /** Stops all timers. The openings stay in the kernel until their time is over. */
  stop(): void {
    this.#stopped = true
    for (const { timer } of this.live.values()) clearTimeout(timer)
  }

  protected portsOf({ door, forward }: PortOpening): Pick<OpeningStatus, 'services' | 'forward'> {
    return {
      services: door.opens.map(formatService),
      forward: forward === undefined ? undefined : forwardText(forward),
    }
  }

  protected async end(live: PortOpening): Promise<void> {
    this.#close(live)
  }

  /** The check before the end keeps the kernel from closing first. The one at the end is for later connections. */
  protected due(live: PortOpening): void {
    const isOver = this.left(live) <= 0
    if (this.#ownLeft(live) > 0 || (isOver && live.door.extendWhileConnected && endsAsOwn(live.holds))) {
      void this.#extendOrEnd(live)
    } else if (isOver) this.#close(live)
    else this.schedule(live)
  }

  protected shortened(live: PortOpening): void {
    if (this.left(live) <= 0) this.#close(live)
    else {
      this.#settle(live)
      this.#watch(live)
    }
  }

  get #intact(): boolean {
    return this.deps.guard.isIntact((plan) => this.#held(plan))
  }

  #held(plan: GuardPlan, doors?: DoorsByName): readonly Held[] {
    const now = this.deps.clocks.now()
    const timed = [...this.live.values()].map((live) => ({ live, leftMs: this.left(live, now) }))
    return heldElements(timed, plan, doors)
  }

  /** Returns the opening that a grant extends or begins, with the elements and the hold that it asks for. */
  #asked(grant: Grant, now: Moment): Asked {
    const { source, services, forward, ms } = grant
    const door = services === undefined ? grant.door : { ...grant.door, opens: services }
    const [some, to] = [servicesText({ services }), formatForward(forward)]
    const key = keyOf(door.name, formatAddress(source), some, to)
    const before = this.live.get(key)
    const elements = this.deps.guard.elements(door, source, forward)
    const hold = this.hold(grant, before, now)
    const opening = before?.opening ?? this.record(grant, hold, now, { ...NO_COMMAND, services: some, forward: to })
    const live = before ?? portOpening(opening, { key, source, forward, door, elements })
    const leftMs = before === undefined ? ms : Math.max(ms, this.left(before, now))
    return { live, elements, hold, leftMs, isKnown: before !== undefined }
  }

  /** Returns the reason why an opening cannot begin or go on, for the log. */
  #refusal(live: PortOpening, elements: readonly Element[]): RefusalReason | undefined {
    const isNew = this.live.get(live.key) !== live
    if (isNew && this.live.size >= PORT_OPENINGS_MAX) return { reason: 'too many doors are open' }
    const elsewhere = isNew && live.forward !== undefined ? sentOnTo(this.live.values(), elements) : undefined
    if (elsewhere !== undefined) return { cause: `its ports are already sent on to ${elsewhere}` }
    return elements.length === 0 ? { reason: `it has no ports to open over IPv${live.source.family}` } : undefined
  }

  /** Lets the source through. Returns the reason for the log if the firewall refuses. */
  #let(live: PortOpening, elements: readonly Element[], ms: number): { readonly cause: string } | undefined {
    try {
      try {
        this.#elements.open(live, elements, ms)
      } catch (error) {
        // The table may be gone, and the notification may still be on its way.
        if (!this.repair('unclear')) throw error
        this.#elements.open(live, elements, ms)
      }
      return undefined
    } catch (error) {
      return { cause: (error as Error).message }
    }
  }

  #close(live: PortOpening): void {
    this.#elements.remove(live)
    this.#settle(live)
    this.#ended(live)
  }

  /** Updates an opening's elements in the kernel. If that fails, the kernel removes them at their deadline. */
  #settle(live: PortOpening): void {
    try {
      this.#elements.settle(live)
    } catch (error) {
      if (this.#intact) this.logTrouble('warning', live.opening, 'is closed by the kernel at its deadline', error)
    }
  }

  #ended(live: PortOpening): void {
    const { source, door } = live.opening
    clearTimeout(live.timer)
    this.remove(live)
    this.deps.past?.(admissionOf(live))
    this.deps.log.event({ kind: 'closed', source, door, what: openingText(live) })
    void this.forget(live.opening)
  }

  /** Sets the timer of an opening, which has to be extended before the kernel closes it. */
  #watch(live: PortOpening): void {
    const ownLeft = this.#ownLeft(live)
    const aheadMs = ownLeft > 0 ? this.left(live) - ownLeft + Math.min(EXTEND_AHEAD_MS, ownLeft / 2) : 0
    this.schedule(live, aheadMs)
  }

  /** Returns the milliseconds until connections have to extend the opening; 0 if they do not. */
  #ownLeft({ door, holds }: PortOpening): number {
    return door.extendWhileConnected ? ownTimeLeft(holds, this.deps.clocks.now()) : 0
  }

  /** Extends an opening whose source is connected. Any other one ends with its time. Never rejects. */
  async #extendOrEnd(live: PortOpening): Promise<void> {
    if (live.asking) return
    const { door, source, holds } = live
    live.asking = true
    const connected = await this.deps.isConnected(door.opens, networkOf(source, door.widen[source.family]))
    live.asking = false
    if (this.#stopped || this.live.get(live.key) !== live) return
    // The opening may have been extended meanwhile.
    if (live.holds !== holds || (connected && this.#extended(live))) this.#watch(live)
    else if (this.left(live) > 0) this.schedule(live)
    else this.#close(live)
  }

  /** Extends the opening by one step. False: the firewall refuses. */
  #extended(live: PortOpening): boolean {
    const { clocks, log } = this.deps
    const { opening } = live
    const { source, door } = opening
    const now = clocks.now()
    const refusal = this.#let(live, live.elements, EXTEND_STEP_MS)
    if (refusal !== undefined) {
      log.event({ kind: 'trouble', level: 'error', source, door, what: 'is not kept open', ...refusal })
      return false
    }
    const deadline = deadlineAfter(now, EXTEND_STEP_MS)
    const { holds, kept, isAll } = keptHolds(live.holds, deadline, now)
    live.holds = holds
    this.deps.kept?.({ door, source, ms: EXTEND_STEP_MS })
    log.event({ kind: 'extended', source, door, seconds: EXTEND_STEP_MS / 1000, connected: true })
    const noted = isAll ? [{ ...deadline, holder: undefined, user: undefined }] : kept
    for (const hold of noted) void this.#note(live, hold, true)
    return true
  }

  /**
   * Records an opening, or the change of a known one. The kernel closes the ports even if this fails. Never rejects.
   */
  async #note(live: PortOpening, hold: Hold, isKnown: boolean): Promise<void> {
    const { store } = this.deps
    const { opening } = live
    try {
      if (isKnown) await store.extended(opening.id, hold)
      else {
        await store.opened(opening)
        // One record in memory is enough.
        live.opening = store.openings.get(opening.id) ?? opening
      }
    } catch (error) {
      this.logTrouble('warning', opening, 'would be lost on a restart', error)
    }
  }
}
