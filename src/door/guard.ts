import type { Config, Door, Service } from '../config/config.ts'
import { REMOVE_GUARD, guardRuleset } from '../firewall/guard/ruleset.ts'
import type { Held, Kept } from '../firewall/guard/ruleset.ts'
import { HIDDEN_COUNTER, TABLE, closeCommand, elementsOf, openCommand } from '../firewall/guard/element.ts'
import type { Element, Forward } from '../firewall/guard/element.ts'
import { planOf } from '../firewall/guard/plan.ts'
import type { GuardPlan } from '../firewall/guard/plan.ts'
import { formatAddress } from '../packet/address.ts'
import type { Address } from '../packet/address.ts'
import type { Socket } from '../host/sockets.ts'

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
  /** The table as the kernel lists it while nobody else has touched it. */
  #listing = ''

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
      return
    }
    this.#put(plan, held(plan))
    this.#plan = plan
    this.#there = true
  }

  /** Puts the table back as it should be. @throws the firewall's error */
  restore(held: (plan: GuardPlan) => readonly Held[]): void {
    if (this.#plan !== undefined) this.#put(this.#plan, held(this.#plan))
  }

  /** Whether the table is as it was put in. */
  get intact(): boolean {
    if (this.#plan === undefined) return true
    try {
      return this.#list() === this.#listing
    } catch {
      return false
    }
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

  #put(plan: GuardPlan, held: readonly Held[]): void {
    // Connection tracking may not have seen what is connected already.
    const kept: Kept[] = this.#host.connectionsTo(plan.services).map(({ peer, peerPort, port }) => ({
      family: peer.family,
      address: formatAddress(peer),
      peerPort,
      port,
    }))
    this.#firewall.run(guardRuleset(plan, held, kept))
    this.#listing = this.#list()
  }

  #list(): string {
    return this.#firewall.run(`list table ${TABLE}`, true)
  }
}
