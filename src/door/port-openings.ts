import type { Config, Door, Service } from '../config/config.ts'
import { formatService } from '../config/service.ts'
import type { Element } from '../firewall/guard/element.ts'
import type { GuardPlan } from '../firewall/guard/plan.ts'
import type { Held } from '../firewall/guard/ruleset.ts'
import type { LogEvent } from '../log/event.ts'
import { formatAddress } from '../packet/address.ts'
import type { Address } from '../packet/address.ts'
import { networkOf } from '../packet/network.ts'
import type { Network } from '../packet/network.ts'
import { deadlineAfter, timeLeft } from '../state/deadline.ts'
import type { Moment } from '../state/deadline.ts'
import { extendedHolds, lastDeadline, lastUser, liveHolds, withHold } from '../state/holds.ts'
import type { Hold } from '../state/opening.ts'
import type { Store } from '../state/store.ts'
import type { Guard } from './guard.ts'
import { heldBy } from './held.ts'
import type { May } from './held.ts'
import { Holders } from './holders.ts'
import { openingText } from './port-opening.ts'
import type { OpenedFor, PortOpening } from './port-opening.ts'
import { forwardText } from './part.ts'
import { PortRecords } from './port-records.ts'
import type { DoorLog } from './command-opening.ts'
import { admissionOf, heldElements, keyOfAsked, newLive, presentDoor, restoredLive, sentOnTo } from './live.ts'
import type { DoorsByName, Live } from './live.ts'
import type { Admission } from './sessions.ts'

/** Most openings of ports at a time: as many as a set of the guard takes. */
export const PORT_OPENINGS_MAX = 65_536
/** Longest time that a timer is set for before it checks the clocks again, in milliseconds. */
const TIMER_MAX_MS = 3_600_000
/**
 * Milliseconds before its end at which an opening's source is checked for a connection, and milliseconds of an
 * extension.
 */
const EXTEND_AHEAD_MS = 4_000
const EXTEND_STEP_MS = 15_000
/** Milliseconds between two log lines about refused openings. */
const REFUSED_REPORT_MS = 60_000

/** The functions and values that openings of ports need from their caller. */
export interface PortTerms {
  readonly guard: Guard
  readonly store: Pick<Store, 'openings' | 'opened' | 'extended' | 'closed'>
  readonly clocks: { now(): Moment }
  readonly log: Pick<DoorLog, 'event' | 'notice'>
  /**
   * Tells whether addresses of the network have a TCP connection to one of the services. Never rejects, may take
   * seconds.
   */
  isConnected(services: readonly Service[], from: Network): Promise<boolean>
  /**
   * Called after each repair of the guard, and after each opening. Connections that began in an opening may continue.
   */
  readonly restored?: () => void
  readonly past?: (admission: Admission) => void
}

/**
 * Opens and closes ports in the guard. The kernel keeps the time, so ports close even if the daemon is dead. The
 * journal serves to restore openings after a restart, or after somebody flushed the rules.
 */
export class PortOpenings {
  readonly #terms: PortTerms
  readonly #live = new Map<string, Live>()
  readonly #holders = new Holders<Live>()
  readonly #records: PortRecords
  #refusedSaidAt = -Infinity
  #stopped = false

  constructor(terms: PortTerms) {
    this.#terms = terms
    this.#records = new PortRecords(terms.store, terms.log)
  }

