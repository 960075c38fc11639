import type { PacketNeeds } from '../capture/needs.ts'
import type { Config, Door, SpaProtocol } from '../config/config.ts'
import type { UsersInForce } from '../control/message.ts'
import type { Held } from '../door/held.ts'
import { Destinations } from '../gate/destinations.ts'
import type { GateSequence } from '../gate/sequence.ts'
import { formatAddress } from '../packet/address.ts'
import type { Address } from '../packet/address.ts'
import type { Packet } from '../packet/packet.ts'
import type { Authenticator, Claim, Redeemed, SecretStatus, Verdict } from './authenticator.ts'
import { forgetUsedCodes } from './codes.ts'
import type { PacketAuthenticators, PacketAuthenticatorsDeps } from './deps.ts'
import { NO_DOOR, REFUSED } from './gate-authenticator.ts'
import { GeneratedAuthenticator } from './generated-authenticator.ts'
import type { GeneratedDeps } from './generated-door.ts'
import { OneTimeAuthenticator } from './one-time-authenticator.ts'
import { CodeAuthenticator, UsersAuthenticator } from './people-authenticator.ts'
import { isPacketDoor } from './packet-door.ts'
import { SequenceAuthenticator } from './sequence-authenticator.ts'
import type { Judged, Vouched } from './vouched.ts'

type Kind = Exclude<Door['secret']['kind'], 'spa'> | SpaProtocol

/** The single packets. They are loaded with the first config that has a door for them. */
export interface SinglePackets extends Pick<PacketAuthenticatorsDeps, 'claimed'> {
  /** Loads the maker of the authenticators. */
  readonly load: () => Promise<(deps: PacketAuthenticatorsDeps) => PacketAuthenticators>
}

/** A door in force, and its place in the config. */
interface Placed {
  readonly door: Door
  readonly kind: Kind
  readonly place: number
}

/** The authenticators of all kinds of secrets. Each door has the one of its secret's kind. */
export class Authenticators {
  readonly #deps: GeneratedDeps
  readonly #single: SinglePackets
  readonly #generated: GeneratedAuthenticator
  readonly #coded: readonly (CodeAuthenticator | UsersAuthenticator)[]
  readonly #byKind: Map<Kind, Authenticator<unknown>>
  /** Those of single packets, once they are loaded. */
  #packets: ReadonlySet<Authenticator<unknown>> = new Set()
  #doors: ReadonlyMap<string, Placed> = new Map()
  /** The host's own addresses; `undefined`: every address. */
  #own: Destinations | undefined = new Destinations([])
  /** The host's known addresses and the broadcast addresses of its links, as text. */
  #ownText: ReadonlySet<string> = new Set()

