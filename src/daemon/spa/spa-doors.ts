import type { Lengths, PacketNeeds } from '../../capture/needs.ts'
import type { Config } from '../../config/config.ts'
import { Destinations } from '../../gate/destinations.ts'
import type { Address } from '../../packet/address.ts'
import { ACK, RST, SYN, TCP, destinationOf, sourceOf } from '../../packet/packet.ts'
import type { Packet } from '../../packet/packet.ts'
import { POSTERN_PACKET_BYTES } from '../../spa/noise/packet.ts'
import { watch } from '../../state/watch.ts'
import type { Watch } from '../../state/watch.ts'
import { commandsFor } from './commands.ts'
import { FWKNOP_LENGTHS, Fwknops } from './fwknops.ts'
import type { FwknopTerms } from './fwknops.ts'
import type { Arrival } from './granted.ts'
import { Knockknocks } from './knockknocks.ts'
import { Posterns } from './posterns.ts'

/** Doors that open to single packets, and what is looked at of the traffic for them. */
export class SpaDoors {
  /** What a packet of fwknop's has run; here, as it is loaded with these doors or not at all. */
  readonly commandsFor = commandsFor
  readonly #of: FwknopTerms
  readonly #posterns: Posterns
  readonly #fwknops: Fwknops
  readonly #knockknocks: Knockknocks
  #own = new Destinations([])
  #watches: Watch[] = []

  constructor(of: FwknopTerms) {
    this.#of = of
    this.#posterns = new Posterns(of)
    this.#fwknops = new Fwknops(of)
    this.#knockknocks = new Knockknocks(of)
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
    this.#own = new Destinations(addresses)
  }

  /** Puts the doors of a config in force, and reads their files. */
  replace({ doors, options }: Config): void {
    this.#unwatch()
    this.#posterns.replace(doors, options.spaKeyFile)
    this.#fwknops.replace(doors)
    this.#knockknocks.replace(doors)
    for (const path of this.#posterns.files) this.#watch(path, () => this.#posterns.refresh())
    for (const path of this.#fwknops.files) this.#watch(path, () => this.#fwknops.refresh())
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

  close(): void {
    this.#unwatch()
  }

  #watch(path: string, refresh: () => void): void {
    const { say } = this.#of
    const ended = (error: Error): void => say('warning', `${path} is not watched: ${error.message}`)
    try {
      this.#watches.push(watch(path, refresh, ended))
    } catch (error) {
      ended(error as Error)
    }
  }

  #unwatch(): void {
    for (const each of this.#watches) each.close()
    this.#watches = []
  }
}

function arrivalOf(packet: Packet): Arrival {
  const { protocol, port } = packet
  return { source: sourceOf(packet), destination: destinationOf(packet), protocol, port }
}
