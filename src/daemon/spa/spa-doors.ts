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

/** The dependencies of these doors. The host's own addresses are set later. */
export type SpaTerms = Omit<FwknopTerms, 'isOwn' | 'explain'>

/** The doors that single packets open (SPA), and the traffic that they need. */
export class SpaDoors implements HolderJudge {
  /** Returns the commands for an fwknop packet. It is here so that it is loaded only with these doors. */
  readonly commandsFor = commandsFor
  readonly #posterns: Posterns
  readonly #fwknops: Fwknops
  readonly #knockknocks: Knockknocks
  #own = new Destinations([])
  /** The host's own addresses and the broadcast addresses of its links, as text. */
  #ownText: ReadonlySet<string> = new Set()

  constructor(terms: SpaTerms) {
    const work = new WorkBudget()
    const explain: FwknopTerms['explain'] = (source, door, reason) =>
      terms.event({ kind: 'explanation', source, door, reason })
    const of = { ...terms, explain }
    this.#posterns = new Posterns(of, work)
    this.#fwknops = new Fwknops({ ...of, isOwn: (address) => this.isOwn(address) }, work)
    this.#knockknocks = new Knockknocks(of, work)
  }

  /** The traffic that has to be captured. */
  get needs(): PacketNeeds {
    const datagrams: Lengths[] = []
    if (this.#posterns.wanted) datagrams.push({ first: POSTERN_PACKET_BYTES, last: POSTERN_PACKET_BYTES })
    if (this.#fwknops.wanted) datagrams.push(FWKNOP_LENGTHS)
    return { datagrams, synPorts: this.#knockknocks.ports }
  }

  /** Returns the number of a door's users, or `undefined` if single packets do not open the door. */
  users(name: string): number | undefined {
    return this.#posterns.users(name) ?? this.#fwknops.users(name) ?? this.#knockknocks.users(name)
  }

  /** Sets the host's own addresses. */
  setOwn(addresses: Iterable<Address>): void {
    const all = [...addresses]
    this.#own = new Destinations(all)
    this.#ownText = new Set([...all, ...broadcastAddresses()].map(formatAddress))
  }

  /** Returns true if the interfaces of this host receive packets for the address. */
  isOwn(address: Address): boolean {
    return this.#ownText.has(formatAddress(address))
  }

  /** Applies the doors of a config and reads their files. */
  replace({ doors, options }: Config): void {
    this.#posterns.replace(doors, options.spaKeyFile)
    this.#fwknops.replace(doors)
    this.#knockknocks.replace(doors)
  }

  /**
   * Handles a packet if it is a single packet for these doors. Otherwise returns false.
   *
   * @param bytes the memory with the packet's payload
   */
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

  /** Judges by the door's keys. The answer is `unknown` if single packets do not open the door. */
  mayHold(held: Held): Verdict {
    for (const judge of [this.#posterns, this.#fwknops, this.#knockknocks]) {
      if (judge.users(held.door) !== undefined) return judge.mayHold(held)
    }
    return 'unknown'
  }

  /** Returns when the next key expires, in milliseconds since 1970. */
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
