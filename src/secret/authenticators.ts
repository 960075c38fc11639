import type { PacketNeeds } from '../capture/needs.ts'
import { broadcastAddresses } from '../capture/own.ts'
import type { Config, Door } from '../config/config.ts'
import type { Held } from '../door/held.ts'
import { Destinations } from '../gate/destinations.ts'
import type { GateSequence } from '../gate/sequence.ts'
import { formatAddress } from '../packet/address.ts'
import type { Address } from '../packet/address.ts'
import type { Packet } from '../packet/packet.ts'
import type { Authenticator, Claim, Redeemed, SecretStatus, Verdict } from './authenticator.ts'
import { forgetUsedCodes } from './codes.ts'
import type { PacketDeps } from './deps.ts'
import { REFUSED } from './gate-authenticator.ts'
import { GeneratedAuthenticator } from './generated-authenticator.ts'
import type { GeneratedDeps } from './generated-door.ts'
import { OneTimeAuthenticator } from './one-time-authenticator.ts'
import { CodeAuthenticator, UsersAuthenticator } from './people-authenticator.ts'
import { SequenceAuthenticator } from './sequence-authenticator.ts'

/** A kind of single packets. */
export type PacketKind = 'postern' | 'fwknop' | 'knockknock'
type Kind = Exclude<Door['secret']['kind'], 'spa'> | PacketKind

/** Loads the authenticator of a kind of single packets, and makes it. */
export type LoadPacketKind = (deps: PacketDeps<unknown>) => Promise<Authenticator<unknown>>

/** The kinds of single packets. Each is loaded with the first config that has such a door. */
export interface PacketKinds extends Pick<PacketDeps<unknown>, 'claimed'> {
  readonly rows: Readonly<Partial<Record<PacketKind, LoadPacketKind>>>
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
  readonly #packetKinds: PacketKinds | undefined
  readonly #generated: GeneratedAuthenticator
  readonly #coded: readonly (CodeAuthenticator | UsersAuthenticator)[]
  readonly #all: Map<Kind, Authenticator<unknown>>
  /** Those of single packets. */
  readonly #packets: Authenticator<unknown>[] = []
  #doors: ReadonlyMap<string, Placed> = new Map()
  #own = new Destinations([])
  /** The host's own addresses and the broadcast addresses of its links, as text. */
  #ownText: ReadonlySet<string> = new Set()

