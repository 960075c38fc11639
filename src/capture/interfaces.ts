import { interfaceIndex } from '../native/libc.ts'
import { monitorLinks } from '../native/netlink.ts'
import type { Monitor } from '../native/netlink.ts'
import { CaptureError } from '../native/pcap.ts'
import type { CaptureCounts } from '../native/pcap.ts'
import { formatAddress } from '../packet/address.ts'
import type { Address } from '../packet/address.ts'
import { PACKET, decode } from '../packet/decode.ts'
import { Packet, TCP } from '../packet/packet.ts'
import { BusyPorts } from './busy.ts'
import { Deafness, HEARING_CHECK_MS } from './deafness.ts'
import type { Deaf } from './deafness.ts'
import { filterExpression, passes } from './filter.ts'
import type { PacketTerms } from './filter.ts'
import type { Needs } from './needs.ts'
import { addressesOf, ownAddresses } from './own.ts'
import { defaultInterface } from './route.ts'
import { Station } from './station.ts'

/** Milliseconds in which changes of links and addresses are collected. */
const SETTLE_MS = 20
/** Milliseconds between checks for a missing interface, for systems and changes without notifications. */
const RETRY_MS = 2_000
/** The default interface of knockd. */
const CLASSIC_INTERFACE = 'eth0'

/** The settings and events of listening. */
export interface ListenTerms {
  /** Names of interfaces, or `any`. If empty, `eth0` if it exists, else the interface of the default route. */
  readonly names: readonly string[]
  readonly onlyIp4: boolean
  /** A secret number below DECOY_CLASSES. */
  readonly decoy: number
  /**
   * Called with each packet. Its `time` is on the steady clock. The record and the bytes are reused afterwards.
   *
   * @param knock true if the packet may be a knock; false if it was captured only for its length
   */
  packet(packet: Packet, bytes: Uint8Array, knock: boolean): void
  /** Called after all waiting packets were fetched. */
  taken(): void
  /** Called with the host's own addresses when they change. */
  own(addresses: readonly Address[]): void
  listening(name: string): void
  /** Called when an interface is missing or not ready. */
  waiting(name: string, reason: string): void
  /**
   * Called when a capture was found to receive wrong packets and was reopened. That began within the last {@link
   * HEARING_CHECK_MS}.
   */
  deaf(name: string, reason: string): void
  /** Called when the handler of a packet has thrown. Later packets are still handled. */
  failed(error: unknown): void
}

/** The status of an interface. */
export interface InterfaceState extends CaptureCounts {
  readonly name: string
  /** The reason why the interface is not captured yet; `undefined` if it is. */
  readonly waiting: string | undefined
  /** Milliseconds since the last packet; `undefined` if there was none. */
  readonly heardMs: number | undefined
  readonly deaf: Deaf | undefined
}

/** The state of one interface. */
interface Place {
  name: string
  station: Station | undefined
  /** The last logged reason why the interface is not captured. */
  reason: string
  /** The time of the last packet, on the steady clock. */
  heardAt: number
  readonly deafness: Deafness
}

/**
 * Returns the steady clock: milliseconds since 1970, by the system clock at the start of the process. Setting the clock
 * does not change it.
 */
export function steadyNow(): number {
  return performance.timeOrigin + performance.now()
}

/** The captured interfaces. It follows changes of interfaces and their addresses. */
export class Interfaces {
  readonly #terms: ListenTerms
  readonly #places: Place[]
  readonly #packet = new Packet()
  readonly #busyTcp = new BusyPorts()
  readonly #busyUdp = new BusyPorts()
  #needs: Needs
  #own: readonly Address[] = []
  #ownText = ''
  #monitor: Monitor | undefined
  #settling: NodeJS.Timeout | undefined
  #retry: NodeJS.Timeout | undefined
  #check: NodeJS.Timeout | undefined
  #closed = false

