import type { PacketNeeds } from '../capture/needs.ts'
import type { Door, Options, SpaProtocol } from '../config/config.ts'
import { formatFault } from '../text/fault.ts'
import type { Fault } from '../text/fault.ts'
import type { Held } from '../door/held.ts'
import { WatchedFile } from '../file/watched-file.ts'
import { LogThrottle } from '../limit/log-throttle.ts'
import { LruMap } from '../limit/lru-map.ts'
import type { LogEvent } from '../log/event.ts'
import { textOf } from '../log/format.ts'
import { formatAddress } from '../packet/address.ts'
import type { Address } from '../packet/address.ts'
import { UDP } from '../packet/packet.ts'
import type { Packet } from '../packet/packet.ts'
import type { Redemption } from '../state/ledger.ts'
import type { Authenticator, Claim, Redeemed, Refusal, SecretStatus, Verdict } from './authenticator.ts'
import type { PacketDeps } from './deps.ts'
import { NO_DOOR, REFUSED, areBelow } from './gate-authenticator.ts'
import { packetDoors } from './packet-door.ts'
import type { PacketDoor } from './packet-door.ts'
import { boundedBy } from './vouched.ts'
import type { Bounded, Judged, Vouched } from './vouched.ts'
import type { WorkBudget } from './work-budget.ts'

/** The most opened packets that are recognized when they come again. */
const SEEN_MAX = 16_384
/** The most errors of a file that are logged. */
const FAULTS_SAID_MAX = 5

/** The common part of all packets' proofs. */
export interface PacketProof {
  /** The address that asks for access: the one in the packet, or else the packet's source. */
  readonly address: Address
}

/** A door, and the file or folder that names who may open it. */
export interface DoorFile<State> {
  readonly door: PacketDoor
  readonly file: WatchedFile<State>
  /** Returns the paths of the file, and of further files and folders. */
  readonly paths: () => readonly string[]
}

/** The result of reading the file of a door. */
export interface Reading<State> {
  readonly faults: readonly Fault[]
  /** Returns the state. Called if no fault is an error. */
  readonly state: () => State
  /** Returns what remains valid of a previous state. Called if a fault is an error. */
  readonly left: (before: State) => State
  /** Further files and folders to watch, existing or not. */
  readonly files?: readonly string[]
  readonly folders?: readonly string[]
}

/**
 * The base of the authenticators of single packets. It keeps the files of their doors, and redeems in two steps: using
 * up and judging. A file with an error adds nobody, but those who are removed lose access.
 *
 * @template State the content of a door's file
 */
export abstract class PacketAuthenticator<State, Proof extends PacketProof> implements Authenticator<Proof> {
  protected readonly deps: PacketDeps<Proof>
  /** The limit on the time for packets. */
  protected readonly work: WorkBudget
  /** Texts that identify opened packets. A copy costs no decryption. Otherwise replays could use up the time. */
  protected readonly seen = new LruMap<string, true>(SEEN_MAX)
  protected doors: readonly DoorFile<State>[] = []
  protected abstract readonly protocols: readonly SpaProtocol[]
  protected abstract readonly packets: PacketNeeds
  /** The content of a door's file, in the plural, for the log. */
  protected abstract readonly content: 'users' | 'profiles' | 'keys'
  readonly #throttle = new LogThrottle()

  constructor(deps: PacketDeps<Proof>, work: WorkBudget) {
    this.deps = deps
    this.work = work
  }

  abstract offer(packet: Packet, bytes: Uint8Array): boolean

  /** Reads the file of a door. If it throws, the last good state stays. */
  protected abstract read(door: PacketDoor, before: State | undefined): Reading<State>

  /** Judges by the content of a door's file whether a holder may keep an opening. */
  protected abstract judge(state: State, held: Held): Verdict

  /** Returns the times at which holders lose access, in milliseconds since 1970. There is one for each holder. */
  protected abstract expiries(state: State): readonly (number | undefined)[]

  /** Uses a packet up, durably. */
  protected abstract useUp(claim: Claim<Proof>): Promise<Redemption>

  /** Judges a used packet by the present file of its door. Returns `undefined` if it no longer grants anything. */
  protected abstract grantBy(state: State, door: PacketDoor, claim: Claim<Proof>): Redeemed | undefined

  /** Judges by the present file of a door what a user whom another host vouches for may have of it. */
  protected abstract judgeVouched(state: State, bounded: Bounded, vouched: Vouched): Judged

  /** Called with each good state of a door's file, and with the one before it. */
  protected changed(_door: PacketDoor, _state: State, _before: State | undefined): void {
    this.deps.holdersChanged()
  }

  /** Returns the folders to watch in place of those of the last reading. */
  protected folders(_path: string): readonly string[] | undefined {
    return undefined
  }

  replace(doors: readonly Door[], _options?: Pick<Options, 'spaKeyFile'>): void {
    const before = this.doors
    for (const { file } of before) file.close()
    this.doors = packetDoors(doors, this.protocols).map((door) => {
      const { path, protocol } = door.secret
      const same = before.find(({ door: { secret } }) => secret.path === path && secret.protocol === protocol)
      return this.#watch(door, same?.file.state)
    })
    for (const { file } of this.doors) file.refresh()
  }

  /** No sequences of the gate. */
  sequences(): readonly [] {
    return []
  }

  get needs(): PacketNeeds | undefined {
    return this.doors.length === 0 ? undefined : this.packets
  }

