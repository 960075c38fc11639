// Goal: whatever floods an interface is fetched as fast as it arrives, with long captured packets too, and a change of
// the buffer neither sets an unchanged filter again nor leaves a capture open.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { CaptureError } from '../native/pcap.ts'
import type { TakeFrame } from '../native/pcap.ts'
import type { Watched } from '../native/watch.ts'
import { InterfaceCapture } from './interface-capture.ts'
import type { CaptureEvents, Captured } from './interface-capture.ts'

/** Bytes of the record's header and of the memory for a batch, as in the capture that this one stands for. */
const RECORD_BYTES = 16
const BATCH_BYTES = 262_144
const NO_BYTES = new Uint8Array(0)

const line = {
  perMs: 0,
  filters: [] as string[],
  refuses: false,
  each: (): void => undefined,
  open: new Set<object>(),
  wake: [] as (() => void)[],
}

/** A capture on a line that has so many packets a millisecond. Each of them takes its place in the kernel's buffer. */
class LineCapture implements Captured {
  readonly linkType = 1
  readonly tamperedWith = undefined
  readonly batchMax: number
  readonly #room: number
  readonly #opened = Date.now()
  #taken = 0
  #dropped = 0

  constructor(snaplen: number, bufferBytes: number) {
    this.batchMax = Math.floor((BATCH_BYTES - 1) / (RECORD_BYTES + snaplen))
    this.#room = Math.floor(bufferBytes / (snaplen + 84))
    line.open.add(this)
  }

  setFilter(expression: string): void {
    if (line.refuses) throw new CaptureError('filter: no', 'filter')
    line.filters.push(expression)
  }

  get #waiting(): number {
    const waiting = Math.floor((Date.now() - this.#opened) * line.perMs) - this.#taken - this.#dropped
    this.#dropped += Math.max(0, waiting - this.#room)
    return Math.min(waiting, this.#room)
  }

  take(each: TakeFrame): number {
    const count = Math.min(this.batchMax, this.#waiting)
    for (let at = 0; at < count; at++) {
      this.#taken++
      each(NO_BYTES, 0, 0, 0, this.#opened + this.#taken / line.perMs)
    }
    return count
  }

  counts(): { received: number; dropped: number } {
    const waiting = this.#waiting
    return { received: this.#taken + this.#dropped + waiting, dropped: this.#dropped }
  }

  watch(wake: () => void): Watched {
    let paused = false
    const look = (): void => {
      if (!paused) wake()
    }
    line.wake.push(look)
    return {
      get isActive() {
        return !paused && line.wake.includes(look)
      },
      pause: () => void (paused = true),
      resume: () => void (paused = false),
      close: () => void line.wake.splice(line.wake.indexOf(look), 1),
    }
  }

  close(): void {
    line.open.delete(this)
  }
}

beforeEach(() => {
  vi.useFakeTimers({ now: 1_700_000_000_000 })
  Object.assign(line, { perMs: 0, filters: [], refuses: false, each: () => undefined, open: new Set(), wake: [] })
})
afterEach(() => void vi.useRealTimers())

const begin = (_name: string, snaplen: number, bytes: number): Captured => new LineCapture(snaplen, bytes)

function capturing(payloadMax: number) {
  const lost: string[] = []
  const failed: unknown[] = []
  const events: CaptureEvents = {
    frame: () => line.each(),
    taken: () => false,
    lost: (reason) => void lost.push(reason),
    failed: (error) => void failed.push(error),
  }
  const capture = new InterfaceCapture('eth7', () => 'tcp', payloadMax, events, begin)
  return { capture, lost, failed }
}

/** Lets time pass, in which the event loop looks at what is watched. */
function pass(ms: number): void {
  for (let at = 0; at < ms; at++) {
    vi.advanceTimersByTime(1)
    for (const wake of line.wake) wake()
  }
}

test.each([
  ['headers', 0],
  ["fwknop's packets", 1_500],
])('100,000 packets a second are fetched as they arrive, capturing %s', (_what, payloadMax) => {
  const { capture } = capturing(payloadMax)
  line.perMs = 100
  pass(1_000)
  const before = capture.counts.dropped
  pass(2_000)
  expect(capture.counts.dropped - before).toBe(0)
  capture.close()
  expect(line.open.size).toBe(0)
})

test('a larger buffer begins with the present filter, which is not set once more: packets could be lost', () => {
  const { capture } = capturing(0)
  capture.setFilter('udp')
  line.perMs = 100
  pass(100)
  expect(line.filters).toEqual(['tcp', 'udp', 'udp'])
  capture.close()
})

test('a larger buffer that cannot be used leaves no capture open', () => {
  const { capture, lost } = capturing(0)
  line.perMs = 100
  // The filter changes while the first capture is being emptied, and the second one refuses it.
  line.each = () => {
    if (line.open.size < 2) return
    line.each = () => undefined
    capture.setFilter('udp')
    line.refuses = true
  }
  pass(100)
  expect(lost).toEqual(['filter: no'])
  expect(line.open.size).toBe(0)
})

test('a capture is watched while it waits for packets, in a flood between two fetches, and never once it is closed', () => {
  const { capture } = capturing(0)
  expect(capture.isWatched).toBe(true)
  line.perMs = 100
  pass(100)
  expect(capture.isWatched).toBe(true)
  capture.close()
  expect(capture.isWatched).toBe(false)
})

test('a capture whose watch has ended, with nothing that begins it again, is not watched', () => {
  const { capture } = capturing(0)
  line.wake.length = 0
  expect(capture.isWatched).toBe(false)
  capture.close()
})
