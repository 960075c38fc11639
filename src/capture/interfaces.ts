import { interfaceIndex } from '../native/libc.ts'
import { monitorLinks } from '../native/netlink.ts'
import type { Monitor } from '../native/netlink.ts'
import { CaptureError } from '../native/pcap.ts'
import type { CaptureCounts } from '../native/pcap.ts'
import { formatAddress } from '../packet/address.ts'
import type { Address } from '../packet/address.ts'
import { PACKET, decode } from '../packet/decode.ts'
import { Packet, UDP } from '../packet/packet.ts'
import { BusyTraffic } from './busy.ts'
import { Deafness, HEARING_CHECK_MS } from './deafness.ts'
import type { Deaf } from './deafness.ts'
import { filterExpression, passes } from './filter.ts'
import type { PacketTerms } from './filter.ts'
import { InterfaceCapture } from './interface-capture.ts'
import type { CaptureInterest } from './interest.ts'
import { addressesOf, localAddresses } from '../host/local-addresses.ts'
import { PacketTally } from './packet-counts.ts'
import type { PacketCounts } from './packet-counts.ts'
import { defaultInterface } from './route.ts'
import { steadyNow, steadyTimeOf } from './steady-clock.ts'

/** Milliseconds in which changes of links and addresses are collected. */
const SETTLE_MS = 20
/** Milliseconds between checks for a missing interface, for systems and changes without notifications. */
const RETRY_MS = 2_000
/** The default interface of knockd. */
const CLASSIC_INTERFACE = 'eth0'

/** The settings and events of listening. */
export interface ListenDeps {
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
  /**
   * Called after all waiting packets were fetched. Returns true if one of them was the second or a later knock of a
   * sequence.
   */
  taken(): boolean
  /** Called with the host's addresses when they change. */
  local(addresses: readonly Address[]): void
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
interface Slot {
  name: string
  capture: InterfaceCapture | undefined
  /** The last logged reason why the interface is not captured. */
  reason: string
  /** The time of the last packet, on the steady clock. */
  heardAt: number
  readonly deafness: Deafness
}

/** The captured interfaces. It follows changes of interfaces and their addresses. */
export class Interfaces {
  readonly #deps: ListenDeps
  readonly #slots: Slot[]
  readonly #packet = new Packet()
  readonly #busy = new BusyTraffic()
  #interest: CaptureInterest
  readonly #tally = new PacketTally()
  #local: readonly Address[] = []
  #localText = ''
  #monitor: Monitor | undefined
  #settling: NodeJS.Timeout | undefined
  #retry: NodeJS.Timeout | undefined
  #check: NodeJS.Timeout | undefined
  #closed = false

