import { join } from 'node:path'
import { BusyTraffic } from '../../capture/busy.ts'
import { passes } from '../../capture/filter.ts'
import type { Frame } from '../../capture/file/frame.ts'
import { interestOf } from '../../capture/interest.ts'
import type { CaptureInterest } from '../../capture/interest.ts'
import type { PacketNeeds } from '../../capture/needs.ts'
import type { Config, Door } from '../../config/config.ts'
import { generatedList } from '../../config/secret.ts'
import { Knocks } from '../../daemon/knocks.ts'
import { listFolder, statePath } from '../../daemon/state-path.ts'
import { Destinations } from '../../gate/destinations.ts'
import type { GateBounds } from '../../gate/gate.ts'
import type { LogEvent } from '../../log/event.ts'
import { formatAddress } from '../../packet/address.ts'
import type { Address } from '../../packet/address.ts'
import { PACKET, SHORT, decode } from '../../packet/decode.ts'
import { ICMP, Packet, TCP, UDP } from '../../packet/packet.ts'
import { daemonAccount } from '../../peer/key-files.ts'
import { Authenticators } from '../../secret/authenticators.ts'
import { listName } from '../../secret/generated-door.ts'
import { Redemptions } from '../../secret/redemptions.ts'
import { HolderMarks, MARKS_KEY_BYTES } from '../../secret/holder-marks.ts'
import { Accounts } from './accounts.ts'
import { ReplayClock } from './clock.ts'
import { ReplayLedger } from './ledger.ts'
import { mayBeSingle } from './single-packet.ts'
import { SimulatedOpener } from './simulated-opener.ts'
import type { Summary } from './summary.ts'

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

/** The dependencies of a replay. */
export interface ReplayerDeps {
  readonly config: Config
  /** The server's addresses; `undefined`: every address. */
  readonly own: readonly Address[] | undefined
  readonly onlyIp4: boolean
  /** Reports an event that would have happened. */
  readonly tell: (event: LogEvent, time: number) => void
  readonly warn: (text: string) => void
  readonly bounds?: GateBounds
}

/** The packets that the daemon would capture. */
interface Captured {
  readonly needs: PacketNeeds
  readonly interest: CaptureInterest
}

/**
 * Processes packets as the daemon does, from the filter to the doors, with the daemon's own parts. Its only clock is the
 * time of the packets, its ledger forgets, and its opener opens nothing.
 */
