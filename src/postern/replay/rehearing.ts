import { BusyPorts } from '../../capture/busy.ts'
import { passes } from '../../capture/filter.ts'
import type { Frame } from '../../capture/file/frame.ts'
import { interestOf } from '../../capture/interest.ts'
import type { CaptureInterest } from '../../capture/interest.ts'
import type { Config, Door } from '../../config/config.ts'
import { eventsOf } from '../../log/effects.ts'
import type { LogEvent } from '../../log/event.ts'
import type { Effect } from '../../gate/effect.ts'
import { Gate } from '../../gate/gate.ts'
import { formatAddress } from '../../packet/address.ts'
import type { Address } from '../../packet/address.ts'
import { PACKET, SHORT, decode } from '../../packet/decode.ts'
import { Packet, TCP } from '../../packet/packet.ts'
import { Accounts } from './accounts.ts'
import { Lists } from './lists.ts'
import { WouldBeOpenings } from './openings.ts'
import type { Standing } from './openings.ts'

/** The seed of the gate's hash. It is fixed so that a capture always has the same result; the daemon's is random. */
const SEED = [0x9e3779b9, 0x7f4a7c15] as const
/** The class of decoy UDP ports, of sixteen, at which scans are seen. The daemon has a secret one. */
const DECOY = 0
/** The most attempts under way that are shown at the end. */
const UNDER_WAY_MAX = 50

/** Milliseconds by which frames of several processors may be out of order. Beyond, the clock was set back. */
const DISORDER_MAX_MS = 1_000
/** The longest time without a packet, in milliseconds: thirty days. Beyond, the clock was set ahead. */
const GAP_MAX_MS = 30 * 86_400_000

/** The config, options and callbacks of a replay. */
export interface RehearingTerms {
  readonly config: Config
  readonly own: readonly Address[] | undefined
  readonly onlyIp4: boolean
  /** Reports an event that would have happened. */
  readonly tell: (event: LogEvent, time: number) => void
  readonly warn: (text: string) => void
}

/** Processes packets as the daemon does, from the filter to the doors. Its only clock is the time of the packets. */
export class Rehearing {
  readonly #terms: RehearingTerms
  readonly #doors: ReadonlyMap<string, Door>
  readonly #gate: Gate
  readonly #lists: Lists
  readonly #openings = new WouldBeOpenings()
  readonly #busyTcp = new BusyPorts()
  readonly #busyUdp = new BusyPorts()
  readonly #packet = new Packet()
  #interest: CaptureInterest
  /** The present time in milliseconds, on a clock that is never set. */
  #now = 0
  #begun = false
  /** Milliseconds by which the clock of the capturing machine is ahead of `#now`. */
  #skew = 0
  readonly accounts = new Accounts()
  /** The number of frames that were cut too short to tell whether they are knocks. */
  cut = 0
  /** The number of packets that pass the daemon's filter. */
  looked = 0
  /** The number of times that a door would have opened. */
  opened = 0

  constructor(terms: RehearingTerms) {
    this.#terms = terms
    const { config, own } = terms
    const { scanPorts, scanIgnoreMs, alwaysAllow: allowed } = config.options
    this.#doors = new Map(config.doors.map((door) => [door.name, door]))
    this.#gate = new Gate({
      scanPorts,
      scanIgnoreMs,
      allowed,
      seed: SEED,
      explain: true,
      ...(own === undefined ? {} : { own }),
    })
    this.#lists = new Lists(config, this.#gate, terms.warn)
    this.#interest = interestOf(this.#lists.sequences())
  }

  /** Processes a frame. */
  take({ bytes, start, end, wireLength, linkType, link, time }: Frame): void {
    if (this.#lists.update(time)) this.#interest = interestOf(this.#lists.sequences())
    const packet = this.#packet
    const verdict = decode(bytes, start, end, wireLength, linkType, packet)
    if (verdict === SHORT && end - start < wireLength) this.cut++
    if (verdict !== PACKET) return
    if (packet.family === 6 && this.#terms.onlyIp4) return
    const busy = { busyTcp: this.#busyTcp.ports, busyUdp: this.#busyUdp.ports }
    if (!passes({ interest: this.#interest, decoy: DECOY, ...busy }, packet)) return
    this.looked++
    this.advance(time)
    packet.time = this.#now
    packet.link = link
    this.#watchBusy(packet)
    for (const effect of this.#gate.knock(packet)) this.#take(effect)
  }

  /**
   * Lets time pass up to `time` on the clock of the capturing machine. As in the daemon, setting that clock ends
   * nothing early. If it was set back, no time passes; if it was set far ahead, {@link GAP_MAX_MS} passes.
   */
  advance(time: number): void {
    const passed = Math.min(time - this.#skew - this.#now, GAP_MAX_MS)
    const first = !this.#begun
    this.#begun = true
    const set = !first && (passed < -DISORDER_MAX_MS || time - this.#skew - this.#now > GAP_MAX_MS)
    if (first) this.#pass(time)
    else this.#pass(this.#now + Math.max(0, passed))
    if (set) this.#skew = time - this.#now
  }

  /** Lets time pass up to `now` on the clock that is never set. Events that are due by then happen in order. */
  #pass(now: number): void {
    for (;;) {
      const due = Math.min(this.#gate.due, this.#openings.due)
      if (due > now) break
      this.#now = Math.max(this.#now, due)
      for (const { time, event } of this.#openings.close(due)) this.#terms.tell(event, time + this.#skew)
      const before = this.#gate.due
      const ended = this.#gate.expire(due)
      for (const effect of ended) this.#take(effect)
      if (ended.length === 0 && this.#gate.due === before && this.#openings.due > now) break
    }
    this.#now = Math.max(this.#now, now)
  }

  /** The attempts under way when the capture ends. */
  get underWay(): readonly string[] {
    return [...this.#gate.underWay(UNDER_WAY_MAX)].map(
      ({ source, doors, stage }) => `${formatAddress(source)}: ${doors.join(', ')}: the capture ends at stage ${stage}`,
    )
  }

  /** The doors that would still be open when the capture ends. */
  get standing(): readonly Standing[] {
    return this.#openings.standing.map((each) => ({ ...each, until: each.until + this.#skew }))
  }

  #take(effect: Effect): void {
    const events = eventsOf(effect)
    this.accounts.note(events)
    for (const event of events) this.#terms.tell(event, this.#now + this.#skew)
    if (effect.kind !== 'open') return
    this.opened++
    const { secret, source } = effect
    const door = this.#doors.get(secret.door)!
    for (const event of this.#openings.open(door, source, this.#now)) this.#terms.tell(event, this.#now + this.#skew)
    if (!secret.once) return
    this.#lists.used(secret)
    this.#interest = interestOf(this.#lists.sequences())
  }

  #watchBusy({ protocol, port, time }: Packet): void {
    const tcp = protocol === TCP
    if ((tcp ? this.#interest.tcpPorts : this.#interest.udpPorts).has(port)) return
    ;(tcp ? this.#busyTcp : this.#busyUdp).count(port, time)
  }
}