  constructor(deps: GeneratedDeps, single: SinglePackets) {
    this.#deps = deps
    this.#single = single
    const codes = new CodeAuthenticator(deps)
    const users = new UsersAuthenticator(deps)
    this.#coded = [codes, users]
    this.#generated = new GeneratedAuthenticator(deps)
    this.#byKind = new Map<Kind, Authenticator<unknown>>([
      ['sequence', new SequenceAuthenticator(deps)],
      ['one-time', new OneTimeAuthenticator(deps)],
      ['generated', this.#generated],
      ['totp', codes],
      ['users', users],
    ])
  }

  /**
   * Loads the authenticators of single packets if a config needs one. Nothing else changes.
   *
   * @throws the error of an import (as a rejection)
   */
  async load({ doors }: Config): Promise<void> {
    const { claimed, load } = this.#single
    if (this.#packets.size > 0 || !doors.some(isPacketDoor)) return
    const make = await load()
    // Two reloads may overlap.
    if (this.#packets.size > 0) return
    const isOwn = (address: Address): boolean => this.#ownText.has(formatAddress(address))
    const loaded = make({ ...this.#deps, claimed, isOwn })
    this.#packets = new Set(Object.values(loaded))
    for (const [kind, each] of Object.entries(loaded)) this.#byKind.set(kind as SpaProtocol, each)
  }

  /** Puts the doors of a config in force. Its single packets are loaded. Never throws. */
  replace({ doors, options }: Config): void {
    const placed = doors.map((door, place) => ({ door, kind: kindOf(door), place }))
    this.#doors = new Map(placed.map((each) => [each.door.name, each]))
    for (const authenticator of this.#all) {
      const own = placed.filter(({ kind }) => this.#byKind.get(kind) === authenticator)
      authenticator.replace(
        own.map(({ door }) => door),
        options,
      )
    }
    forgetUsedCodes(
      this.#deps.store,
      this.#coded.flatMap((each) => [...each.keys()]),
      this.#deps.clock.now(),
    )
  }

  find(name: string): Door | undefined {
    return this.#doors.get(name)?.door
  }

  /** Sorts the names of doors by their places in the config. */
  inOrder(names: readonly string[]): readonly string[] {
    const placeOf = (name: string): number => this.#doors.get(name)?.place ?? this.#doors.size
    return [...names].sort((one, other) => placeOf(one) - placeOf(other))
  }

  /**
   * Sets the host's own addresses; `undefined`: they are unknown, and packets to every address are taken.
   *
   * @param broadcast the broadcast addresses of its links
   */
  setOwn(addresses: readonly Address[] | undefined, broadcast: readonly Address[]): void {
    this.#own = addresses === undefined ? undefined : new Destinations(addresses)
    this.#ownText = new Set([...(addresses ?? []), ...broadcast].map(formatAddress))
  }

  /** Yields every sequence that opens a door now. */
  *sequences(): Generator<GateSequence> {
    for (const each of this.#all) yield* each.sequences()
  }

  /** The single packets that have to be captured. */
  get needs(): PacketNeeds {
    const all = [...this.#packets].map(({ needs }) => needs)
    return {
      datagrams: all.flatMap((needs) => needs?.datagrams ?? []),
      synPorts: all.flatMap((needs) => needs?.synPorts ?? []),
    }
  }

  /** Takes a packet if it is a single packet to an address of this host, as in {@link Authenticator.offer}. */
  offer(packet: Packet, bytes: Uint8Array): boolean {
    if (this.#packets.size === 0 || this.#own?.has(packet) === false) return false
    for (const each of this.#packets) if (each.offer(packet, bytes)) return true
    return false
  }

  /**
   * Redeems a sequence, as in {@link Authenticator.redeem}. A reload may have given its door a secret of another kind.
   * Packets are redeemed by the authenticator that made the claim.
   */
  async redeem(claim: Claim): Promise<Redeemed> {
    const authenticator = this.#for(claim.door)
    return authenticator === undefined || this.#packets.has(authenticator) ? REFUSED : await authenticator.redeem(claim)
  }

  /** Judges what another host's proof opens here, as in {@link Authenticator.grantFor}. */
  grantFor(vouched: Vouched): Judged {
    return this.#for(vouched.door)?.grantFor(vouched) ?? NO_DOOR
  }

  /** Judges whether a holder may keep an opening, as in {@link Authenticator.mayHold}. */
  mayHold(held: Held): Verdict {
    return this.#for(held.door)?.mayHold(held) ?? 'unknown'
  }

  /** Returns when a holder next loses access by time alone, in milliseconds since 1970, or `Infinity`. */
  nextExpiry(now: number): number {
    return Math.min(...[...this.#all].map((each) => each.nextExpiry(now)))
  }

  status(door: string): SecretStatus {
    return this.#for(door)?.status(door) ?? {}
  }

  /** Reads the file of a door's users again, as in {@link Authenticator.readUsers}. */
  readUsers(door: string): UsersInForce | undefined {
    return this.#for(door)?.readUsers?.(door)
  }

  /** Reads the files below a folder again, as in {@link Authenticator.refresh}. */
  refresh(folder: string): void {
    for (const each of this.#all) each.refresh(folder)
  }

  /** The files and folders that decide who may open. */
  files(): readonly string[] {
    return [...this.#all].flatMap((each) => each.files())
  }

  /** Replaces a list that the daemon makes, as in {@link GeneratedAuthenticator.rotate}. */
  async rotate(door: string): Promise<number | undefined> {
    return await this.#generated.rotate(door)
  }

  /** Takes all sequences out of the gate, stops watching, and waits for writes that have begun. */
  async close(): Promise<void> {
    await Promise.all([...this.#all].map(async (each) => await each.close()))
  }

  get #all(): ReadonlySet<Authenticator<unknown>> {
    return new Set(this.#byKind.values())
  }

  #for(door: string): Authenticator<unknown> | undefined {
    const kind = this.#doors.get(door)?.kind
    return kind === undefined ? undefined : this.#byKind.get(kind)
  }
}

function kindOf({ secret }: Door): Kind {
  return secret.kind === 'spa' ? secret.protocol : secret.kind
}