export class Replayer {
  readonly #deps: ReplayerDeps
  readonly #clock = new ReplayClock()
  readonly #knocks: Knocks
  readonly #opener = new SimulatedOpener(
    () => this.#now,
    (event) => this.#tell(event),
  )
  readonly #busy = new BusyTraffic()
  readonly #packet = new Packet()
  /** The server's addresses; `undefined`: every address. */
  readonly #own: Destinations | undefined
  /** The packets that the daemon would capture; `undefined` if the sequences or the needs have changed. */
  #captured: Captured | undefined
  /** The redemptions that the last packet began. */
  #redeeming: Promise<void>[] = []
  /** The present time in milliseconds, on a clock that is never set. */
  #now = 0
  #begun = false
  /** Milliseconds by which the clock of the capturing machine is ahead of `#now`. */
  #skew = 0
  readonly authenticators: Authenticators
  readonly accounts = new Accounts()
  /** The number of frames that were cut too short to tell whether they are knocks. */
  cut = 0
  /** The number of packets that pass the daemon's filter. */
  looked = 0
  /** The number of times that a door would have opened. */
  opened = 0

  /** Makes a replay, and reads the files of the doors. */
  static async start(deps: ReplayerDeps): Promise<Replayer> {
    const replayer = new Replayer(deps)
    const { authenticators } = replayer
    const { config, own } = deps
    await authenticators.load(config)
    authenticators.setOwn(own, [])
    authenticators.replace({ ...config, doors: config.doors.map((door) => replayed(door, config)) })
    return replayer
  }

  private constructor(deps: ReplayerDeps) {
    this.#deps = deps
    const { config, own } = deps
    this.#own = own === undefined ? undefined : new Destinations(own)
    const log = { event: (event: LogEvent) => this.#log(event), notice: (_: unknown, text: string) => deps.warn(text) }
    const redemptions = new Redemptions({
      opener: this.#opener,
      // Files are read once, so nobody loses access meanwhile.
      reconciler: { isStillMay: () => true, during: async (opening) => void (await opening) },
      log,
      attempt: async (work) => await Promise.resolve(void this.#redeeming.push(work())),
    })
    this.#knocks = new Knocks(config, {
      gate: { ...deps.bounds, seed: SEED, ...(own === undefined ? {} : { own }) },
      decided: (events) => this.#decided(events),
      debug: true,
      completed: ({ secret, ...by }) =>
        redemptions.begin({ ...by, door: secret.door, proof: secret }, this.authenticators),
      inOrder: (doors) => this.authenticators.inOrder(doors),
    })
    const ledger = new ReplayLedger()
    this.authenticators = new Authenticators(
      {
        gate: this.#knocks.gate,
        ledger,
        store: ledger.store,
        marks: new HolderMarks(new Uint8Array(MARKS_KEY_BYTES)),
        log,
        clock: this.#clock,
        isReadOnly: true,
        needsChanged: () => (this.#captured = undefined),
        holdersChanged: () => undefined,
        listFolder: '',
        listening: () => ({ [TCP]: new Set(), [UDP]: new Set() }),
      },
      {
        claimed: (claim, by) => redemptions.begin(claim, by),
        load: async () => (await import('../../peer/packet-authenticators.ts')).makePacketAuthenticators,
      },
    )
  }

  /** Processes a frame. Returns a promise if the frame opens a door: it has to settle before the next frame. */
  take(frame: Frame): Promise<unknown> | undefined {
    const { bytes, start, end, wireLength, linkType, link, time } = frame
    this.#clock.set(time)
    const packet = this.#packet
    packet.protocol = TCP
    const verdict = decode(bytes, start, end, wireLength, linkType, packet)
    if (verdict === SHORT && end - start < wireLength && this.#mayKnock(packet)) this.cut++
    if (verdict !== PACKET) return undefined
    if (packet.family === 6 && this.#deps.onlyIp4) return undefined
    const { authenticators } = this
    const { needs, interest } = this.#wanted
    const knock = passes({ interest, decoy: DECOY, ...this.#busy.terms }, packet)
    const single = this.#own?.has(packet) === false ? 'no' : mayBeSingle(packet, frame, needs)
    if (single === 'cut') this.cut++
    if (!knock && single === 'no') return undefined
    this.looked++
    this.advance(time)
    packet.time = this.#now
    packet.link = link
    if (knock) this.#busy.count(packet, interest)
    if (!authenticators.offer(packet, bytes) && knock) this.#knocks.take(packet)
    return this.#redeeming.length === 0 ? undefined : Promise.all(this.#redeeming.splice(0))
  }

  get #wanted(): Captured {
    this.#captured ??= capturedFor(this.authenticators)
    return this.#captured
  }

  /** Returns false for an ICMP message where no door has pings. */
  #mayKnock({ protocol }: Packet): boolean {
    return protocol !== ICMP || this.#wanted.interest.pingSizes.size > 0
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
    const { gate } = this.#knocks
    for (;;) {
      const due = Math.min(gate.due, this.#opener.due)
      if (due > now) break
      this.#now = Math.max(this.#now, due)
      this.#opener.expire()
      const before = gate.due
      if (!this.#knocks.expire(due) && gate.due === before && this.#opener.due > now) break
    }
    this.#now = Math.max(this.#now, now)
  }

  /** The attempts under way when the capture ends. */
  get underWay(): readonly string[] {
    return [...this.#knocks.gate.underWay(UNDER_WAY_MAX)].map(
      ({ source, doors, stage }) => `${formatAddress(source)}: ${doors.join(', ')}: the capture ends at stage ${stage}`,
    )
  }

  /** The doors that would still be open when the capture ends. */
  get standing(): Summary['open'] {
    const now = this.#now + this.#skew
    return this.#opener.list().map(({ door, source, leftMs }) => ({ door, source, until: now + leftMs }))
  }

  #decided(events: readonly LogEvent[]): void {
    this.accounts.note(events)
    for (const event of events) this.#tell(event)
  }

  /** Takes an event of an authenticator or an opening. What is wrong with a file is a warning of the replay. */
  #log(event: LogEvent): void {
    const { warn } = this.#deps
    if (event.kind === 'notice') warn(event.text)
    else if (event.kind === 'list') {
      const { door, left, cause } = event
      if (left === 0)
        warn(`${door}: ${cause === undefined ? 'no sequence is left in its list' : `opens to nobody: ${cause}`}`)
    } else {
      if (event.kind === 'open') this.opened++
      this.#decided([event])
    }
  }

  #tell(event: LogEvent): void {
    this.#deps.tell(event, this.#now + this.#skew)
  }
}

function capturedFor(authenticators: Authenticators): Captured {
  const { needs } = authenticators
  return { needs, interest: interestOf(authenticators.sequences(), needs) }
}

/** Returns a door as it is replayed. A list that the daemon makes is read like an operator's, and never refilled. */
function replayed(door: Door, config: Config): Door {
  const { name, secret } = door
  const { options, file } = config
  if (generatedList(secret) === undefined) return door
  const path = join(
    listFolder(statePath(options.stateDir, file, [], daemonAccount(config) !== undefined)),
    listName(name),
  )
  return { ...door, secret: { kind: 'one-time', path, lowWater: 0 } }
}
