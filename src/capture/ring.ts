import type { CaptureCounts, LiveCapture, TakeFrame } from '../native/pcap.ts'

/** Kernel memory for the waiting packets of one interface, in bytes: 12,000 packets. */
export const BUFFER_BYTES = 4 * 1_048_576
/** The same during a flood: 95,000 packets, half a second of 200,000 packets a second. */
export const FLOOD_BUFFER_BYTES = 32 * 1_048_576
/** Most captures with the large buffer at a time, so 128 MiB. Floods on further interfaces keep the small one. */
export const FLOOD_BUFFERS_MAX = 4
/** Milliseconds without a full batch after which a flood is over, and between two tries to change the buffer. */
export const FLOOD_OVER_MS = 10_000
/** Batches fetched in a row before other tasks run. */
const BATCHES_MAX = 4
/** Milliseconds by which two captures may tell the time of one packet differently. */
const CLOCK_STEP_MS = 0.005
/** Most batches fetched from a replaced capture. The larger buffer holds fewer. */
const LAST_BATCHES_MAX = 128

/** The counts of a capture that is closed, besides those that were taken before. */
const NO_COUNTS: CaptureCounts = { received: 0, dropped: 0 }

/** The number of captures with the large buffer. */
let deepRings = 0

/** A capture of a ring. */
export type RingCapture = Pick<LiveCapture, 'take' | 'counts' | 'close' | 'batchMax'>

/**
 * The capture on one interface, with a large buffer while a flood lasts. The size of a buffer is fixed when a capture
 * begins. So a second capture begins, the first one is emptied and closed, and packets that both have are skipped.
 */
export class Ring<Capture extends RingCapture> {
  readonly #open: (bufferBytes: number) => Capture
  readonly #replaced: () => void
  #capture: Capture
  #deep = false
  #behind = false
  /** The time of the last full batch, and of the last failure to change the buffer, on the steady clock. */
  #fullAt = -Infinity
  #failedAt = -Infinity
  /** The packets that closed captures handled or dropped, less those that the present one skipped. */
  #received = 0
  #dropped = 0
  /** The packets that the present capture handled. */
  #handled = 0
  /** The closed capture handled the packets before this time of capture. */
  #seenUntil = -Infinity
  /** The most packets that the present capture can have of those. */
  #seen = 0
  #closed = false

  /**
   * @param open begins a capture with so many bytes of kernel memory, and with the present filter
   * @param replaced called when another capture has taken the place of {@link capture}, before that is closed
   * @throws what `open` throws
   */
  constructor(open: (bufferBytes: number) => Capture, replaced: () => void) {
    this.#open = open
    this.#replaced = replaced
    this.#capture = open(BUFFER_BYTES)
  }

  /** The present capture. */
  get capture(): Capture {
    return this.#capture
  }

  /** Returns true while the large buffer is in use. */
  get deep(): boolean {
    return this.#deep
  }

  /** Returns true if the last fetch ended with a full batch, so that more packets wait. */
  get behind(): boolean {
    return this.#behind
  }

  get counts(): CaptureCounts {
    const { received, dropped } = this.#closed ? NO_COUNTS : this.#capture.counts()
    return { received: this.#received + received, dropped: this.#dropped + dropped }
  }

  /**
   * Handles the waiting packets, at most {@link BATCHES_MAX} batches of them, and returns their number.
   *
   * @param now milliseconds on the steady clock
   * @throws CaptureError if the interface is down or gone
   */
  take(each: TakeFrame, now: number): number {
    let taken = 0
    for (let batch = 0; batch < BATCHES_MAX; batch++) {
      const count = this.#take(each)
      taken += count
      this.#behind = count >= this.#capture.batchMax
      if (!this.#behind) break
      this.#fullAt = now
      if (!this.#deep) taken += this.#change(FLOOD_BUFFER_BYTES, each, now)
    }
    if (this.#deep && now - this.#fullAt >= FLOOD_OVER_MS) taken += this.#change(BUFFER_BYTES, each, now)
    return taken
  }

  /** Ends the capture. Its counts stay. */
  close(): void {
    if (!this.#closed) {
      const { received, dropped } = this.counts
      this.#received = received
      this.#dropped = dropped
    }
    this.#closed = true
    this.#setDeep(false)
    this.#capture.close()
  }

  #take(each: TakeFrame): number {
    if (this.#closed) return 0
    const handle = this.#seenUntil === -Infinity ? each : this.#skipping(each)
    const count = this.#capture.take(handle)
    this.#handled += count
    return count
  }

  #skipping(each: TakeFrame): TakeFrame {
    return (bytes, start, end, wireLength, time) => {
      // With the clock set back, the time alone would skip all packets until it is the same again.
      if (time < this.#seenUntil && this.#seen-- > 0) {
        this.#handled--
        this.#received--
      } else {
        this.#seenUntil = -Infinity
        each(bytes, start, end, wireLength, time)
      }
    }
  }

  /**
   * Continues with another buffer, and returns the number of packets handled on the way. If that fails, everything stays
   * as it is, and is tried again later.
   */
  #change(bufferBytes: number, each: TakeFrame, now: number): number {
    if (this.#closed || now - this.#failedAt < FLOOD_OVER_MS) return 0
    const deep = bufferBytes === FLOOD_BUFFER_BYTES
    let next: Capture
    try {
      if (deep && deepRings >= FLOOD_BUFFERS_MAX) throw new Error('too many large buffers')
      next = this.#open(bufferBytes)
    } catch {
      this.#failedAt = now
      return 0
    }
    const last = this.#capture
    const { dropped } = last.counts()
    let taken = 0
    try {
      taken = this.#empty(each)
    } catch (error) {
      next.close()
      throw error
    }
    if (this.#closed) {
      next.close()
      return taken
    }
    this.#received += this.#handled + dropped
    this.#dropped += dropped
    this.#handled = 0
    this.#capture = next
    this.#setDeep(deep)
    try {
      this.#replaced()
    } finally {
      last.close()
    }
    return taken
  }

  #setDeep(deep: boolean): void {
    if (deep !== this.#deep) deepRings += deep ? 1 : -1
    this.#deep = deep
  }

  /** Handles the packets from before the next capture began. It has all later ones, and some may be dropped here. */
  #empty(each: TakeFrame): number {
    // The clock shows whole milliseconds, rounded down.
    const begun = Date.now() + 1
    const handled = { until: -Infinity, count: 0 }
    const earlier: TakeFrame = (bytes, start, end, wireLength, time) => {
      handled.until = Math.min(begun, time)
      handled.count++
      if (time < begun) each(bytes, start, end, wireLength, time)
      else this.#handled--
    }
    let taken = 0
    for (let batch = 0; batch < LAST_BATCHES_MAX; batch++) {
      const count = this.#take(earlier)
      taken += count
      if (count < this.#capture.batchMax || handled.until >= begun) break
    }
    const { until } = handled
    this.#seen = handled.count
    // A packet on the boundary is handled twice rather than never. To the gate, it was doubled on its way.
    this.#seenUntil = until < begun ? until : begun - CLOCK_STEP_MS
    return taken
  }
}
