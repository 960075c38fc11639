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
import type { Log } from './log/log.ts'
import { Repairs } from './repairs.ts'

/** Network namespaces are hosts of their own. */
const NETWORK_NAMESPACE = '/proc/self/ns/net'
/** Under this key the state says that the guard's table is this daemon's, and what it hides: `tcp/22,udp/53`. */
const GUARD_KEY = 'guard'
/** What it says before the table is there. */
const NOT_YET = 'yes'
/** The guard's table of the family inet, as the kernel's news have it. */
const TABLE_NAME = 'postern'

/** What guarding needs of the daemon. */
export interface GuardingTerms {
  readonly store: Store
  readonly log: Log
  readonly clocks: { now(): Moment }
}

/** The daemon's guard: there from the first config on that asks for it, and put back when somebody else takes it away. */
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
  /** What the guard could not be put back for. */
  #failure: string | undefined

  constructor(terms: GuardingTerms) {
    this.#terms = terms
    this.#exposed = new Exposed(terms)
  }

  /** What is open. */
  get list(): readonly PortOpening[] {
    return this.#ports?.list() ?? []
  }

  /** What is guarded, and how many packets of strangers were hidden from; `undefined`: nothing is. */
  get status(): GuardStatus | undefined {
    const plan = this.#guard?.plan
    if (plan === undefined) return undefined
    return {
      fault: this.#stood() ? undefined : (this.#failure ?? 'another program took it out, it will be back in a moment'),
      services: plan.services.map(formatService),
      hideWith: plan.hideWith,
      alwaysAllow: plan.alwaysAllow.map(formatNetwork),
      hidden: this.#guard!.hidden,
    }
  }

  /** What was hidden until less than a day ago. */
  get exposed(): readonly ExposedStatus[] {
    return this.#exposed.list
  }

  /**
   * Guards what the config asks for, in place of what was guarded before.
   *
   * @throws MissingLibraryError, LockedError, or the firewall's or the state's error: everything is as it was
   */
  async guard(config: Config): Promise<void> {
    const { store } = this.#terms
    const wanted = config.options.guard.length > 0 || config.doors.some(({ opens }) => opens.length > 0)
    const noted = store.newest(GUARD_KEY)
    const there = noted !== undefined
    if (!wanted && !there) return
    // Before the table is there: else it could outlive a crash without anybody knowing whose it is.
    if (wanted && !there) await store.advance(GUARD_KEY, NOT_YET, () => true)
    const before = noted?.split(',').flatMap((text) => readService(text) ?? []) ?? []
    if (this.#ports === undefined) before.push(...this.#begin(config))
    else {
      // Else who came in while it was away would count as let in.
      if (!this.#stands) this.#repair()
      this.#ports.replace(config)
    }
    await this.#gap?.installed()
    await this.#note(before)
  }

  /** Says what is no longer hidden, and notes what is. */
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
      log.notice('warning', `what the guard hides is not known after a restart: ${(error as Error).message}`)
    }
  }

  /** Opens a door's ports for a source. False: they stay shut. */
  open(door: Door, source: Address, { ms = door.cmdTimeoutMs, ...of }: Partial<OpenedFor> = {}): boolean {
    return this.#ports?.open(door, source, { ...of, ms }) ?? false
  }

  /** Closes what is open for a door and a source, each of them any if it is not given. Gives how many openings that were. */
  close(door: string | undefined, source: Address | undefined): number {
    return this.#ports?.close(door, source) ?? 0
  }

  /** Closes what sends connections on to addresses that have become this machine's own. */
  closeForwardsTo(isOwn: (address: Address) => boolean): void {
    this.#ports?.closeForwardsTo(isOwn)
  }

  /** Closes what none of its holders may hold any more. */
  release(may: May): void {
    this.#ports?.release(may)
  }

  /** Watches no more. The guard stays, and the kernel closes what is open. */
  stop(): void {
    clearTimeout(this.#timer)
    this.#monitor?.close()
    this.#gap?.stop()
    this.#ports?.stop()
    this.#firewall?.close()
    this.#lock?.release()
  }

  /** Gives what the table hid that an earlier life of the daemon left, or another program has put in. */
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
      this.#terms.log.notice(
        'warning',
        `changes of the rules by other programs are not noticed: ${(error as Error).message}`,
      )
      return undefined
    }
  }

  /** Whether nothing has come of the table's being touched by another program. */
  get #stands(): boolean {
    return this.#monitor === undefined || this.#monitor.look() === 'intact'
  }

  /** Whether the table stands; where it does not it is put back, now or in its turn. */
  #stood(): boolean {
    if (this.#stands) return true
    this.#changed()
    return this.#stands
  }

  /** Another program has changed rules: perhaps the guard's. */
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
      log.notice('error', `the guard cannot be put back: ${(error as Error).message}`)
    }
    // The table may have been touched again meanwhile, of which no other news will tell.
    if (!this.#stands) this.#changed()
  }
}

/** Two daemons with a guard each would take the table away from each other. */
function lockHost(): Lock {
  mkdirSync(RUN_FOLDER, { recursive: true, mode: 0o755 })
  const { ino } = statSync(NETWORK_NAMESPACE)
  try {
    return takeLock(join(RUN_FOLDER, `guard-${ino}.lock`), tryLock, process.pid)
  } catch (error) {
    if (!(error instanceof LockedError)) throw error
    const { holder } = error
    const who = holder === undefined ? 'another knockd' : `another knockd (process ${holder})`
    throw new Error(`${who} guards the ports of this host already\nput the guarded doors into one config`, {
      cause: error,
    })
  }
}

/** The machine this runs on, as the guard asks about it. */
class ThisHost {
  readonly connectionsTo = connectionsTo
  #listening: Listening | undefined

  listens(port: number): boolean {
    this.#listening ??= listeningPorts()
    return this.#listening[TCP].has(port) || this.#listening[UDP].has(port)
  }
}
