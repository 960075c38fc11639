import { mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Config, Door, Service } from '../config/config.ts'
import { formatService, readService } from '../config/service.ts'
import type { ExposedStatus, GuardStatus } from '../control/message.ts'
import { Guard } from '../door/guard.ts'
import type { May } from '../door/held.ts'
import { PortOpenings } from '../door/port-openings.ts'
import type { OpenedFor, PortOpening } from '../door/port-opening.ts'
import { RUN_FOLDER } from '../control/socket.ts'
import { ConnectionLookup } from '../host/connection-lookup.ts'
import { connectionsTo } from '../host/connections.ts'
import { listeningPorts } from '../host/listening.ts'
import type { Listening } from '../host/listening.ts'
import { tryLock } from '../native/libc.ts'
import { monitorTable } from '../native/netlink.ts'
import type { TableMonitor } from '../native/netlink.ts'
import { Nftables } from '../native/nftables.ts'
import { formatNetwork } from '../packet/network.ts'
import { TCP, UDP } from '../packet/packet.ts'
import type { Address } from '../packet/address.ts'
import type { Moment } from '../state/deadline.ts'
import { LockedError, takeLock } from '../state/lock.ts'
import type { Lock } from '../state/lock.ts'
import type { Store } from '../state/store.ts'
import { Exposed } from './exposed.ts'
import { Gap } from './gap.ts'
import type { Log } from '../log/log.ts'
import { Repairs } from './repairs.ts'

/** The network namespace of this process. Each namespace has its own rules, like a separate host. */
const NETWORK_NAMESPACE = '/proc/self/ns/net'
/**
 * The state's key for the hidden services (`tcp/22,udp/53`). It shows that the guard's table belongs to this daemon.
 */
const GUARD_KEY = 'guard'
/** The value before the table exists. */
const NOT_YET = 'yes'
/** The name of the guard's table, of the family inet, in the kernel's notifications. */
const TABLE_NAME = 'postern'

/** The dependencies on the daemon. */
export interface GuardingTerms {
  readonly store: Store
  readonly log: Log
  readonly clocks: { now(): Moment }
}

/** The daemon's guard. It begins with the first config that needs it, and is restored if another program removes it. */
export class Guarding {
  readonly #terms: GuardingTerms
  readonly #repairs = new Repairs()
  readonly #exposed: Exposed
  #guard: Guard | undefined
  #ports: PortOpenings | undefined
  #lock: Lock | undefined
  #gap: Gap | undefined
  #monitor: TableMonitor | undefined
  #firewall: Nftables | undefined
  #timer: NodeJS.Timeout | undefined
  /** The reason why the guard could not be restored. */
  #failure: string | undefined

  constructor(terms: GuardingTerms) {
    this.#terms = terms
    this.#exposed = new Exposed(terms)
  }

  /** The current openings of ports. */
  get list(): readonly PortOpening[] {
    return this.#ports?.list() ?? []
  }

