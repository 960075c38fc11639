import type { Config, Service } from '../config/config.ts'
import { formatService, readService } from '../config/service.ts'
import type { ExposedStatus, GuardStatus } from '../control/message.ts'
import type { Kept } from '../door/connected.ts'
import { Guard } from '../door/guard.ts'
import { PortOpener } from '../door/port-opener.ts'
import { ConnectionLookup } from '../host/connection-lookup.ts'
import { connectionsTo } from '../host/connections.ts'
import { listeningNow } from '../host/listening.ts'
import { Nftables } from '../native/nftables.ts'
import { formatNetwork } from '../packet/network.ts'
import type { Moment } from '../state/deadline.ts'
import type { Lock } from '../state/lock.ts'
import type { Store } from '../state/store.ts'
import { Exposed } from './exposed.ts'
import { Gap } from './gap.ts'
import { lockGuard } from './guard-lock.ts'
import type { Log } from '../log/log.ts'
import { TableWatch } from './table-watch.ts'

/**
 * The state's key for the hidden services (`tcp/22,udp/53`). It shows that the guard's table belongs to this daemon.
 */
const GUARD_KEY = 'guard'
/** The value before the table exists. */
const NOT_YET = 'yes'

/** The dependencies on the daemon. */
export interface GuardingDeps {
  readonly store: Store
  readonly log: Log
  readonly clocks: { now(): Moment }
  /** Called with each opening that a connection extends. */
  readonly kept?: (opening: Kept) => void
}

/** The daemon's guard. It begins with the first config that needs it, and is restored if another program removes it. */
export class Guarding {
  /** The openings of ports in the guard. There are none before the guard begins. */
  readonly ports: PortOpener
  readonly #deps: GuardingDeps
  readonly #guard: Guard
  readonly #gap: Gap
  readonly #watch: TableWatch
  readonly #exposed: Exposed
  /** The kernel's firewall and the lock on it; `undefined` before the guard begins. */
  #held: { readonly firewall: Nftables; readonly lock: Lock } | undefined

  constructor(deps: GuardingDeps) {
    const { log } = deps
    this.#deps = deps
    this.#exposed = new Exposed(deps)
    const run = (commands: string, rulesAlone?: boolean): string => {
      if (this.#held === undefined) throw new Error('the guard is not running')
      return this.#held.firewall.run(commands, rulesAlone)
    }
    const commit = (transaction: Uint8Array): boolean => this.#held?.firewall.commit(transaction) === true
    const guard = new Guard({ run, commit }, { listening: () => listeningNow(), connectionsTo }, true)
    const lookup = new ConnectionLookup()
    this.#guard = guard
    this.ports = new PortOpener({
      ...deps,
      guard,
      isConnected: async (services, from) => await lookup.isConnected(services, from),
      restored: () => this.#gap.closed(),
      past: (admission) => this.#gap.past(admission),
    })
    this.#watch = new TableWatch({ log, repair: (state) => this.ports.repair(state) })
    this.#gap = new Gap({ guard, log, admissions: () => this.ports.admissions, stands: () => this.#watch.check() })
  }

  /**
   * Returns the guarded services; `undefined` if nothing is guarded.
   *
   * @param isCounting true: with the number of packets that were hidden from. libnftables reads the whole table for that,
   *   which takes 14 µs for each opening, and holds the daemon up meanwhile.
   */
  status(isCounting: boolean): GuardStatus | undefined {
    const { plan } = this.#guard
    if (plan === undefined) return undefined
    const isIntact = this.#watch.check()
    return {
      fault: isIntact ? undefined : (this.#watch.failure ?? 'another program removed it, it will be restored shortly'),
      services: plan.services.map(formatService),
      hideWith: plan.hideWith,
      alwaysAllow: plan.alwaysAllow.map(formatNetwork),
      ...(isCounting ? { hidden: this.#guard.hidden } : {}),
    }
  }

  /** Returns false if ports are to be guarded, and another program has changed the table and it is not restored yet. */
  isInForce(): boolean {
    return this.#guard.plan === undefined || this.#watch.check()
  }

  /** The services that were hidden until less than a day ago. */
  get exposed(): readonly ExposedStatus[] {
    return this.#exposed.list
  }

  /**
   * Guards the services of a config, in place of the previous ones.
   *
   * @throws MissingLibraryError, LockedError, or an error of the firewall or the state; nothing has changed then
   */
  async guard(config: Config): Promise<void> {
    const { store } = this.#deps
    const wanted = config.options.guard.length > 0 || config.doors.some(({ opens }) => opens.length > 0)
    const noted = store.newest(GUARD_KEY)
    const there = noted !== undefined
    if (!wanted && !there) return
    // The key comes before the table. After a crash, a table without the key would have no known owner.
    if (wanted && !there) await store.advance(GUARD_KEY, NOT_YET, () => true)
    const before = noted?.split(',').flatMap((text) => readService(text) ?? []) ?? []
    if (this.#held === undefined) before.push(...this.#begin(config))
    // Otherwise flows that began while the guard was away would count as admitted.
    else this.#watch.replace(() => this.ports.replace(config))
    await this.#gap.installed()
    await this.#note(before)
  }

  /** Stops watching. The guard stays, and the kernel closes the openings. */
  stop(): void {
    this.#watch.stop()
    this.#gap.stop()
    this.ports.stop()
    this.#release()
  }

  /** Logs the services that are no longer hidden, and stores the hidden ones. */
  async #note(before: readonly Service[]): Promise<void> {
    const { store, log } = this.#deps
    const services = this.#guard.plan?.services ?? []
    await this.#exposed.compare(before, services)
    const value = services.map(formatService).join()
    if (value === store.newest(GUARD_KEY)) return
    try {
      if (value === '') await store.forget(GUARD_KEY)
      else await store.advance(GUARD_KEY, value, () => true)
    } catch (error) {
      log.notice('warning', `the hidden ports will be unknown after a restart: ${(error as Error).message}`)
    }
  }

  /**
   * Returns the services that the table hid before. A previous run of the daemon or another program made that table.
   */
  #begin(config: Config): readonly Service[] {
    const lock = lockGuard()
    try {
      this.#watch.start()
      this.#held = { firewall: new Nftables(), lock }
      const before = this.#guard.hides
      this.ports.start(config)
      return before
    } catch (error) {
      this.#watch.stop()
      if (this.#held === undefined) lock.release()
      else this.#release()
      throw error
    }
  }

  #release(): void {
    this.#held?.firewall.close()
    this.#held?.lock.release()
    this.#held = undefined
  }
}
