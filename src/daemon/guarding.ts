import { mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Config, Door } from '../config/config.ts'
import { formatService } from '../config/service.ts'
import type { GuardStatus } from '../control/message.ts'
import { Guard } from '../door/guard.ts'
import type { May } from '../door/held.ts'
import { PortOpenings } from '../door/port-openings.ts'
import type { OpenedFor, PortOpening } from '../door/port-opening.ts'
import { RUN_FOLDER } from '../control/socket.ts'
import { connectionsTo, isConnected } from '../host/connections.ts'
import { listeningPorts } from '../host/listening.ts'
import type { Listening } from '../host/listening.ts'
import { tryLock } from '../native/libc.ts'
import { monitorRules } from '../native/netlink.ts'
import type { Monitor } from '../native/netlink.ts'
import { Nftables } from '../native/nftables.ts'
import { formatNetwork } from '../packet/network.ts'
import { TCP, UDP } from '../packet/packet.ts'
import type { Address } from '../packet/address.ts'
import type { Moment } from '../state/deadline.ts'
import { LockedError, takeLock } from '../state/lock.ts'
import type { Lock } from '../state/lock.ts'
import type { Store } from '../state/store.ts'
import type { Log } from './log/log.ts'
import { Repairs } from './repairs.ts'

/** Network namespaces are hosts of their own. */
const NETWORK_NAMESPACE = '/proc/self/ns/net'
/** Under this key the state says that the guard's table is this daemon's. */
const GUARD_KEY = 'guard'
/** Milliseconds in which changes of the rules by others are taken for one. */
const REPAIR_DELAY_MS = 20

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
  #guard: Guard | undefined
  #ports: PortOpenings | undefined
  #lock: Lock | undefined
  #monitor: Monitor | undefined
  #firewall: Nftables | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(terms: GuardingTerms) {
    this.#terms = terms
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
      services: plan.services.map(formatService),
      hideWith: plan.hideWith,
      alwaysAllow: plan.alwaysAllow.map(formatNetwork),
      hidden: this.#guard!.hidden,
    }
  }

  /**
   * Guards what the config asks for, in place of what was guarded before.
   *
   * @throws MissingLibraryError, LockedError, or the firewall's or the state's error: everything is as it was
   */
  async guard(config: Config): Promise<void> {
    const { store } = this.#terms
    const wanted = config.options.guard.length > 0 || config.doors.some(({ opens }) => opens.length > 0)
    const there = store.newest(GUARD_KEY) !== undefined
    if (!wanted && !there) return
    // Before the table is there: else it could outlive a crash without anybody knowing whose it is.
    if (wanted && !there) await store.advance(GUARD_KEY, 'yes', () => true)
    if (this.#ports === undefined) this.#begin(config)
    else this.#ports.replace(config)
    if (!wanted) await store.forget(GUARD_KEY)
  }

  /** Opens a door's ports for a source. False: they stay shut. */
  open(door: Door, source: Address, { ms = door.cmdTimeoutMs, ...of }: Partial<OpenedFor> = {}): boolean {
    return this.#ports?.open(door, source, { ...of, ms }) ?? false
  }

  /** Closes what is open for a door and a source, each of them any if it is not given. Gives how many openings that were. */
  close(door: string | undefined, source: Address | undefined): number {
    return this.#ports?.close(door, source) ?? 0
  }

  /** Closes what none of its holders may hold any more. */
  release(may: May): void {
    this.#ports?.release(may)
  }

  /** Watches no more. The guard stays, and the kernel closes what is open. */
  stop(): void {
    clearTimeout(this.#timer)
    this.#monitor?.close()
    this.#ports?.stop()
    this.#firewall?.close()
    this.#lock?.release()
  }

  #begin(config: Config): void {
    const { store, log, clocks } = this.#terms
    const lock = lockHost()
    try {
      const firewall = new Nftables()
      const guard = new Guard(firewall, new ThisHost(), true)
      const ports = new PortOpenings({ guard, store, clocks, log, isConnected })
      ports.start(config)
      this.#guard = guard
      this.#ports = ports
      this.#firewall = firewall
    } catch (error) {
      lock.release()
      throw error
    }
    this.#lock = lock
    try {
      this.#monitor = monitorRules(() => this.#changed())
    } catch (error) {
      log.notice('warning', `changes of the rules by others go unnoticed: ${(error as Error).message}`)
    }
  }

  /** Somebody else has changed rules: perhaps the guard's. */
  #changed(): void {
    if (this.#timer !== undefined) return
    const pause = Math.max(REPAIR_DELAY_MS, this.#repairs.wait(performance.now()))
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#repair()
    }, pause)
  }

  #repair(): void {
    const { log } = this.#terms
    try {
      if (this.#ports?.repair() === true) this.#repairs.made(performance.now())
    } catch (error) {
      this.#repairs.made(performance.now())
      log.notice('error', `the guard cannot be put back: ${(error as Error).message}`)
      this.#changed()
    }
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
    const who = holder === undefined ? 'another knockd' : `another knockd, process ${holder},`
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
