import { broadcastAddresses } from '../../capture/own.ts'
import type { Lengths, PacketNeeds } from '../../capture/needs.ts'
import type { Config } from '../../config/config.ts'
import { Destinations } from '../../gate/destinations.ts'
import { formatAddress } from '../../packet/address.ts'
import type { Address } from '../../packet/address.ts'
import { ACK, RST, SYN, TCP, destinationOf, sourceOf } from '../../packet/packet.ts'
import type { Packet } from '../../packet/packet.ts'
import { POSTERN_PACKET_BYTES } from '../../spa/noise/packet.ts'
import { commandsFor } from './commands.ts'
import { FWKNOP_LENGTHS, Fwknops } from './fwknops.ts'
import type { FwknopTerms } from './fwknops.ts'
import type { Arrival } from './granted.ts'
import { Knockknocks } from './knockknocks.ts'
import { Posterns } from './posterns.ts'
import { WorkBudget } from './work-budget.ts'
import type { Held } from '../../door/held.ts'
import type { HolderJudge, Verdict } from '../verdict.ts'

/** What these doors need of their surroundings: which addresses are this host's they are told. */
export type SpaTerms = Omit<FwknopTerms, 'isOwn'>

/** Doors that open to single packets, and what is looked at of the traffic for them. */
export class SpaDoors implements HolderJudge {
  /** What a packet of fwknop's has run; here, as it is loaded with these doors or not at all. */
  readonly commandsFor = commandsFor
  readonly #posterns: Posterns
  readonly #fwknops: Fwknops
  readonly #knockknocks: Knockknocks
  #own = new Destinations([])
  /** The same and the broadcast addresses of its links, as text. */
  #ownText: ReadonlySet<string> = new Set()

  constructor(of: SpaTerms) {
    const work = new WorkBudget()
    this.#posterns = new Posterns(of, work)
    this.#fwknops = new Fwknops({ ...of, isOwn: (address) => this.isOwn(address) }, work)
    this.#knockknocks = new Knockknocks(of, work)
  }

  /** What has to be seen of the traffic. */
  get needs(): PacketNeeds {
    const datagrams: Lengths[] = []
    if (this.#posterns.wanted) datagrams.push({ first: POSTERN_PACKET_BYTES, last: POSTERN_PACKET_BYTES })
    if (this.#fwknops.wanted) datagrams.push(FWKNOP_LENGTHS)
    return { datagrams, synPorts: this.#knockknocks.ports }
  }

  /** How many users a door has; `undefined`: it does not open to single packets. */
  users(name: string): number | undefined {
    return this.#posterns.users(name) ?? this.#fwknops.users(name) ?? this.#knockknocks.users(name)
  }

  /** Says which addresses are this host's own. */
  setOwn(addresses: Iterable<Address>): void {
    const all = [...addresses]
    this.#own = new Destinations(all)
    this.#ownText = new Set([...all, ...broadcastAddresses()].map(formatAddress))
  }

  /** Whether what is sent to an address comes to this host, as far as its interfaces tell. */
  isOwn(address: Address): boolean {
    return this.#ownText.has(formatAddress(address))
  }

  /** Puts the doors of a config in force, and reads their files. */
  replace({ doors, options }: Config): void {
    this.#posterns.replace(doors, options.spaKeyFile)
    this.#fwknops.replace(doors)
    this.#knockknocks.replace(doors)
  }

  /** Takes a packet, if it is such a one. `bytes`: where its payload stands. False: it is for others to look at. */
  take(packet: Packet, bytes: Uint8Array): boolean {
    if (packet.protocol === TCP) {
      if (!this.#knockknocks.wanted || (packet.flags & (SYN | ACK | RST)) !== SYN || !this.#own.has(packet))
        return false
      return this.#knockknocks.take(packet, arrivalOf(packet))
    }
    if ((!this.#posterns.wanted && !this.#fwknops.wanted) || !this.#own.has(packet)) return false
    const payload = bytes.subarray(packet.payloadStart, packet.payloadEnd)
    const arrival = arrivalOf(packet)
    return this.#posterns.take(payload, arrival) || this.#fwknops.take(payload, arrival)
  }

  /** Judges by the keys of the door; `unknown` where no single packet opens it. */
  mayHold(held: Held): Verdict {
    for (const judge of [this.#posterns, this.#fwknops, this.#knockknocks]) {
      if (judge.users(held.door) !== undefined) return judge.mayHold(held)
    }
    return 'unknown'
  }

  /** When the next of the keys expires, milliseconds since 1970. */
  nextExpiry(now: number): number {
    return Math.min(this.#posterns.nextExpiry(now), this.#fwknops.nextExpiry(now))
  }

  close(): void {
    for (const each of [this.#posterns, this.#fwknops, this.#knockknocks]) each.close()
  }
}

function arrivalOf(packet: Packet): Arrival {
  const { protocol, port } = packet
  return { source: sourceOf(packet), destination: destinationOf(packet), protocol, port }
}
