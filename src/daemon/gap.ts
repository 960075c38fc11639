import type { Admission } from '../door/sessions.ts'
import { Sessions, admits } from '../door/sessions.ts'
import type { Guard } from '../door/guard.ts'
import type { Ended } from '../firewall/guard/ended.ts'
import { endedName } from '../firewall/guard/ended.ts'
import { protocolName } from '../config/service.ts'
import { flowsTo } from '../host/flows.ts'
import type { Flow } from '../host/flows.ts'
import { destroyConnections } from '../native/sock-diag.ts'
import { formatAddress } from '../packet/address.ts'
import { ADDRESS_BITS } from '../packet/network.ts'
import { TCP } from '../packet/packet.ts'
import type { Log } from '../log/log.ts'

/**
 * The pause between two looks at the existing flows, in milliseconds, and as a multiple of the last look's duration.
 */
const LOOK_PAUSE_MS = 5_000
const LOOK_PAUSE_TIMES = 50
/** The most sockets that are closed at a time. For the others, the guard blocks only the peer's side. */
const DESTROYED_MAX = 4_096

/** The dependencies on the guard and the daemon. */
export interface GapDeps {
  readonly guard: Guard
  readonly log: Pick<Log, 'notice'>
  /** Returns the sources that may begin flows now, with their services. */
  admissions(): readonly Admission[]
  /** Returns true if the table is in place, by all notifications received so far. */
  stands(): boolean
}

/**
 * Ends flows to guarded ports that began while another program had removed the guard, unless their source was admitted.
 * Flows that were admitted before continue. They are recorded while the guard is in place.
 */
export class Gap {
  readonly #deps: GapDeps
  readonly #sessions = new Sessions()
  #work: Promise<void> | undefined
  /** The work to do next. */
  #toEnd = false
  #toLook = false
  #timer: NodeJS.Timeout | undefined
  /** The earliest time of the next look, on the clock of `performance.now`. */
  #nextLook = -Infinity
  #stopped = false

  constructor(deps: GapDeps) {
    this.#deps = deps
  }

  /**
   * Records the existing flows, which may stay, after this daemon installed or replaced the guard. Resolves when they
   * are recorded; never rejects.
   */
  async installed(): Promise<void> {
    this.#toLook = true
    await this.#begin()
  }

  /** Records that an opening has ended. */
  past(admission: Admission): void {
    this.#sessions.ended(admission)
    this.#lookSoon()
  }

  /** Ends intruding flows after the guard was put back. */
  closed(): void {
    this.#toEnd = true
    void this.#begin()
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
  }

  #lookSoon(): void {
    if (this.#timer !== undefined || this.#stopped) return
    const wait = Math.max(0, this.#nextLook - performance.now())
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#toLook = true
      void this.#begin()
    }, wait)
  }

  /** Does the pending work step by step. Never rejects. */
  async #begin(): Promise<void> {
    while (!this.#stopped && (this.#work !== undefined || this.#toEnd || this.#toLook)) {
      this.#work ??= this.#all().finally(() => {
        this.#work = undefined
      })
      await this.#work
    }
  }

  async #all(): Promise<void> {
    while (!this.#stopped && (this.#toEnd || this.#toLook)) {
      const ending = this.#toEnd
      this.#toEnd = false
      this.#toLook = false
      const begun = performance.now()
      try {
        await this.#go(ending)
      } catch (error) {
        this.#deps.log.notice('error', `cannot list connections: ${(error as Error).message}`)
      }
      const ended = performance.now()
      this.#nextLook = ended + Math.max(LOOK_PAUSE_MS, (ended - begun) * LOOK_PAUSE_TIMES)
    }
  }

  async #go(ending: boolean): Promise<void> {
    const { guard, log } = this.#deps
    const { plan } = guard
    if (plan === undefined) return
    const look = this.#sessions.look(plan.services)
    if (ending && !look.tells) {
      log.notice('warning', 'cannot end connections that began while the guard was away: which ones is unknown')
    }
    const admitted = this.#admitted()
    const stillEnded = new Set<string>()
    const intruders: Flow[] = []
    for await (const flow of flowsTo(plan)) {
      const as = endedOf(flow)
      if (guard.hasEnded(as) && !admitted(flow) && !look.wasAdmitted(flow)) {
        stillEnded.add(endedName(as))
        // Its socket was closed. This flow began again from the same port while the guard was away.
        if (flow.inode !== undefined) intruders.push(flow)
      } else if (ending && !look.wasLetIn(flow) && !admitted(flow)) intruders.push(flow)
      else look.add(flow)
    }
    // If the guard was away in the meantime, intruders are among the flows.
    if (this.#deps.stands() && !this.#toEnd) {
      look.done()
      guard.keepEnded(stillEnded)
    }
    const ended = this.#end(intruders)
    if (ended === 0) return
    const many = ended === 1 ? 'a connection that began' : `${ended} connections that began`
    log.notice('warning', `${many} while the guard was away ${ended === 1 ? 'was' : 'were'} ended`)
  }

  /** Returns a test that tells whether a flow may begin now. */
  #admitted(): (flow: Flow) => boolean {
    const plan = this.#deps.guard.plan!
    const single = new Map<string, Admission[]>()
    const wide: Admission[] = plan.alwaysAllow.map((from) => ({ from, services: plan.services }))
    for (const admission of this.#deps.admissions()) {
      const { address, prefix } = admission.from
      const name = formatAddress(address)
      const there = single.get(name)
      if (prefix < ADDRESS_BITS[address.family]) wide.push(admission)
      else if (there === undefined) single.set(name, [admission])
      else there.push(admission)
    }
    return (flow) => mayBegin(flow, single.get(formatAddress(flow.peer)) ?? []) || mayBegin(flow, wide)
  }

  /** Ends flows, established ones first. @returns the number of flows that were ended */
  #end(flows: readonly Flow[]): number {
    const { guard, log } = this.#deps
    if (flows.length === 0) return 0
    const sorted = [...flows].sort((one, other) => Number(other.established) - Number(one.established))
    const ended = new Map(sorted.map(endedOf).map((flow) => [endedName(flow), flow]))
    try {
      guard.end([...ended.values()])
    } catch (error) {
      log.notice('warning', `connections will be ended when the guard is restored: ${(error as Error).message}`)
    }
    const tcp = sorted.filter(({ protocol }) => protocol === TCP)
    const refusal = destroyConnections(tcp.slice(0, DESTROYED_MAX))
    if (refusal !== undefined) {
      log.notice('debug', `connections end only for the other side: cannot close local sockets: ${refusal}`)
    }
    return ended.size
  }
}

function mayBegin(flow: Flow, admissions: readonly Admission[]): boolean {
  return admissions.some((admission) => admits(admission, flow))
}

function endedOf({ protocol, peer, peerPort, address, port }: Flow): Ended {
  return {
    family: peer.family,
    protocol: protocolName(protocol),
    peer: formatAddress(peer),
    peerPort,
    address: formatAddress(address),
    port,
  }
}
