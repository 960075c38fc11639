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

/** Milliseconds that changes of links and addresses are gathered for. */
const SETTLE_MS = 20
/** Milliseconds between looks at an interface that is waited for, for systems and changes that tell nothing. */
const RETRY_MS = 2_000
/** The interface that knockd listens on where nothing else is said. */
const CLASSIC_INTERFACE = 'eth0'

/** What listening takes and tells. */
export interface ListenTerms {
  /** Names of interfaces, or `any`; empty: `eth0` if there is one, else the default route's. */
  readonly names: readonly string[]
  readonly onlyIp4: boolean
  /** A secret number below DECOY_CLASSES. */
  readonly decoy: number
  /**
   * Takes a packet, whose `time` is on the steady clock; the record and the bytes are used anew afterwards. `knock`: it may
   * be one, and is not there for its length alone.
   */
  packet(packet: Packet, bytes: Uint8Array, knock: boolean): void
  /** All packets that waited were taken. */
  taken(): void
  /** The host's own addresses are these from now on. */
  own(addresses: readonly Address[]): void
  listening(name: string): void
  /** Something is not there yet, or not any more; it is waited for. */
  waiting(name: string, reason: string): void
  /** It got other packets than it should, since some moment of the last {@link HEARING_CHECK_MS}, and is opened anew. */
  deaf(name: string, reason: string): void
  /** What was called with a packet has thrown; the next packets are taken all the same. */
  failed(error: unknown): void
}

/** An interface that is to be listened on, as others are told of it. */
export interface InterfaceState extends CaptureCounts {
  readonly name: string
  /** Why it is waited for; `undefined`: it is listened on. */
  readonly waiting: string | undefined
  /** Milliseconds since the last packet came; `undefined`: none has yet. */
  readonly heardMs: number | undefined
  readonly deaf: Deaf | undefined
}

/** What is known of one interface that is to be listened on. */
interface Place {
  name: string
  station: Station | undefined
  /** Why it is waited for, as it was last said. */
  reason: string
  /** When the last packet came, on the steady clock. */
  heardAt: number
  readonly deafness: Deafness
}

/** The steady clock: milliseconds since 1970 as they were at the start of the process; setting the clock moves nothing. */
export function steadyNow(): number {
  return performance.timeOrigin + performance.now()
}

/** The interfaces that are listened on, kept up with as they and their addresses come and go. */
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

  /** All of them: what each has counted, and why it is waited for, where it is. */
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
   * Looks whether each capture still gets what its filter lets through, and opens those anew that do not. Whoever has a
   * descriptor of the old socket has none of the new one.
   */
  checkHearing(): void {
    for (const place of this.#places) {
      const { station } = place
      // One whose interface has gone is looked after by the news of that.
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
   * Begins to listen on all that are there, and to wait for the others.
   *
   * @throws MissingLibraryError without libpcap; CaptureError if listening is not permitted, or a filter is refused
   */
  start(): void {
    this.#lookAtOwn()
    for (const place of this.#places) this.#open(place)
    try {
      this.#monitor = monitorLinks(() => this.#changed())
    } catch {
      // No such socket here: waited-for interfaces are looked for every RETRY_MS, and so is everything else.
    }
    this.#armRetry()
    this.#check = setInterval(() => this.checkHearing(), HEARING_CHECK_MS)
  }

  /** Lets other packets through from now on. */
  need(needs: Needs): void {
    const longer = payloadMax(needs) > payloadMax(this.#needs)
    this.#needs = needs
    if (!longer) {
      this.#refilter()
      return
    }
    // How much of a packet is captured is settled when a capture begins.
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

  /** Opens what can be opened; the rest is waited for, whatever the reason: the daemon never ends because of a link. */
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

  /** What lets a packet through as a knock. */
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
        // The interface went away between two looks at it; or else it is opened anew, with the filter it should have.
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

  /** The time of capture on the steady clock. A packet cannot have come later than now, whatever the clock was set to. */
  #steady(captured: number): number {
    const now = steadyNow()
    return Math.min(now, captured + now - Date.now())
  }
}

/** The longest payload that is looked at, in bytes. */
function payloadMax({ datagrams }: Needs): number {
  return Math.max(0, ...datagrams.map(({ last }) => last))
}
