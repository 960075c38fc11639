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
import { formatAddress } from '../packet/address.ts'
import type { Address } from '../packet/address.ts'
import { TCP } from '../packet/packet.ts'
import type { Socket } from '../host/sockets.ts'

/** Most connections from before the guard that are kept: to guarded ports, and to others that a reload may guard. */
const KEPT_MAX = 65_536
const KEPT_BESIDE_MAX = 1_024
/** Milliseconds before its end from which on an element may be gone from the kernel, or still there. */
const ENDS_SOON_MS = 2_000
const ALL_TCP: Service = { protocol: TCP, first: 1, last: 65_535, host: undefined }

/** The firewall, as far as the guard needs it. */
export interface Firewall {
  /** Runs commands of nft(8), all or none, and gives what they print; throws if they are refused. */
  run(commands: string, rulesAlone?: boolean): string
}

/** What the guard asks of the host it stands on. */
export interface Host {
  listens(port: number): boolean
  connectionsTo(services: readonly Service[]): readonly Socket[]
}

/** The table of nftables that hides ports, and the sets in it that let somebody through. */
export class Guard {
  readonly #firewall: Firewall
  readonly #host: Host
  #plan: GuardPlan | undefined
  /** The table's rules as the kernel lists them while nobody else has touched them. */
  #listing = ''
  /** What was connected before the guard first came, as far as it is connected yet. */
  #kept: readonly Kept[] | undefined
  /** Whether another program has taken the guard away since it came. */
  #wasAway = false
  /** Flows that began then. */
  readonly #ended = new Map<string, Ended>()

  /** Whether there may be a table that this daemon put in, perhaps in an earlier life. */
  #there: boolean

  constructor(firewall: Firewall, host: Host, there: boolean) {
    this.#firewall = firewall
    this.#host = host
    this.#there = there
  }

  /** What is guarded at the moment. */
  get plan(): GuardPlan | undefined {
    return this.#plan
  }

  /** What the table in the kernel hides, whoever put it in: nothing where there is none. */
  get hides(): readonly Service[] {
    return listedServices(this.#listed(true) ?? '')
  }

  /**
   * Guards what the config asks for, in place of what was guarded, with everything that is open already: in one step,
   * without a moment in which a port is neither hidden nor open as it should be. A config that asks for nothing takes the
   * guard away, if there is one of this daemon's.
   *
   * @param held asked for what is open, once it is known which sets there will be
   * @throws the firewall's error: everything is as it was
   */
  install(config: Config, held: (plan: GuardPlan) => readonly Held[]): void {
    const plan = planOf(config, (port) => this.#host.listens(port))
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
   * Puts the table back that another program has changed or taken out.
   *
   * @param gone whether it is known not to be there
   * @throws the firewall's error
   */
  restore(held: (plan: GuardPlan) => readonly Held[], gone: boolean): void {
    if (this.#plan === undefined) return
    this.#wasAway = true
    this.#put(this.#plan, held(this.#plan), this.#kept ?? [], gone)
  }

  /**
   * Has flows that began while the guard was away count as established no more, as many as the kernel takes: the last
   * ones give way.
   *
   * @throws the firewall's error: they are ended when the table is put back
   */
  end(flows: readonly Ended[]): void {
    const more = flows.slice(0, ENDED_MAX - this.#ended.size)
    for (const flow of more) this.#ended.set(endedName(flow), flow)
    if (more.length > 0) this.#firewall.run(endCommand(more))
  }

  /** Whether a flow was ended, and nobody has let it in since. */
  hasEnded(flow: Ended): boolean {
    return this.#ended.has(endedName(flow))
  }

  /** Forgets ended flows beside these: they are no more, or were let in. */
  keepEnded(names: ReadonlySet<string>): void {
    for (const name of this.#ended.keys()) if (!names.has(name)) this.#ended.delete(name)
  }

  /** Whether the table is as it was put in, with what is open and nothing else. */
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

  /** Packets of strangers to guarded ports since the table was put in; 0 where that cannot be said. */
  get hidden(): number {
    try {
      const listed = this.#firewall.run(`list counter ${TABLE} ${HIDDEN_COUNTER}`)
      return Number(/packets ([0-9]+)/.exec(listed)?.[1] ?? 0)
    } catch {
      return 0
    }
  }

  /** What an opening of a door is made of. */
  elements(door: Door, source: Address, forward?: Forward): readonly Element[] {
    return this.#plan === undefined ? [] : elementsOf(this.#plan, door, source, forward)
  }

  /** Lets through for so many milliseconds from now. @throws the firewall's error: nothing has changed */
  open(elements: readonly Element[], ms: number): void {
    if (elements.length > 0) this.#firewall.run(openCommand(elements, ms))
  }

  /** Lets through no more. @throws the firewall's error */
  close(elements: readonly Element[]): void {
    if (elements.length > 0) this.#firewall.run(closeCommand(elements))
  }

  #put(plan: GuardPlan, held: readonly Held[], kept: readonly Kept[], gone = false): void {
    const ruleset = guardRuleset(plan, held, kept, this.#wasAway ? [...this.#ended.values()] : undefined)
    if (!gone || !this.#create(ruleset)) this.#firewall.run(ruleset)
    this.#listing = this.#listed(true) ?? ''
  }

  /** Whether the table could be made: it cannot where somebody has put one there after all. */
  #create(ruleset: string): boolean {
    try {
      this.#firewall.run(newGuard(ruleset))
      return true
    } catch {
      return false
    }
  }

  /**
   * Connections that connection tracking may not have seen. They are looked for when the guard first comes; after that
   * nobody is added, or who was let in once would stay known.
   */
  #keep({ services }: GuardPlan): readonly Kept[] {
    const there = this.#host.connectionsTo([...services, ALL_TCP])
    const known = this.#kept ?? this.#before()
    if (known !== undefined) {
      // Where the system lists no sockets, none has ended either.
      if (there.length === 0) return known
      const connected = new Set(there.map((socket) => nameOf(keptOf(socket))))
      return known.filter((each) => connected.has(nameOf(each)))
    }
    const guarded = new Set(this.#host.connectionsTo(services).map((socket) => nameOf(keptOf(socket))))
    const served = there.filter(({ port }) => this.#host.listens(port)).map(keptOf)
    const all = there.map(keptOf).filter((each) => guarded.has(nameOf(each)))
    const beside = served.filter((each) => !guarded.has(nameOf(each)))
    return [...all.slice(0, KEPT_MAX - KEPT_BESIDE_MAX), ...beside.slice(0, KEPT_BESIDE_MAX)]
  }

  /** What the table has kept that an earlier life of the daemon left; `undefined`: there is no table. */
  #before(): readonly Kept[] | undefined {
    const listing = this.#listed(false)
    return listing === undefined ? undefined : listedKept(listing)
  }

  /** The table as the kernel lists it; `undefined`: it is not there. */
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