  constructor(terms: ListenTerms, needs: Needs) {
    this.#terms = terms
    this.#needs = needs
    const names = terms.names.length === 0 ? [''] : [...new Set(terms.names)]
    this.#places = names.map((name) => ({
      name,
      station: undefined,
      reason: '',
      heardAt: -Infinity,
      deafness: new Deafness(),
    }))
  }

  /** The status of all interfaces. */
  get states(): readonly InterfaceState[] {
    const now = steadyNow()
    return this.#places.map(({ name, station, reason, heardAt, deafness }) => ({
      name,
      waiting: station === undefined ? reason : undefined,
      received: station?.counts.received ?? 0,
      dropped: station?.counts.dropped ?? 0,
      heardMs: heardAt === -Infinity ? undefined : Math.max(0, Math.round(now - heardAt)),
      deaf: deafness.at(now),
    }))
  }

  /**
   * Checks that each capture still receives what its filter accepts, and reopens the others. A process with a
   * descriptor of the old socket does not get the new one.
   */
  checkHearing(): void {
    for (const place of this.#places) {
      const { station } = place
      // Link notifications handle an interface that is gone.
      const reason = station?.current === true ? station.tamperedWith : undefined
      if (station === undefined || reason === undefined) continue
      station.close()
      place.station = undefined
      if (place.deafness.note(reason, steadyNow())) this.#terms.deaf(place.name, reason)
      this.#tryOpen(place)
    }
    this.#armRetry()
  }

  /**
   * Captures all present interfaces and waits for the others.
   *
   * @throws MissingLibraryError without libpcap; CaptureError if capturing is not permitted, or a filter is refused
   */
  start(): void {
    this.#lookAtOwn()
    for (const place of this.#places) this.#open(place)
    try {
      this.#monitor = monitorLinks(() => this.#changed())
    } catch {
      // There are no notifications. All changes are then found by a check every RETRY_MS.
    }
    this.#armRetry()
    this.#check = setInterval(() => this.checkHearing(), HEARING_CHECK_MS)
  }

  /** Sets the traffic to capture. */
  need(needs: Needs): void {
    const longer = payloadMax(needs) > payloadMax(this.#needs)
    this.#needs = needs
    if (!longer) {
      this.#refilter()
      return
    }
    // The captured length of packets is fixed when a capture begins.
    for (const place of this.#places) {
      if (place.station === undefined) continue
      place.station.close()
      place.station = undefined
      this.#tryOpen(place)
    }
    this.#armRetry()
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#settling)
    clearTimeout(this.#retry)
    clearInterval(this.#check)
    this.#monitor?.close()
    for (const place of this.#places) place.station?.close()
  }

  #changed(): void {
    this.#settling ??= setTimeout(() => {
      this.#settling = undefined
      this.#review()
    }, SETTLE_MS)
  }

  #review(): void {
    if (this.#closed) return
    if (this.#lookAtOwn()) this.#refilter()
    for (const place of this.#places) {
      if (place.station !== undefined && !place.station.current) {
        place.station.close()
        this.#lost(place, 'no such interface')
      }
      if (place.station === undefined) this.#tryOpen(place)
    }
    this.#armRetry()
  }

  #armRetry(): void {
    clearTimeout(this.#retry)
    const waits = this.#places.some(({ station }) => station === undefined)
    if (this.#closed || (!waits && this.#monitor !== undefined)) return
    this.#retry = setTimeout(() => this.#review(), RETRY_MS)
  }

  /** Opens an interface. If that fails for any reason, waits for it: the daemon never ends because of a link. */
  #tryOpen(place: Place): void {
    try {
      this.#open(place)
    } catch (error) {
      this.#wait(place, (error as Error).message)
    }
  }

  #open(place: Place): void {
    const name = this.#nameOf(place)
    place.name = name
    if (name !== 'any' && interfaceIndex(name) === 0) {
      this.#wait(place, 'no such interface')
      return
    }
    try {
      const link = this.#places.indexOf(place)
      place.station = new Station(name, (linkType) => this.#filter(linkType), payloadMax(this.#needs), {
        frame: (bytes, start, end, wireLength, time) => {
          const { linkType } = place.station!
          const packet = this.#packet
          if (decode(bytes, start, end, wireLength, linkType, packet) !== PACKET) return
          if (packet.family === 6 && this.#terms.onlyIp4) return
          packet.time = this.#steady(time)
          packet.link = link
          place.heardAt = packet.time
          const knock = packet.protocol === TCP || this.#needs.datagrams.length === 0 || passes(this.#passing, packet)
          if (knock) this.#watchBusy(packet)
          this.#terms.packet(packet, bytes, knock)
        },
        taken: () => this.#terms.taken(),
        failed: (error) => this.#terms.failed(error),
        lost: (reason) => {
          this.#lost(place, reason)
          this.#armRetry()
        },
      })
    } catch (error) {
      if (!(error instanceof CaptureError) || (error.reason !== 'absent' && error.reason !== 'down')) throw error
      this.#wait(place, error.reason === 'down' ? 'is down' : 'no such interface')
      return
    }
    place.reason = ''
    this.#terms.listening(name)
    if (name !== 'any' && addressesOf(name).length === 0) this.#terms.waiting(name, 'has no address yet')
  }

  /** The conditions for a packet to count as a knock. */
  get #passing(): PacketTerms {
    const busy = { busyTcp: this.#busyTcp.ports, busyUdp: this.#busyUdp.ports }
    return { needs: this.#needs, decoy: this.#terms.decoy, ...busy }
  }

  #nameOf(place: Place): string {
    if (this.#terms.names.length > 0) return place.name
    if (interfaceIndex(CLASSIC_INTERFACE) > 0) return CLASSIC_INTERFACE
    return defaultInterface() ?? CLASSIC_INTERFACE
  }

  #lost(place: Place, reason: string): void {
    place.station = undefined
    this.#wait(place, reason)
  }

  #wait(place: Place, reason: string): void {
    if (place.reason === reason) return
    place.reason = reason
    this.#terms.waiting(place.name, reason)
  }

  #lookAtOwn(): boolean {
    const own = ownAddresses()
    const text = own.map(formatAddress).toSorted().join(' ')
    if (text === this.#ownText) return false
    this.#own = own
    this.#ownText = text
    this.#terms.own(own)
    return true
  }

  #filter(linkType: number): string {
    return filterExpression({ ...this.#passing, own: this.#own, onlyIp4: this.#terms.onlyIp4 }, linkType)
  }

  #refilter(): void {
    for (const place of this.#places) {
      const { station } = place
      if (station === undefined) continue
      try {
        station.setFilter(this.#filter(station.linkType))
      } catch (error) {
        // The interface is probably gone. Otherwise it is reopened with the new filter.
        station.close()
        this.#lost(place, (error as Error).message)
        this.#armRetry()
      }
    }
  }

  #watchBusy(packet: Packet): void {
    const tcp = packet.protocol === TCP
    if ((tcp ? this.#needs.tcpPorts : this.#needs.udpPorts).has(packet.port)) return
    if ((tcp ? this.#busyTcp : this.#busyUdp).count(packet.port, packet.time)) this.#refilter()
  }

  /** Converts the time of capture to the steady clock. It is never in the future, however the clock was set. */
  #steady(captured: number): number {
    const now = steadyNow()
    return Math.min(now, captured + now - Date.now())
  }
}

/** Returns the longest payload to capture, in bytes. */
function payloadMax({ datagrams }: Needs): number {
  return Math.max(0, ...datagrams.map(({ last }) => last))
}
