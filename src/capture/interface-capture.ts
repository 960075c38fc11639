import { interfaceIndex } from '../native/libc.ts'
import type { Watched } from '../native/watch.ts'
import { CaptureError, LiveCapture } from '../native/pcap.ts'
import type { CaptureCounts, TakeFrame } from '../native/pcap.ts'
import { CROWD_INTERVAL_MS, CROWD_PACKETS, Pacing } from './pacing.ts'
import { Ring } from './ring.ts'
import type { RingCapture } from './ring.ts'

/** Bytes captured of a packet. They suffice for two VLAN tags, IPv6 with extension headers and a TCP header. */
export const SNAPLEN_BYTES = 256
/** The bytes for headers if payloads are captured. The longest payload is added to them. */
const HEADERS_BYTES = 192

/** The events of a capture. */
export interface CaptureEvents {
  frame: TakeFrame
  /**
   * Called after all waiting packets were fetched. Returns true if one of them was the second or a later knock of a
   * sequence, so that more are expected.
   */
  taken(): boolean
  /** Called when the interface is down or gone. Nothing is captured from then on. */
  lost(reason: string): void
  /** Called when another event handler has thrown. */
  failed(error: unknown): void
}

/** The members of a capture that the daemon uses. */
export type Captured = RingCapture & Pick<LiveCapture, 'linkType' | 'tamperedWith' | 'setFilter' | 'watch'>

function beginCapture(name: string, snaplen: number, bufferBytes: number): Captured {
  return new LiveCapture(name, snaplen, bufferBytes)
}

/** The capture on one interface. */
export class InterfaceCapture {
  readonly #ring: Ring<Captured>
  #watched: Watched
  readonly #index: number
  readonly #name: string
  readonly #events: CaptureEvents
  readonly #begin: typeof beginCapture
  readonly #pacing = new Pacing()
  #expression = ''
  /** The filter of the newest capture when it began. */
  #begunWith = ''
  #later: NodeJS.Timeout | undefined
  #closed = false

  /**
   * @param filter makes the kernel's filter for a link type
   * @param payloadMax the longest captured payload in bytes, or 0 for none
   * @throws CaptureError if the interface cannot be captured
   */
  constructor(
    name: string,
    filter: (linkType: number) => string,
    payloadMax: number,
    events: CaptureEvents,
    begin = beginCapture,
  ) {
    this.#name = name
    this.#begin = begin
    this.#events = events
    this.#index = interfaceIndex(name)
    const snaplen = Math.max(SNAPLEN_BYTES, HEADERS_BYTES + payloadMax)
    this.#ring = new Ring(
      (bufferBytes) => this.#open(snaplen, bufferBytes, filter),
      () => this.#watchAgain(),
    )
    this.#watched = this.#watch()
  }

  get linkType(): number {
    return this.#ring.capture.linkType
  }

  get counts(): CaptureCounts {
    return this.#ring.counts
  }

  /** Returns true if the name still belongs to the captured interface. It may have been renamed or replaced. */
  get current(): boolean {
    return this.#name === 'any' || interfaceIndex(this.#name) === this.#index
  }

  /** Returns the reason why the capture receives other packets than the filter accepts, or `undefined`. */
  get tamperedWith(): string | undefined {
    return this.#ring.capture.tamperedWith
  }

  /**
   * Sets the filter. An unchanged filter is not set again, because packets may be lost during the change.
   * @throws CaptureError if the filter is refused
   */
  setFilter(expression: string): void {
    if (expression === this.#expression) return
    this.#ring.capture.setFilter(expression)
    this.#expression = expression
  }

  /** Returns true if waiting packets are fetched: the event loop watches for them, or a pause is about to end. */
  get isWatched(): boolean {
    return !this.#closed && (this.#later !== undefined || this.#watched.isActive)
  }

  /** Fetches packets if the large buffer is still in use, so that it is given back after a flood. */
  calm(): void {
    if (this.#ring.deep && this.#later === undefined && !this.#closed) this.#rest(0)
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    clearTimeout(this.#later)
    this.#watched.close()
    this.#ring.close()
  }

  /** If a packet causes an error, the rest of its batch is still handled, and the watch continues. */
  readonly #frame: TakeFrame = (bytes, start, end, wireLength, time) => {
    try {
      this.#events.frame(bytes, start, end, wireLength, time)
    } catch (error) {
      this.#events.failed(error)
    }
  }

  /** @param filter makes the filter of the first capture. Later ones have the present filter. */
  #open(snaplen: number, bufferBytes: number, filter: (linkType: number) => string): Captured {
    const capture = this.#begin(this.#name, snaplen, bufferBytes)
    try {
      this.#expression ||= filter(capture.linkType)
      capture.setFilter(this.#expression)
      this.#begunWith = this.#expression
    } catch (error) {
      capture.close()
      throw error
    }
    return capture
  }

  #watch(): Watched {
    return this.#ring.capture.watch(() => this.#wake())
  }

  /** Watches the capture that replaced another one. That happens amid a fetch, after which a pause follows. */
  #watchAgain(): void {
    this.#watched.close()
    this.#watched = this.#watch()
    // A packet of that fetch may have changed the filter.
    if (this.#begunWith !== this.#expression) this.#ring.capture.setFilter(this.#expression)
  }

  #wake(): void {
    if (this.#closed || this.#later !== undefined) return
    const wait = this.#pacing.wait(performance.now())
    const taken = wait === 0 ? this.#take() : 0
    if (this.#closed) return
    if (wait > 0) this.#rest(wait)
    else if (taken >= CROWD_PACKETS || this.#ring.behind) this.#rest(CROWD_INTERVAL_MS)
  }

  /** Fetches packets after a pause. Watching resumes only after a pause without packets. */
  #rest(ms: number): void {
    this.#watched.pause()
    this.#later = setTimeout(() => {
      this.#later = undefined
      if (this.#closed) return
      this.#pacing.wait(performance.now())
      const taken = this.#take()
      if (this.#closed) return
      if (taken === 0) this.#watched.resume()
      else this.#rest(this.#pacing.pause(taken, this.#ring.behind, performance.now()))
    }, ms)
  }

  /** Returns the number of packets. */
  #take(): number {
    let taken = 0
    try {
      taken = this.#ring.take(this.#frame, performance.now())
    } catch (error) {
      if (error instanceof CaptureError) {
        this.close()
        this.#events.lost(error.message)
      } else this.#events.failed(error)
    }
    try {
      if (this.#events.taken()) this.#pacing.expect(performance.now())
    } catch (error) {
      this.#events.failed(error)
    }
    return taken
  }
}
