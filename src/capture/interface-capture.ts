import { interfaceIndex } from '../native/libc.ts'
import type { Watched } from '../native/watch.ts'
import { CaptureError, LiveCapture } from '../native/pcap.ts'
import type { CaptureCounts, TakeFrame } from '../native/pcap.ts'
import { Pacing, WAKE_INTERVAL_MS } from './pacing.ts'

/** Bytes captured of a packet. They suffice for two VLAN tags, IPv6 with extension headers and a TCP header. */
export const SNAPLEN_BYTES = 256
/** The bytes for headers if payloads are captured. The longest payload is added to them. */
const HEADERS_BYTES = 192
/** Kernel memory for the waiting packets of one interface, in bytes. */
export const BUFFER_BYTES = 4 * 1_048_576
/**
 * With so many packets at a time, the buffer may be full before the next fetch. That fetch then follows after so many
 * milliseconds.
 */
const CROWD_PACKETS = 1_000
const CROWD_INTERVAL_MS = 1
/** Batches fetched in a row before other tasks run. */
const BATCHES_MAX = 4

/** The events of a capture. */
export interface CaptureEvents {
  frame: TakeFrame
  /** Called after all waiting packets were fetched. */
  taken(): void
  /** Called when the interface is down or gone. Nothing is captured from then on. */
  lost(reason: string): void
  /** Called when another event handler has thrown. */
  failed(error: unknown): void
}

/** The capture on one interface. */
export class InterfaceCapture {
  readonly #capture: LiveCapture
  readonly #watched: Watched
  readonly #index: number
  readonly #name: string
  readonly #events: CaptureEvents
  readonly #pacing = new Pacing()
  #expression = ''
  #later: NodeJS.Timeout | undefined
  #closed = false

  /**
   * @param filter makes the kernel's filter for a link type
   * @param payloadMax the longest captured payload in bytes, or 0 for none
   * @throws CaptureError if the interface cannot be captured
   */
  constructor(name: string, filter: (linkType: number) => string, payloadMax: number, events: CaptureEvents) {
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

  /** Returns true if the name still belongs to the captured interface. It may have been renamed or replaced. */
  get current(): boolean {
    return this.#name === 'any' || interfaceIndex(this.#name) === this.#index
  }

  /** Returns the reason why the capture receives other packets than the filter accepts, or `undefined`. */
  get tamperedWith(): string | undefined {
    return this.#capture.tamperedWith
  }

  /**
   * Sets the filter. An unchanged filter is not set again, because packets may be lost during the change.
   * @throws CaptureError if the filter is refused
   */
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

  /** If a packet causes an error, the rest of its batch is still handled, and the watch continues. */
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

  /** Fetches packets after a pause. Watching resumes only after a pause without packets. */
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

  /** Returns the number of packets. */
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
