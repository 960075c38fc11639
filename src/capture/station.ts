import { interfaceIndex } from '../native/libc.ts'
import type { Watched } from '../native/watch.ts'
import { CaptureError, LiveCapture } from '../native/pcap.ts'
import type { CaptureCounts, TakeFrame } from '../native/pcap.ts'
import { Pacing, WAKE_INTERVAL_MS } from './pacing.ts'

/** Bytes captured of a packet: two VLAN tags, IPv6 with extension headers and a TCP header, with room to spare. */
export const SNAPLEN_BYTES = 256
/** The same where payloads are looked at: beside the longest of them. */
const HEADERS_BYTES = 192
/** Kernel memory that packets of one interface wait in, bytes. */
export const BUFFER_BYTES = 4 * 1_048_576
/** Packets at a time from which on the kernel's memory may be full before the next look, and milliseconds to that one. */
const CROWD_PACKETS = 1_000
const CROWD_INTERVAL_MS = 1
/** Batches taken in a row before others have their turn. */
const BATCHES_MAX = 4

/** What a station tells. */
export interface StationEvents {
  frame: TakeFrame
  /** All packets that waited were taken. */
  taken(): void
  /** The interface has gone down or away; nothing is captured any more. */
  lost(reason: string): void
  /** One of the others has thrown. */
  failed(error: unknown): void
}

/** One interface that is listened on. */
export class Station {
  readonly #capture: LiveCapture
  readonly #watched: Watched
  readonly #index: number
  readonly #name: string
  readonly #events: StationEvents
  readonly #pacing = new Pacing()
  #expression = ''
  #later: NodeJS.Timeout | undefined
  #closed = false

  /**
   * @param filter makes the kernel's filter for a link type
   * @param payloadMax longest payload that is looked at, in bytes; 0: none is
   * @throws CaptureError if it cannot be listened on
   */
  constructor(name: string, filter: (linkType: number) => string, payloadMax: number, events: StationEvents) {
    this.#name = name
    this.#events = events
    this.#index = interfaceIndex(name)
    this.#capture = new LiveCapture(name, Math.max(SNAPLEN_BYTES, HEADERS_BYTES + payloadMax), BUFFER_BYTES)
    try {
      this.setFilter(filter(this.#capture.linkType))
    } catch (error) {
      this.#capture.close()
      throw error
    }
    this.#watched = this.#capture.watch(() => this.#wake())
  }

  get linkType(): number {
    return this.#capture.linkType
  }

  get counts(): CaptureCounts {
    return this.#capture.counts()
  }

  /** Whether the name still belongs to the interface that is listened on: it may have been renamed, or be another. */
  get current(): boolean {
    return this.#name === 'any' || interfaceIndex(this.#name) === this.#index
  }

  /** Why other packets come than the filter lets through; `undefined`: those that should. */
  get tamperedWith(): string | undefined {
    return this.#capture.tamperedWith
  }

  /** Filters otherwise from now on; not at all where nothing changes, as packets may be lost in between. @throws CaptureError */
  setFilter(expression: string): void {
    if (expression === this.#expression) return
    this.#capture.setFilter(expression)
    this.#expression = expression
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    clearTimeout(this.#later)
    this.#watched.close()
    this.#capture.close()
  }

  /** A packet that something fails at must neither take others of its batch along nor end the watch. */
  readonly #frame: TakeFrame = (bytes, start, end, wireLength, time) => {
    try {
      this.#events.frame(bytes, start, end, wireLength, time)
    } catch (error) {
      this.#events.failed(error)
    }
  }

  #wake(): void {
    if (this.#closed || this.#later !== undefined) return
    const wait = this.#pacing.wait(performance.now())
    if (wait === 0) {
      this.#take()
      return
    }
    this.#watched.pause()
    this.#rest(wait)
  }

  /** Lets packets gather, and takes them; watches on only once none have come meanwhile. */
  #rest(ms: number): void {
    this.#later = setTimeout(() => {
      this.#later = undefined
      if (this.#closed) return
      this.#pacing.wait(performance.now())
      const taken = this.#take()
      if (this.#closed) return
      if (taken === 0) this.#watched.resume()
      else this.#rest(taken < CROWD_PACKETS ? WAKE_INTERVAL_MS : CROWD_INTERVAL_MS)
    }, ms)
  }

  /** Gives how many packets there were. */
  #take(): number {
    let taken = 0
    try {
      for (let batch = 0; batch < BATCHES_MAX; batch++) {
        const count = this.#capture.take(this.#frame)
        taken += count
        if (count < this.#capture.batchMax) break
      }
    } catch (error) {
      if (error instanceof CaptureError) {
        this.close()
        this.#events.lost(error.message)
      } else this.#events.failed(error)
    }
    try {
      this.#events.taken()
    } catch (error) {
      this.#events.failed(error)
    }
    return taken
  }
}
