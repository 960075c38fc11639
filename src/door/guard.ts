import type { Config, Door, Service } from '../config/config.ts'
import { ENDED_MAX, endCommand, endedName } from '../firewall/guard/ended.ts'
import type { Ended } from '../firewall/guard/ended.ts'
import { listedElements, listedKept, listedKey, listedServices } from '../firewall/guard/listed.ts'
import { REMOVE_GUARD, guardRuleset, newGuard } from '../firewall/guard/ruleset.ts'
import type { Held, Kept } from '../firewall/guard/ruleset.ts'
import { HIDDEN_COUNTER, TABLE, closeCommand, elementsOf, openCommand } from '../firewall/guard/element.ts'
import type { Element, Forward } from '../firewall/guard/element.ts'
import { planOf } from '../firewall/guard/plan.ts'
import type { GuardPlan } from '../firewall/guard/plan.ts'
import { elementTransaction } from '../host/element-transaction.ts'
import { formatAddress } from '../packet/address.ts'
import type { Address } from '../packet/address.ts'
import { TCP } from '../packet/packet.ts'
import type { Socket } from '../host/sockets.ts'

/** Most connections from before the guard that are kept: to guarded ports, and to others that a reload may guard. */
const KEPT_MAX = 65_536
const KEPT_BESIDE_MAX = 1_024
/** Milliseconds before the end of an element in which the kernel may or may not have removed it. */
const ENDS_SOON_MS = 2_000
const ALL_TCP: Service = { protocol: TCP, first: 1, last: 65_535, host: undefined }

/** The firewall functions that the guard needs. */
export interface Firewall {
  /** Runs commands of nft(8), all or none, and returns their output. Throws if they are refused. */
  run(commands: string, rulesAlone?: boolean): string
  /** Commits an encoded transaction. Returns false if the kernel did not confirm it: it may be in force or not. */
  commit?(transaction: Uint8Array): boolean
}

/** The functions of the host that the guard needs. */
export interface Host {
  /** Looks at the ports on which programs listen now, and returns a test for these, TCP or UDP. */
  listening(): (port: number) => boolean
  connectionsTo(services: readonly Service[]): readonly Socket[]
}

/** A transaction that lets elements through; `undefined` if only the library can make it. */
interface Prepared {
  readonly elements: readonly Element[]
  readonly ms: number
  readonly transaction: Uint8Array | undefined
}

/** The nftables table that hides ports, with the sets that let sources through. */
export class Guard {
  readonly #firewall: Firewall
  readonly #host: Host
  #plan: GuardPlan | undefined
  /** The transaction that was prepared last. */
  #prepared: Prepared | undefined
  /** The table's rules as the kernel lists them, to recognise changes by other programs. */
  #listing = ''
  /** Connections from before the guard was first installed that still exist. */
  #kept: readonly Kept[] | undefined
  /** True if another program has removed the guard since it was installed. */
  #wasAway = false
  /** Flows that began while the guard was removed. */
  readonly #ended = new Map<string, Ended>()

  /** True if this daemon, or an earlier run of it, may have installed a table. */
  #there: boolean

  constructor(firewall: Firewall, host: Host, there: boolean) {
    this.#firewall = firewall
    this.#host = host
    this.#there = there
  }

  /** The present plan of the guard. */
  get plan(): GuardPlan | undefined {
    return this.#plan
  }