  constructor(deps: ListenDeps, interest: CaptureInterest) {
    this.#deps = deps
    this.#interest = interest
    const names = deps.names.length === 0 ? [''] : [...new Set(deps.names)]
    this.#slots = names.map((name) => ({
      name,
      capture: undefined,
      reason: '',
      heardAt: -Infinity,
      deafness: new Deafness(),
    }))
  }

  /** The status of all interfaces. */
  get states(): readonly InterfaceState[] {
    const now = steadyNow()
    return this.#slots.map(({ name, capture, reason, heardAt, deafness }) => ({
      name,
      waiting: capture === undefined ? reason : undefined,
      received: capture?.counts.received ?? 0,
      dropped: capture?.counts.dropped ?? 0,
      heardMs: heardAt === -Infinity ? undefined : Math.max(0, Math.round(now - heardAt)),
      deaf: deafness.at(now),
    }))
  }

  /** Returns true if every interface is watched, or tried again soon. */
  get isWatched(): boolean {
    return this.#slots.every(({ capture }) => capture?.isWatched ?? this.#retry !== undefined)
  }

  /** The counts of packets, also of captures that have ended. */
  get counts(): PacketCounts {
    return this.#tally.with(this.#slots.map(({ capture }) => capture?.counts))
  }

  /**
   * Checks that each capture still receives what its filter accepts, and reopens the others. A process with a
   * descriptor of the old socket does not get the new one.
   */
  checkHearing(): void {
    for (const slot of this.#slots) {
      const { capture } = slot
      capture?.calm()
      // Link notifications handle an interface that is gone.
      const reason = capture?.current === true ? capture.tamperedWith : undefined
      if (capture === undefined || reason === undefined) continue
      this.#end(slot)
      if (slot.deafness.note(reason, steadyNow())) this.#deps.deaf(slot.name, reason)
      this.#tryOpen(slot)
    }
    this.#armRetry()
  }

  /**
   * Captures all present interfaces and waits for the others.
   *
   * @throws MissingLibraryError without libpcap; CaptureError if capturing is not permitted, or a filter is refused
   */
  start(): void {
    this.#updateLocal()
    for (const slot of this.#slots) this.#open(slot)
    try {
      this.#monitor = monitorLinks(() => this.#changed())
    } catch {
      // There are no notifications. All changes are then found by a check every RETRY_MS.
    }
    this.#armRetry()
    this.#check = setInterval(() => this.checkHearing(), HEARING_CHECK_MS)
  }

  /** Sets the traffic to capture. */
  setInterest(interest: CaptureInterest): void {
    const longer = payloadMax(interest) > payloadMax(this.#interest)
    this.#interest = interest
    if (!longer) {
      this.#refilter()
      return
    }
    // The captured length of packets is fixed when a capture begins.
    for (const slot of this.#slots) {
      if (slot.capture === undefined) continue
      this.#end(slot)
      this.#tryOpen(slot)
    }
    this.#armRetry()
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#settling)
    clearTimeout(this.#retry)
    clearInterval(this.#check)
    this.#monitor?.close()
    for (const slot of this.#slots) this.#end(slot)
  }

  #changed(): void {
    this.#settling ??= setTimeout(() => {
      this.#settling = undefined
      this.#review()
    }, SETTLE_MS)
  }

  #review(): void {
    if (this.#closed) return
    if (this.#updateLocal()) this.#refilter()
    for (const slot of this.#slots) {
      if (slot.capture !== undefined && !slot.capture.current) this.#lost(slot, 'no such interface')
      if (slot.capture === undefined) this.#tryOpen(slot)
    }
    this.#armRetry()
  }

  #armRetry(): void {
    clearTimeout(this.#retry)
    this.#retry = undefined
    const waits = this.#slots.some(({ capture }) => capture === undefined)
    if (this.#closed || (!waits && this.#monitor !== undefined)) return
    this.#retry = setTimeout(() => {
      this.#retry = undefined
      this.#review()
    }, RETRY_MS)
  }

  /** Opens an interface. If that fails for any reason, waits for it: the daemon never ends because of a link. */
  #tryOpen(slot: Slot): void {
    try {
      this.#open(slot)
    } catch (error) {
      this.#wait(slot, (error as Error).message)
    }
  }

  #open(slot: Slot): void {
    const name = this.#nameOf(slot)
    slot.name = name
    if (name !== 'any' && interfaceIndex(name) === 0) {
      this.#wait(slot, 'no such interface')
      return
    }
    try {
      const link = this.#slots.indexOf(slot)
      slot.capture = new InterfaceCapture(name, (linkType) => this.#filter(linkType), payloadMax(this.#interest), {
        frame: (bytes, start, end, wireLength, time) => {
          const { linkType } = slot.capture!
          const packet = this.#packet
          if (decode(bytes, start, end, wireLength, linkType, packet) !== PACKET) return
          if (packet.family === 6 && this.#deps.onlyIp4) return
          packet.time = steadyTimeOf(time)
          packet.link = link
          slot.heardAt = packet.time
          this.#tally.take()
          const knock =
            packet.protocol !== UDP || this.#interest.datagrams.length === 0 || passes(this.#passing, packet)
          if (knock && this.#busy.count(packet, this.#interest)) this.#refilter()
          this.#deps.packet(packet, bytes, knock)
        },
        taken: () => this.#deps.taken(),
        failed: (error) => this.#deps.failed(error),
        lost: (reason) => {
          this.#lost(slot, reason)
          this.#armRetry()
        },
      })
    } catch (error) {
      if (!(error instanceof CaptureError) || (error.reason !== 'absent' && error.reason !== 'down')) throw error
      this.#wait(slot, error.reason === 'down' ? 'is down' : 'no such interface')
      return
    }
    slot.reason = ''
    this.#deps.listening(name)
    if (name !== 'any' && addressesOf(name).length === 0) this.#deps.waiting(name, 'has no address yet')
  }

  /** The conditions for a packet to count as a knock. */
  get #passing(): PacketTerms {
    return { interest: this.#interest, decoy: this.#deps.decoy, ...this.#busy.terms }
  }

  #nameOf(slot: Slot): string {
    if (this.#deps.names.length > 0) return slot.name
    if (interfaceIndex(CLASSIC_INTERFACE) > 0) return CLASSIC_INTERFACE
    return defaultInterface() ?? CLASSIC_INTERFACE
  }

  #lost(slot: Slot, reason: string): void {
    this.#end(slot)
    this.#wait(slot, reason)
  }

  /** Ends the capture of an interface, and keeps its counts. */
  #end(slot: Slot): void {
    const { capture } = slot
    slot.capture = undefined
    capture?.close()
    this.#tally.end(capture?.counts)
  }

  #wait(slot: Slot, reason: string): void {
    if (slot.reason === reason) return
    slot.reason = reason
    this.#deps.waiting(slot.name, reason)
  }

  #updateLocal(): boolean {
    const local = localAddresses()
    const text = local.map(formatAddress).toSorted().join(' ')
    if (text === this.#localText) return false
    this.#local = local
    this.#localText = text
    this.#deps.local(local)
    return true
  }

  #filter(linkType: number): string {
    return filterExpression({ ...this.#passing, local: this.#local, onlyIp4: this.#deps.onlyIp4 }, linkType)
  }

  #refilter(): void {
    for (const slot of this.#slots) {
      const { capture } = slot
      if (capture === undefined) continue
      try {
        capture.setFilter(this.#filter(capture.linkType))
      } catch (error) {
        // The interface is probably gone. Otherwise it is reopened with the new filter.
        this.#lost(slot, (error as Error).message)
        this.#armRetry()
      }
    }
  }
}

/** Returns the longest payload to capture, in bytes. */
function payloadMax({ datagrams }: CaptureInterest): number {
  return Math.max(0, ...datagrams.map(({ last }) => last))
}