  /** Restores the openings of the daemon's last run, and installs the guard. @throws the firewall's error */
  start(config: Config): void {
    const doors = new Map(config.doors.map((door) => [door.name, door]))
    for (const opening of this.#terms.store.openings.values()) {
      if (opening.stop !== undefined) continue
      const live = restoredLive(opening, doors, this.#terms.clocks.now())
      if (live === undefined || this.#live.has(live.key)) this.#records.forget(opening)
      else this.#live.set(live.key, live)
    }
    this.replace(config)
  }

  /**
   * Installs the guard of another config. Openings stay open if the config still has their doors.
   *
   * @throws the firewall's error; nothing has changed then
   */
  replace(config: Config): void {
    const doors = new Map(config.doors.map((door) => [door.name, door]))
    const gone = [...this.#live.values()].filter((live) => presentDoor(live, doors) === undefined)
    for (const live of gone) this.#live.delete(live.key)
    try {
      this.#terms.guard.install(config, (plan) => this.#held(plan, doors))
    } catch (error) {
      for (const live of gone) this.#live.set(live.key, live)
      throw error
    }
    for (const live of gone) this.#ended(live)
    for (const live of this.#live.values()) {
      live.door = presentDoor(live, doors)!
      live.elements = this.#terms.guard.elements(live.door, live.source, live.forward)
      this.#schedule(live)
    }
    this.#holders.replace(this.#live.values())
  }

  /** Lists every opening with its remaining time. */
  list(): readonly PortOpening[] {
    const now = this.#terms.clocks.now()
    return [...this.#live.values()].map(({ opening, door, holds, claimedUser, forward, deadline }) => ({
      door: door.name,
      source: opening.source,
      user: lastUser(holds),
      claimedUser,
      services: door.opens.map(formatService),
      forward: forward === undefined ? undefined : forwardText(forward),
      leftMs: timeLeft(deadline, now),
    }))
  }

  /**
   * Opens all or some ports of a door for a source. An existing opening is extended, never shortened. False: the ports
   * stay shut, and the log has the reason.
   */
  open(whole: Door, source: Address, { ms, user, holder, claimedUser, services, forward, opened }: OpenedFor): boolean {
    const { clocks, log } = this.#terms
    const address = formatAddress(source)
    const door = services === undefined ? whole : { ...whole, opens: services }
    const who = { source: address, door: door.name, user }
    const refused = (why: { readonly reason?: string; readonly cause?: string }): false =>
      this.#refused({ kind: 'refused', ...who, ...why })
    const asked = { door, source, services, forward }
    const key = keyOfAsked(asked)
    const before = this.#live.get(key)
    const now = clocks.now()
    if (before === undefined && this.#live.size >= PORT_OPENINGS_MAX) {
      return refused({ reason: 'too many doors are open' })
    }
    const longest = before === undefined ? ms : Math.max(ms, timeLeft(before.deadline, now))
    const own = before?.holds.find((hold) => hold.holder === holder)
    const hold = {
      ...deadlineAfter(now, own === undefined ? ms : Math.max(ms, timeLeft(own, now))),
      holder,
      user: user ?? own?.user,
    }
    const elements = this.#terms.guard.elements(door, source, forward)
    const elsewhere =
      before === undefined && forward !== undefined ? sentOnTo(this.#live.values(), elements) : undefined
    if (elsewhere !== undefined) {
      return refused({ cause: `its ports are already sent on to ${elsewhere}` })
    }
    if (elements.length === 0) {
      return refused({ reason: `it has no ports to open over IPv${source.family}` })
    }
    const live = before ?? newLive(asked, hold, elements, now)
    try {
      this.#let(live, elements, longest, now)
    } catch (error) {
      return refused({ cause: (error as Error).message })
    }
    live.holds = withHold(liveHolds(live.holds, now), hold)
    live.deadline = lastDeadline(live.holds, now)
    live.claimedUser = claimedUser
    this.#live.set(key, live)
    this.#holders.add(live, elements)
    this.#schedule(live)
    opened?.()
    const seconds = Math.round(longest / 1000)
    const what = openingText(door, source, forward)
    log.event(before === undefined ? { kind: 'opened', ...who, what, seconds } : { kind: 'extended', ...who, seconds })
    void this.#records.note(live.opening, hold, before !== undefined)
    return true
  }

  /** Closes the openings of a door for a source, for all sources, or of all doors. Returns their number. */
  close(door: string | undefined, source: Address | undefined): number {
    const address = source === undefined ? undefined : formatAddress(source)
    const meant = [...this.#live.values()].filter(
      ({ opening }) =>
        (door === undefined || opening.door === door) && (address === undefined || opening.source === address),
    )
    for (const live of meant) this.#close(live)
    return meant.length
  }

  /**
   * Removes holders that `may` rejects. Openings without a holder are closed; others stay open until their last
   * deadline.
   */
  release(may: May): void {
    for (const live of this.#live.values()) {
      const left = live.holds.filter((hold) => may(heldBy(live.opening, hold)))
      if (left.length === live.holds.length) continue
      if (left.length === 0) this.#close(live)
      else this.#shorten(live, left)
    }
  }

  /** Closes openings whose forward leads to an address that has become this machine's own. */
  closeForwardsTo(isOwn: (address: Address) => boolean): void {
    for (const live of this.#live.values()) {
      const to = live.forward?.address
      if (to === undefined || !isOwn(to)) continue
      const { source, door } = live.opening
      const cause = `${formatAddress(to)} is an address of this machine now`
      this.#terms.log.event({ kind: 'trouble', level: 'warning', source, door, what: 'is no longer forwarded', cause })
      this.#close(live)
    }
  }

  /**
   * Restores the guard with all openings if another program changed it, and logs it. Returns true if so.
   *
   * @param state what is known of the table; `unclear`: it is checked first, which takes longer
   * @throws the firewall's error
   */
  repair(state: 'changed' | 'gone' | 'unclear'): boolean {
    const { guard, log, restored } = this.#terms
    if (state === 'unclear' && this.#intact) return false
    guard.restore((plan) => this.#held(plan), state === 'gone')
    const open = `${this.#live.size} opening${this.#live.size === 1 ? '' : 's'}`
    log.notice('warning', `another program took the guard out of the rules: it is back, with ${open}`)
    restored?.()
    return true
  }

  /** The networks that are let in now, each with the services to which it may begin connections. */
  get admissions(): readonly Admission[] {
    return [...this.#live.values()].map(admissionOf)
  }

  get #intact(): boolean {
    return this.#terms.guard.isIntact((plan) => this.#held(plan))
  }

  /** Stops all timers. The openings stay in the kernel until their time is over. */
  stop(): void {
    this.#stopped = true
    for (const { timer } of this.#live.values()) clearTimeout(timer)
  }

  /** Lets the source through. Elements that another opening needs for longer keep their time. */
  #let(live: Live, elements: readonly Element[], ms: number, now: Moment): void {
    const { guard } = this.#terms
    const shorter = elements.filter((element) =>
      this.#holders.of(element).every((other) => other === live || timeLeft(other.deadline, now) <= ms),
    )
    try {
      guard.open(shorter, ms)
    } catch (error) {
      // The table may be gone, and the notification may still be on its way.
      if (!this.repair('unclear')) throw error
      guard.open(shorter, ms)
    }
  }

  #shorten(live: Live, holds: readonly Hold[]): void {
    const now = this.#terms.clocks.now()
    live.holds = holds
    live.deadline = lastDeadline(holds, now)
    if (timeLeft(live.deadline, now) <= 0) this.#close(live)
    else {
      this.#settle(live)
      this.#schedule(live)
    }
  }

  #close(live: Live): void {
    this.#holders.remove(live)
    this.#settle(live)
    this.#ended(live)
  }

  /** Updates an opening's elements in the kernel: each stays for the longest opening that needs it, or is removed. */
  #settle(live: Live): void {
    const { guard, clocks, log } = this.#terms
    const now = clocks.now()
    const free = live.elements.filter((element) => this.#holders.of(element).length === 0)
    try {
      guard.close(free)
      for (const element of live.elements.filter((each) => !free.includes(each))) {
        const left = this.#holders.of(element).map((other) => timeLeft(other.deadline, now))
        guard.open([element], Math.max(...left))
      }
    } catch (error) {
      if (this.#intact) {
        const { source, door } = live.opening
        const { message: cause } = error as Error
        const what = 'is closed by the kernel at its deadline'
        log.event({ kind: 'trouble', level: 'warning', source, door, what, cause })
      }
    }
  }

  #ended(live: Live): void {
    const { source, door } = live.opening
    clearTimeout(live.timer)
    this.#live.delete(live.key)
    this.#terms.past?.(admissionOf(live))
    const what = openingText(live.door, live.source, live.forward)
    this.#terms.log.event({ kind: 'closed', source, door, what })
    this.#records.forget(live.opening)
  }

  #schedule(live: Live): void {
    clearTimeout(live.timer)
    const left = timeLeft(live.deadline, this.#terms.clocks.now())
    const ahead = live.door.extendWhileConnected ? Math.min(EXTEND_AHEAD_MS, left / 2) : 0
    live.timer = setTimeout(() => this.#wake(live, ahead), Math.min(left - ahead, TIMER_MAX_MS))
  }

  #wake(live: Live, aheadMs: number): void {
    const left = timeLeft(live.deadline, this.#terms.clocks.now())
    if (left > aheadMs) this.#schedule(live)
    // The check before the end keeps the kernel from closing first. The one at the end is for connections that came
    // later.
    else if (live.door.extendWhileConnected) void this.#extendOrEnd(live)
    else if (left > 0) live.timer = setTimeout(() => this.#wake(live, 0), left)
    else this.#close(live)
  }

  /** Extends an opening whose source is connected. Any other one ends with its time. Never rejects. */
  async #extendOrEnd(live: Live): Promise<void> {
    if (live.asking) return
    const { door, source, deadline } = live
    live.asking = true
    const connected = await this.#terms.isConnected(door.opens, networkOf(source, door.widen[source.family]))
    live.asking = false
    if (this.#stopped || this.#live.get(live.key) !== live) return
    // The opening may have been extended meanwhile.
    if (live.deadline !== deadline || (connected && this.#extended(live))) {
      this.#schedule(live)
      return
    }
    clearTimeout(live.timer)
    const left = timeLeft(deadline, this.#terms.clocks.now())
    if (left > 0) live.timer = setTimeout(() => this.#wake(live, 0), left)
    else this.#close(live)
  }

  /** Extends the opening by one step. False: the firewall refuses. */
  #extended(live: Live): boolean {
    const { clocks, log } = this.#terms
    const { source, door } = live.opening
    const now = clocks.now()
    try {
      this.#let(live, live.elements, EXTEND_STEP_MS, now)
    } catch (error) {
      const { message: cause } = error as Error
      log.event({ kind: 'trouble', level: 'error', source, door, what: 'is not kept open', cause })
      return false
    }
    live.deadline = deadlineAfter(now, EXTEND_STEP_MS)
    // The holder of the connection is unknown.
    const alive = liveHolds(live.holds, now)
    live.holds = extendedHolds(alive.length > 0 ? alive : live.holds, live.deadline)
    log.event({ kind: 'extended', source, door, seconds: EXTEND_STEP_MS / 1000, connected: true })
    void this.#records.note(live.opening, { ...live.deadline, holder: undefined, user: undefined }, true)
    return true
  }

  #held(plan: GuardPlan, doors?: DoorsByName): readonly Held[] {
    return heldElements(this.#live.values(), plan, this.#terms.clocks.now(), doors)
  }

  #refused(event: Omit<Extract<LogEvent, { kind: 'refused' }>, 'level'>): false {
    const now = performance.now()
    const said = now - this.#refusedSaidAt < REFUSED_REPORT_MS
    if (!said) this.#refusedSaidAt = now
    this.#terms.log.event({ ...event, level: said ? 'debug' : 'error' })
    return false
  }
}