  /** The services that the table in the kernel hides, whichever program installed it. Empty without a table. */
  get hides(): readonly Service[] {
    return listedServices(this.#listed(true) ?? '')
  }

  /**
   * Installs the guard that the config asks for, with all present openings. It replaces the previous guard atomically:
   * each port is hidden or open as it should be at any moment. If the config needs no guard, the guard of this daemon
   * is removed.
   *
   * @param held returns the present openings, once the new sets are known
   * @throws the firewall's error; nothing has changed then
   */
  install(config: Config, held: (plan: GuardPlan) => readonly Held[]): void {
    const plan = planOf(config, this.#host.listening())
    if (plan === undefined) {
      if (this.#there) this.#firewall.run(REMOVE_GUARD)
      this.#there = false
      this.#plan = undefined
      this.#kept = undefined
      this.#wasAway = false
      this.#ended.clear()
      return
    }
    const kept = this.#keep(plan)
    this.#put(plan, held(plan), kept)
    this.#plan = plan
    this.#kept = kept
    this.#there = true
  }

  /**
   * Restores the table after another program has changed or removed it.
   *
   * @param gone true if the table is known to be missing
   * @throws the firewall's error
   */
  restore(held: (plan: GuardPlan) => readonly Held[], gone: boolean): void {
    if (this.#plan === undefined) return
    this.#wasAway = true
    this.#put(this.#plan, held(this.#plan), this.#kept ?? [], gone)
  }

  /**
   * Ends flows that began while the guard was removed: they no longer count as established. The kernel takes a limited
   * number, and the last flows of the list are left out.
   *
   * @throws the firewall's error; the flows are then ended when the table is restored
   */
  end(flows: readonly Ended[]): void {
    const more = flows.slice(0, ENDED_MAX - this.#ended.size)
    for (const flow of more) this.#ended.set(endedName(flow), flow)
    if (more.length > 0) this.#firewall.run(endCommand(more))
  }

  /** Returns true if the flow was ended, and has not been let in since. */
  hasEnded(flow: Ended): boolean {
    return this.#ended.has(endedName(flow))
  }

  /** Forgets all other ended flows, which no longer exist or were let in. */
  keepEnded(names: ReadonlySet<string>): void {
    for (const name of this.#ended.keys()) if (!names.has(name)) this.#ended.delete(name)
  }

  /** Returns true if the table is unchanged and holds exactly the present openings. */
  isIntact(held: (plan: GuardPlan) => readonly Held[]): boolean {
    if (this.#plan === undefined) return true
    return this.#listed(true) === this.#listing && this.#holds(held(this.#plan))
  }

  #holds(held: readonly Held[]): boolean {
    const wanted = new Map(held.map((each) => [`${each.set} ${listedKey(each.key)} ${each.data ?? ''}`, each.leftMs]))
    const seen = new Set<string>()
    for (const { set, key, data, leftMs } of listedElements(this.#listed(false) ?? '')) {
      if (!/^(?:open|wide|host|forward|redirect)/.test(set)) continue
      const name = `${set} ${key} ${data ?? ''}`
      seen.add(name)
      if (!wanted.has(name) && leftMs > ENDS_SOON_MS) return false
    }
    return [...wanted].every(([name, leftMs]) => leftMs <= ENDS_SOON_MS || seen.has(name))
  }

  /** Packets from unknown sources to guarded ports since the table was installed; 0 if the counter cannot be read. */
  get hidden(): number {
    try {
      const listed = this.#firewall.run(`list counter ${TABLE} ${HIDDEN_COUNTER}`)
      return Number(/packets ([0-9]+)/.exec(listed)?.[1] ?? 0)
    } catch {
      return 0
    }
  }

  /** Returns the set elements that make up an opening of a door. */
  elements(door: Door, source: Address, forward?: Forward): readonly Element[] {
    return this.#plan === undefined ? [] : elementsOf(this.#plan, door, source, forward)
  }

  /** Encodes the transaction of a later {@link open}. Nothing changes. */
  prepare(elements: readonly Element[], ms: number): void {
    this.#prepared = { elements, ms, transaction: elementTransaction(elements, ms) }
  }

  /**
   * Lets the elements through for `ms` milliseconds from now. @throws the firewall's error; nothing has changed then
   */
  open(elements: readonly Element[], ms: number): void {
    if (elements.length === 0) return
    const { transaction } = this.#preparedFor(elements, ms) ?? { transaction: elementTransaction(elements, ms) }
    this.#prepared = undefined
    // A refusal is found out again by the library, which has words for it.
    if (transaction !== undefined && this.#firewall.commit?.(transaction) === true) return
    this.#firewall.run(openCommand(elements, ms))
  }

  /** Stops letting the elements through. @throws the firewall's error */
  close(elements: readonly Element[]): void {
    if (elements.length > 0) this.#firewall.run(closeCommand(elements))
  }

  #preparedFor(elements: readonly Element[], ms: number): Prepared | undefined {
    const isSame = this.#prepared?.ms === ms && namesOf(this.#prepared.elements) === namesOf(elements)
    return isSame ? this.#prepared : undefined
  }

  #put(plan: GuardPlan, held: readonly Held[], kept: readonly Kept[], gone = false): void {
    const ruleset = guardRuleset(plan, held, kept, this.#wasAway ? [...this.#ended.values()] : undefined)
    if (!gone || !this.#create(ruleset)) this.#firewall.run(ruleset)
    this.#listing = this.#listed(true) ?? ''
  }

  /** Returns false if the table could not be created because another one is already there. */
  #create(ruleset: string): boolean {
    try {
      this.#firewall.run(newGuard(ruleset))
      return true
    } catch {
      return false
    }
  }

  /**
   * Returns connections that connection tracking may not have seen. They are collected when the guard is first
   * installed. None is added later, or anyone let in once would stay known.
   */
  #keep({ services }: GuardPlan): readonly Kept[] {
    const there = this.#host.connectionsTo([...services, ALL_TCP])
    const known = this.#kept ?? this.#before()
    if (known !== undefined) {
      // An empty list means that the system lists no sockets, not that all have ended.
      if (there.length === 0) return known
      const connected = new Set(there.map((socket) => nameOf(keptOf(socket))))
      return known.filter((each) => connected.has(nameOf(each)))
    }
    const guarded = new Set(this.#host.connectionsTo(services).map((socket) => nameOf(keptOf(socket))))
    const listens = this.#host.listening()
    const served = there.filter(({ port }) => listens(port)).map(keptOf)
    const all = there.map(keptOf).filter((each) => guarded.has(nameOf(each)))
    const beside = served.filter((each) => !guarded.has(nameOf(each)))
    return [...all.slice(0, KEPT_MAX - KEPT_BESIDE_MAX), ...beside.slice(0, KEPT_BESIDE_MAX)]
  }

  /** Returns the connections kept in the table of an earlier run of the daemon; `undefined`: there is no table. */
  #before(): readonly Kept[] | undefined {
    const listing = this.#listed(false)
    return listing === undefined ? undefined : listedKept(listing)
  }

  /** Returns the table as the kernel lists it; `undefined`: there is no table. */
  #listed(rulesAlone: boolean): string | undefined {
    try {
      return this.#firewall.run(`list table ${TABLE}`, rulesAlone)
    } catch {
      return undefined
    }
  }
}

function keptOf({ peer, peerPort, port }: Socket): Kept {
  return { family: peer.family, address: formatAddress(peer), peerPort, port }
}

function nameOf({ address, peerPort, port }: Kept): string {
  return `${address} ${peerPort} ${port}`
}

function namesOf(elements: readonly Element[]): string {
  return elements.map(({ set, key, data }) => `${set} ${key} ${data ?? ''}`).join()
}
