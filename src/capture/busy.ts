import { TCP, UDP } from '../packet/packet.ts'
import type { Packet } from '../packet/packet.ts'
import { BUSY_PORTS_MAX } from './filter.ts'
import type { PacketTerms } from './filter.ts'
import { isKnockedDatagram } from './interest.ts'
import type { CaptureInterest } from './interest.ts'

/** Packets a second to one port, other than knocks, beyond which the port is ignored as a busy service. */
export const BUSY_PACKETS_PER_S = 200
/** Milliseconds after which busy ports are watched again. */
export const BUSY_FOR_MS = 600_000
const WINDOW_MS = 1_000
const PORTS = 65_536

/**
 * Finds the ports with much ordinary traffic. A scan reaches many ports, but a service's traffic only its own.
 * Excluding busy ports costs the scan detection a few ports, and saves user space most of the load.
 */
export class BusyPorts {
  readonly #counts = new Uint16Array(PORTS)
  readonly #busy = new Set<number>()
  #window = 0
  #since = 0

  get ports(): ReadonlySet<number> {
    return this.#busy
  }

  /**
   * Counts a packet that is not a knock. Returns true if the set of busy ports has changed.
   *
   * @param now milliseconds on any steady clock
   */
  count(port: number, now: number): boolean {
    if (now - this.#window >= WINDOW_MS) {
      this.#window = now
      this.#counts.fill(0)
      if (this.#busy.size > 0 && now - this.#since >= BUSY_FOR_MS) {
        this.#busy.clear()
        return true
      }
    }
    if (++this.#counts[port]! !== BUSY_PACKETS_PER_S) return false
    if (this.#busy.size >= BUSY_PORTS_MAX || this.#busy.has(port)) return false
    if (this.#busy.size === 0) this.#since = now
    this.#busy.add(port)
    return true
  }
}

/** The ports with much ordinary traffic of each protocol, and the sizes of many pings. */
export class BusyTraffic {
  readonly #tcp = new BusyPorts()
  readonly #udp = new BusyPorts()
  readonly #pings = new BusyPorts()

  /** The ports and sizes as terms of the filter. */
  get terms(): Pick<PacketTerms, 'busyTcp' | 'busyUdp' | 'busyPings'> {
    return { busyTcp: this.#tcp.ports, busyUdp: this.#udp.ports, busyPings: this.#pings.ports }
  }

  /** Counts a packet unless it is a knock. Returns true if the terms have changed. */
  count(packet: Packet, interest: CaptureInterest): boolean {
    const { protocol, port, size, time } = packet
    if (protocol === TCP) return !interest.tcpPorts.has(port) && this.#tcp.count(port, time)
    if (protocol === UDP) return !isKnockedDatagram(interest, packet) && this.#udp.count(port, time)
    return !interest.pingSizes.has(size) && this.#pings.count(size, time)
  }
}