  constructor(deps: GeneratedDeps, packetKinds?: PacketKinds) {
    this.#deps = deps
    this.#packetKinds = packetKinds
    const codes = new CodeAuthenticator(deps)
    const users = new UsersAuthenticator(deps)
    this.#coded = [codes, users]
    this.#generated = new GeneratedAuthenticator(deps)
    this.#all = new Map<Kind, Authenticator<unknown>>([
      ['sequence', new SequenceAuthenticator(deps)],
      ['one-time', new OneTimeAuthenticator(deps)],
      ['generated', this.#generated],
      ['totp', codes],
      ['users', users],
    ])
  }

  /**
   * Loads the authenticators of single packets that a config needs. Nothing else changes.
   *
   * @throws the error of an import (as a rejection)
   */
  async load({ doors }: Config): Promise<void> {
    if (this.#packetKinds === undefined) return
    const { rows, claimed } = this.#packetKinds
    const kinds = new Set(doors.map(kindOf))
    for (const [kind, load] of Object.entries(rows) as [PacketKind, LoadPacketKind][]) {
      if (!kinds.has(kind) || this.#all.has(kind)) continue
      const isOwn = (address: Address): boolean => this.#ownText.has(formatAddress(address))
      const loaded = await load({ ...this.#deps, claimed, isOwn })
      // Two reloads may overlap.
      if (this.#all.has(kind)) continue
      this.#all.set(kind, loaded)
      this.#packets.push(loaded)
    }
  }

  /** Puts the doors of a config in force. Its kinds of single packets are loaded. Never throws. */
  replace({ doors, options }: Config): void {
    const byKind = new Map<Kind, Door[]>([...this.#all.keys()].map((kind) => [kind, []]))
    const placed = doors.map((door, place) => ({ door, kind: kindOf(door), place }))
    for (const { door, kind } of placed) byKind.get(kind)?.push(door)
    this.#doors = new Map(placed.map((each) => [each.door.name, each]))
    for (const [kind, authenticator] of this.#all) authenticator.replace(byKind.get(kind) ?? [], options)
    forgetUsedCodes(
      this.#deps.store,
      this.#coded.flatMap((each) => [...each.keys()]),
    )
  }

  /** Returns the door in force with this name. */
  find(name: string): Door | undefined {
    return this.#doors.get(name)?.door
  }

  /** Sorts the names of doors by their places in the config. */
  inOrder(names: readonly string[]): readonly string[] {
    if (names.length < 2) return names
    const placeOf = (name: string): number => this.#doors.get(name)?.place ?? this.#doors.size
    return [...names].sort((one, other) => placeOf(one) - placeOf(other))
  }

  /** Sets the host's own addresses. */
  setOwn(addresses: readonly Address[]): void {
    this.#own = new Destinations(addresses)
    this.#ownText = new Set([...addresses, ...broadcastAddresses()].map(formatAddress))
  }

  /** Yields every sequence that opens a door now. */
  *sequences(): Generator<GateSequence> {
    for (const each of this.#all.values()) yield* each.sequences()
  }

  /** The single packets that have to be captured. */
  get needs(): PacketNeeds {
    const all = this.#packets.map(({ needs }) => needs).filter((needs) => needs !== undefined)
    return {
      datagrams: all.flatMap(({ datagrams }) => datagrams),
      synPorts: all.flatMap(({ synPorts }) => synPorts),
    }
  }

  /** Takes a packet if it is a single packet to an address of this host, as in {@link Authenticator.offer}. */
  offer(packet: Packet, bytes: Uint8Array): boolean {
    if (this.#packets.length === 0 || !this.#own.has(packet)) return false
    return this.#packets.some((each) => each.offer(packet, bytes))
  }

  /** Uses up what a claim proves, as in {@link Authenticator.redeem}. */
  async redeem(claim: Claim<unknown>): Promise<Redeemed> {
    return (await this.#for(claim.door)?.redeem(claim)) ?? REFUSED
  }

  /** Judges whether a holder may keep an opening, as in {@link Authenticator.mayHold}. */
  mayHold(held: Held): Verdict {
    return this.#for(held.door)?.mayHold(held) ?? 'unknown'
  }

  /** Returns when a holder next loses access by time alone, in milliseconds since 1970, or `Infinity`. */
  nextExpiry(now: number): number {
    return Math.min(...[...this.#all.values()].map((each) => each.nextExpiry(now)))
  }

  /** Returns the state of a door's secret. */
  status(door: string): SecretStatus {
    return this.#for(door)?.status(door) ?? {}
  }

  /** The files and folders that decide who may open. */
  files(): readonly string[] {
    return [...this.#all.values()].flatMap((each) => each.files())
  }

  /** Replaces a list that the daemon makes, as in {@link GeneratedAuthenticator.rotate}. */
  async rotate(door: string): Promise<number | undefined> {
    return await this.#generated.rotate(door)
  }

  /** Takes all sequences out of the gate, stops watching, and waits for writes that have begun. */
  async close(): Promise<void> {
    await Promise.all([...this.#all.values()].map(async (each) => await each.close()))
  }

  #for(door: string): Authenticator<unknown> | undefined {
    const kind = this.#doors.get(door)?.kind
    return kind === undefined ? undefined : this.#all.get(kind)
  }
}

function kindOf({ secret }: Door): Kind {
  if (secret.kind !== 'spa') return secret.kind
  return secret.protocol === 'fwknop-keys' ? 'fwknop' : secret.protocol
}