  async redeem(claim: Claim<Proof>): Promise<Redeemed> {
    const used = await this.useUp(claim)
    if (used === 'lost') return REFUSED
    if (used !== 'won') return staysShut(claim, 'error', used.unavailable)
    const there = this.find(claim.door)
    if (there === undefined) return staysShut(claim, 'notice', 'the config has changed meanwhile')
    const { door, file } = there
    const redeemed = file.state === undefined ? undefined : this.grantBy(file.state, door, claim)
    return redeemed ?? staysShut(claim, 'notice', 'access was revoked meanwhile')
  }

  grantFor(vouched: Vouched): Judged {
    const there = this.find(vouched.door)
    if (there === undefined) return NO_DOOR
    const { door, file } = there
    if (file.state === undefined) return { refusal: `${door.secret.path} was not read yet` }
    const bounded = boundedBy(door, vouched)
    return 'refusal' in bounded ? bounded : this.judgeVouched(file.state, bounded, vouched)
  }

  mayHold(held: Held): Verdict {
    const state = this.find(held.door)?.file.state
    return state === undefined ? 'unknown' : this.judge(state, held)
  }

  nextExpiry(now: number): number {
    let next = Infinity
    for (const { file } of this.doors) {
      for (const time of file.state === undefined ? [] : this.expiries(file.state)) {
        if (time !== undefined && time > now) next = Math.min(next, time)
      }
    }
    return next
  }

  files(): readonly string[] {
    return this.doors.flatMap(({ paths }) => paths())
  }

  refresh(folder: string): void {
    for (const { file, paths } of this.doors) if (areBelow(folder, paths())) file.refresh()
  }

  status(door: string): SecretStatus {
    const there = this.find(door)
    if (there === undefined) return {}
    return { users: there.file.state === undefined ? 0 : this.expiries(there.file.state).length }
  }

  close(): Promise<void> {
    for (const { file } of this.doors) file.close()
    return Promise.resolve()
  }

  protected find(name: string): DoorFile<State> | undefined {
    return this.doors.find(({ door }) => door.name === name)
  }

  /** Returns the payload of a packet if it is a datagram of a length that the doors need. */
  protected payloadOf({ protocol, payloadStart, payloadEnd }: Packet, bytes: Uint8Array): Uint8Array | undefined {
    if (protocol !== UDP) return undefined
    const length = payloadEnd - payloadStart
    const isNeeded = this.needs?.datagrams.some(({ first, last }) => first <= length && length <= last) === true
    return isNeeded ? bytes.subarray(payloadStart, payloadEnd) : undefined
  }

  /**
   * Logs an event about the owner of a key, or else explains it. It is logged rarely, because packets can be replayed.
   *
   * @param subject identifies events that are alike; by default those whose lines differ only in numbers
   * @param reason the explanation; by default the event's line
   */
  protected logRarely(source: Address, event: LogEvent, subject = withoutDigits(textOf(event)), reason?: string): void {
    if (this.#throttle.due(subject, this.deps.clock.steady())) this.deps.log.event(event)
    else this.explain(source, reason ?? textOf(event))
  }

  /** Explains why a packet opened nothing, if explanations are on. */
  protected explain(source: Address, reason: string, door?: string): void {
    this.deps.log.event({ kind: 'explanation', source, door, reason })
  }

  /** Explains that a packet is a copy of a used one, or older than one. */
  protected explainReplay(source: Address, reason: string, door?: string): void {
    this.deps.log.event({ kind: 'explanation', source, door, reason, replay: true })
  }

  /** Logs that the kernel cannot watch a file. */
  protected sayUnwatched(path: string, { message }: Error): void {
    this.deps.log.notice('warning', `${path} is not watched: ${message}`)
  }

  #watch(door: PacketDoor, before: State | undefined): DoorFile<State> {
    const { path } = door.secret
    let last = before
    let reading: Pick<Reading<State>, 'files' | 'folders'> = {}
    const files = (): readonly string[] => reading.files ?? []
    const folders = (): readonly string[] => this.folders(path) ?? reading.folders ?? []
    const file: WatchedFile<State> = new WatchedFile<State>({
      path,
      before,
      read: () => {
        const { faults, state, left, ...further } = this.read(door, file.state)
        reading = further
        return this.#stateOf(door, file.state, { faults, state, left })
      },
      changed: (state) => {
        this.changed(door, state, last)
        last = state
      },
      failed: (error, kept) => {
        const stays = kept ? `keeping the previous ${this.content}` : 'opens to nobody'
        this.deps.log.event({ kind: 'trouble', level: 'error', door: door.name, what: stays, cause: error.message })
      },
      files,
      folders,
      unwatched: (error) => this.sayUnwatched(path, error),
      isReadOnce: this.deps.isReadOnly,
    })
    return { door, file, paths: () => [...new Set([path, ...files(), ...folders()])] }
  }

  /** @throws Error with the faults if there is no previous state */
  #stateOf({ name, secret }: PacketDoor, before: State | undefined, { faults, state, left }: Reading<State>): State {
    const { log } = this.deps
    const texts = faults.slice(0, FAULTS_SAID_MAX).map((fault) => formatFault(secret.path, fault))
    if (!faults.some(({ severity }) => severity === 'error')) {
      if (texts.length > 0) log.notice('warning', texts.join('\n'))
      return state()
    }
    if (before === undefined) throw new Error(texts.join('\n'))
    log.notice('error', [...texts, `${name}: keeping the previous ${this.content}`].join('\n'))
    return left(before)
  }
}

function staysShut({ door, proof }: Claim<PacketProof>, level: 'notice' | 'error', cause: string): Refusal {
  return { refused: { kind: 'refused', level, source: formatAddress(proof.address), door, cause } }
}

/** Returns the same text for texts that differ only in numbers. */
export function withoutDigits(text: string): string {
  return text.replaceAll(/[0-9]+/g, '0')
}
