import { BUSY_PORTS_MAX } from './filter.ts'

/** Packets a second to one port that is no knock, beyond which the port is a service's and not looked at any more. */
export const BUSY_PACKETS_PER_S = 200
/** Milliseconds after which busy ports are looked at again. */
export const BUSY_FOR_MS = 600_000
const WINDOW_MS = 1_000
const PORTS = 65_536

/**
 * Finds the ports that ordinary traffic goes to. A flood from one scanner falls on many ports, a service's on its own:
 * leaving the busiest out costs the scan guard a few ports, and spares user space the rest.
 */
export class BusyPorts {
  readonly #counts = new Uint16Array(PORTS)
  readonly #busy = new Set<number>()
  #window = 0
  #since = 0

  get ports(): ReadonlySet<number> {
    return this.#busy
  }

  /** Counts a packet to a port that is no knock. True: the set has changed. `now` in milliseconds on any steady clock. */
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
