// Goal: a flood is read with a large buffer, ordinary traffic with a small one. No packet is lost or handled twice when
// one buffer replaces the other.
import { beforeEach, afterEach, expect, test, vi } from 'vitest'
import type { TakeFrame } from '../native/pcap.ts'
import { BUFFER_BYTES, FLOOD_BUFFERS_MAX, FLOOD_BUFFER_BYTES, FLOOD_OVER_MS, Ring } from './ring.ts'

const BATCH = 10
const BYTES_PER_PACKET = 65_536
const NO_BYTES = new Uint8Array(0)

const rings: Ring<LineCapture>[] = []

beforeEach(() => void vi.useFakeTimers({ now: 1_700_000_000_000 }))
afterEach(() => {
  for (const ring of rings.splice(0)) ring.close()
  vi.useRealTimers()
})

/**
 * A line whose packets are numbers. Each open capture gets all of them, the newest first and each with its own look at
 * the clock, as in Linux. It drops those for which it has no room.
 */
class Line {
  readonly captures = new Set<LineCapture>()
  #number = 0
  #time = 0

  send(count: number): void {
    for (let sent = 0; sent < count; sent++) {
      const number = this.#number++
      this.#time = Math.max(this.#time + 0.001, Date.now())
      for (const capture of [...this.captures].toReversed()) {
        this.#time += 0.001
        capture.get({ number, time: this.#time })
      }
    }
  }

  setClock(now: number): void {
    vi.setSystemTime(now)
    this.#time = now
  }

  get sent(): number {
    return this.#number
  }
}

class LineCapture {
  readonly batchMax = BATCH
  readonly bytes: number
  readonly #line: Line
  readonly #waiting: { readonly number: number; readonly time: number }[] = []
  #received = 0
  #dropped = 0
  closed = false

  constructor(line: Line, bytes: number) {
    this.#line = line
    this.bytes = bytes
    line.captures.add(this)
  }

  get(packet: { readonly number: number; readonly time: number }): void {
    this.#received++
    if (this.#waiting.length >= this.bytes / BYTES_PER_PACKET) this.#dropped++
    else this.#waiting.push(packet)
  }

  take(each: TakeFrame): number {
    expect(this.closed).toBe(false)
    const batch = this.#waiting.splice(0, BATCH)
    for (const { number, time } of batch) each(NO_BYTES, number, number, 0, time)
    return batch.length
  }

  counts(): { received: number; dropped: number } {
    return { received: this.#received, dropped: this.#dropped }
  }

  close(): void {
    this.closed = true
    this.#line.captures.delete(this)
  }
}

function bench(open = (line: Line, bytes: number) => new LineCapture(line, bytes)) {
  const line = new Line()
  const replaced = vi.fn()
  const ring = new Ring((bytes) => open(line, bytes), replaced)
  rings.push(ring)
  const handled: number[] = []
  const each: TakeFrame = (_bytes, number) => void handled.push(number)
  const take = (): number => ring.take(each, Date.now())
  const takeAll = (): void => {
    while (take() > 0);
  }
  return { line, ring, replaced, handled, each, take, takeAll }
}

const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_, number) => number)

test('ordinary traffic keeps the small buffer', () => {
  const { line, ring, take, replaced } = bench()
  for (let round = 0; round < 100; round++) {
    line.send(BATCH - 1)
    take()
    vi.advanceTimersByTime(5)
  }
  expect([ring.deep, ring.capture.bytes, replaced.mock.calls.length]).toEqual([false, BUFFER_BYTES, 0])
})

test('a full batch brings the large buffer, and every packet is handled once and counted once', () => {
  const { line, ring, handled, take, takeAll, replaced } = bench()
  line.send(3 * BATCH)
  take()
  expect([ring.deep, ring.capture.bytes, replaced.mock.calls.length]).toEqual([true, FLOOD_BUFFER_BYTES, 1])
  for (let round = 0; round < 50; round++) {
    vi.advanceTimersByTime(2)
    line.send(7)
    take()
  }
  takeAll()
  expect(handled).toEqual(upTo(line.sent))
  expect(ring.counts).toEqual({ received: line.sent, dropped: 0 })
  expect(line.captures.size).toBe(1)
})

test('packets that arrive while the buffers change are in both, and handled once', () => {
  const all = bench()
  const { line, ring, handled, takeAll } = all
  let during = 3
  const each = all.each
  const sending: TakeFrame = (...frame) => {
    each(...frame)
    // The old capture is being emptied when these arrive.
    if (ring.capture.bytes === BUFFER_BYTES && during-- > 0) line.send(4)
  }
  line.send(BATCH)
  ring.take(sending, Date.now())
  expect(ring.deep).toBe(true)
  vi.advanceTimersByTime(2)
  line.send(5)
  takeAll()
  expect([...new Set(handled)].toSorted((one, other) => one - other)).toEqual(upTo(line.sent))
  expect(handled.length).toBe(line.sent)
  expect(ring.counts.received).toBe(line.sent)
})

test('the large buffer is given back once no batch was full for a while', () => {
  const { line, ring, handled, take } = bench()
  line.send(2 * BATCH)
  take()
  vi.advanceTimersByTime(FLOOD_OVER_MS - 1)
  line.send(1)
  take()
  expect(ring.deep).toBe(true)
  vi.advanceTimersByTime(2)
  take()
  expect([ring.deep, ring.capture.bytes, line.captures.size]).toEqual([false, BUFFER_BYTES, 1])
  vi.advanceTimersByTime(2)
  line.send(3)
  take()
  expect(handled).toEqual(upTo(line.sent))
})

test('a clock that is set back just after a change makes nobody wait until it is the same again', () => {
  const { line, handled, take, takeAll, ring } = bench((to, bytes) => {
    const capture = new LineCapture(to, bytes)
    if (to.captures.size > 1) to.send(1)
    return capture
  })
  line.send(BATCH)
  takeAll()
  vi.advanceTimersByTime(FLOOD_OVER_MS)
  take()
  expect(ring.deep).toBe(false)
  line.setClock(Date.now() - 3_600_000)
  line.send(3)
  takeAll()
  expect(handled).toEqual(upTo(line.sent))
})

test('what was dropped stays counted', () => {
  const { line, ring, take } = bench()
  line.send(BUFFER_BYTES / BYTES_PER_PACKET + 5)
  take()
  expect(ring.deep).toBe(true)
  expect(ring.counts).toEqual({ received: line.sent, dropped: 5 })
})

test('without memory for it, the small buffer goes on, and it is tried again later', () => {
  let tries = 0
  const { line, ring, handled, take, takeAll } = bench((to, bytes) => {
    if (bytes === FLOOD_BUFFER_BYTES && ++tries < 2) throw new Error('cannot allocate memory')
    return new LineCapture(to, bytes)
  })
  line.send(3 * BATCH)
  take()
  take()
  expect([ring.deep, tries]).toEqual([false, 1])
  takeAll()
  vi.advanceTimersByTime(FLOOD_OVER_MS)
  line.send(3 * BATCH)
  takeAll()
  expect([ring.deep, tries]).toEqual([true, 2])
  expect(handled).toEqual(upTo(line.sent))
})

test('floods on many interfaces share a few large buffers, and one that was given back serves another', () => {
  const all = Array.from({ length: FLOOD_BUFFERS_MAX + 2 }, () => bench())
  const flood = (): number => {
    for (const { line, takeAll } of all) {
      line.send(BATCH)
      takeAll()
    }
    return all.filter(({ ring }) => ring.deep).length
  }
  expect(flood()).toBe(FLOOD_BUFFERS_MAX)
  all[0]!.ring.close()
  vi.advanceTimersByTime(FLOOD_OVER_MS)
  all.shift()
  expect(flood()).toBe(FLOOD_BUFFERS_MAX)
  for (const { line, handled } of all) expect(handled).toEqual(upTo(line.sent))
})

test('a ring that a packet closes leaves no capture open', () => {
  const { line, ring, take } = bench()
  line.send(2 * BATCH)
  ring.take((_bytes, number) => {
    if (number === BATCH) ring.close()
  }, Date.now())
  expect(line.captures.size).toBe(0)
  expect(take()).toBe(0)
})