  /** The guarded services and the number of packets that were hidden from; `undefined` if nothing is guarded. */
  get status(): GuardStatus | undefined {
    const plan = this.#guard?.plan
    if (plan === undefined) return undefined
    return {
      fault: this.#stood() ? undefined : (this.#failure ?? 'another program removed it, it will be restored shortly'),
      services: plan.services.map(formatService),
      hideWith: plan.hideWith,
      alwaysAllow: plan.alwaysAllow.map(formatNetwork),
      hidden: this.#guard!.hidden,
    }
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
    const { store } = this.#terms
    const wanted = config.options.guard.length > 0 || config.doors.some(({ opens }) => opens.length > 0)
    const noted = store.newest(GUARD_KEY)
    const there = noted !== undefined
    if (!wanted && !there) return
    // The key comes before the table. After a crash, a table without the key would have no known owner.
    if (wanted && !there) await store.advance(GUARD_KEY, NOT_YET, () => true)
    const before = noted?.split(',').flatMap((text) => readService(text) ?? []) ?? []
    if (this.#ports === undefined) before.push(...this.#begin(config))
    else {
      // Otherwise flows that began while the guard was away would count as admitted.
      if (!this.#stands) this.#repair()
      this.#ports.replace(config)
    }
    await this.#gap?.installed()
    await this.#note(before)
  }

  /** Logs the services that are no longer hidden, and stores the hidden ones. */
  async #note(before: readonly Service[]): Promise<void> {
    const { store, log } = this.#terms
    const services = this.#guard?.plan?.services ?? []
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

  /** Opens a door's ports for a source. Returns false if they stay shut. */
  open(door: Door, source: Address, { ms = door.cmdTimeoutMs, ...of }: Partial<OpenedFor> = {}): boolean {
    return this.#ports?.open(door, source, { ...of, ms }) ?? false
  }

  /** Closes the openings of a door and a source; `undefined` matches any. @returns the number of closed openings */
  close(door: string | undefined, source: Address | undefined): number {
    return this.#ports?.close(door, source) ?? 0
  }

  /** Closes openings that forward to addresses which now belong to this host. */
  closeForwardsTo(isOwn: (address: Address) => boolean): void {
    this.#ports?.closeForwardsTo(isOwn)
  }

  /** Closes openings that none of their holders may keep. */
  release(may: May): void {
    this.#ports?.release(may)
  }

  /** Stops watching. The guard stays, and the kernel closes the openings. */
  stop(): void {
    clearTimeout(this.#timer)
    this.#monitor?.close()
    this.#gap?.stop()
    this.#ports?.stop()
    this.#firewall?.close()
    this.#lock?.release()
  }

  /**
   * Returns the services that the table hid before. A previous run of the daemon or another program made that table.
   */
  #begin(config: Config): readonly Service[] {
    const { store, log, clocks } = this.#terms
    const lock = lockHost()
    try {
      this.#monitor = this.#watch()
      const firewall = new Nftables()
      const guard = new Guard(firewall, new ThisHost(), true)
      const lookup = new ConnectionLookup()
      const ports: PortOpenings = new PortOpenings({
        guard,
        store,
        clocks,
        log,
        isConnected: async (services, from) => await lookup.isConnected(services, from),
        restored: () => gap.closed(),
        past: (admission) => gap.past(admission),
      })
      const gap = new Gap({ guard, log, admissions: () => ports.admissions, stands: () => this.#stood() })
      const before = guard.hides
      ports.start(config)
      this.#guard = guard
      this.#ports = ports
      this.#gap = gap
      this.#firewall = firewall
      this.#lock = lock
      return before
    } catch (error) {
      this.#monitor?.close()
      this.#monitor = undefined
      lock.release()
      throw error
    }
  }

  #watch(): TableMonitor | undefined {
    try {
      return monitorTable(TABLE_NAME, () => this.#changed())
    } catch (error) {
      this.#terms.log.notice('warning', `cannot notice rule changes by other programs: ${(error as Error).message}`)
      return undefined
    }
  }

  /** Returns true if no notification shows that another program touched the table. */
  get #stands(): boolean {
    return this.#monitor === undefined || this.#monitor.look() === 'intact'
  }

  /** Returns true if the table is in place. Otherwise the table is restored, at once or after a pause. */
  #stood(): boolean {
    if (this.#stands) return true
    this.#changed()
    return this.#stands
  }

  /** Handles a change of rules by another program, which may concern the guard. */
  #changed(): void {
    if (this.#timer !== undefined) return
    const pause = this.#repairs.wait(performance.now())
    if (pause === 0) return this.#repair()
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#repair()
    }, pause)
  }

  #repair(): void {
    const { log } = this.#terms
    const state = this.#monitor?.look() ?? 'unclear'
    if (state === 'intact') return
    try {
      if (this.#ports?.repair(state) === true) this.#repairs.made(performance.now())
      else this.#monitor?.seenIntact()
      this.#failure = undefined
    } catch (error) {
      this.#repairs.made(performance.now())
      this.#failure = (error as Error).message
      log.notice('error', `cannot restore the guard: ${(error as Error).message}`)
    }
    // The table may have changed again in the meantime, and no further notification would come.
    if (!this.#stands) this.#changed()
  }
}

/** Locks the host's guard, because two daemons with a guard would keep removing each other's table. */
function lockHost(): Lock {
  mkdirSync(RUN_FOLDER, { recursive: true, mode: 0o755 })
  const { ino } = statSync(NETWORK_NAMESPACE)
  try {
    return takeLock(join(RUN_FOLDER, `guard-${ino}.lock`), tryLock, process.pid)
  } catch (error) {
    if (!(error instanceof LockedError)) throw error
    const { holder } = error
    const who = holder === undefined ? 'another knockd' : `another knockd (process ${holder})`
    throw new Error(`${who} already guards the ports of this host\nput the guarded doors into one config`, {
      cause: error,
    })
  }
}

/** This host's sockets, for the guard. */
class ThisHost {
  readonly connectionsTo = connectionsTo
  #listening: Listening | undefined

  listens(port: number): boolean {
    this.#listening ??= listeningPorts()
    return this.#listening[TCP].has(port) || this.#listening[UDP].has(port)
  }
}
