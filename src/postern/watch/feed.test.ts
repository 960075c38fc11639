// Goal: the watch asks the daemon at most as often as it says, and not at all while it is stopped. A daemon that ended
// is tried again at growing intervals. No event is shown twice, and a gap has a mark.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { WELL } from '../../../test/schema/status.ts'
import { ControlError } from '../../control/client.ts'
import type { EventsRequest, Reply, Request } from '../../control/message.ts'
import { Feed, RETRY_FIRST_MS, RETRY_MOST_MS, ROWS_LISTED } from './feed.ts'
import type { News } from './news.ts'

const DOWN = new ControlError('knockd is not running', 'start it', true)
const START = Date.UTC(2026, 10, 22, 3)

beforeEach(() => void vi.useFakeTimers({ now: START }))
afterEach(() => void vi.useRealTimers())

/** A daemon whose stream lasts until the test ends it. */
class FakeDaemon {
  readonly asked: { readonly atMs: number; readonly request: Request }[] = []
  readonly streams: { readonly request: EventsRequest; readonly signal: AbortSignal }[] = []
  readonly news: News[] = []
  isUp = true
  reply: Reply = { status: WELL }
  line: (fields: object) => void = () => undefined
  end: (error?: Error) => void = () => undefined
  readonly feed: Feed

  constructor(eventsMax = 500) {
    this.feed = new Feed(
      { doors: ['ssh'] },
      {
        find: () => '/run/postern/control.sock',
        ask: async (_, request) => {
          this.asked.push({ atMs: Date.now() - START, request })
          if (!this.isUp) throw DOWN
          return request.command === 'status' ? this.reply : { done: 'done', count: 1 }
        },
        askForEvents: async (_, request, each, signal) =>
          await new Promise((resolve, reject) => {
            this.streams.push({ request, signal: signal! })
            this.line = (fields) => each(fields as Readonly<Record<string, unknown>>, JSON.stringify(fields))
            this.end = (error) => (error === undefined ? resolve() : reject(error))
            signal!.addEventListener('abort', () => reject(new Error('aborted')))
          }),
        tell: (news) => void this.news.push(news),
        everyMs: 1_000,
        eventsMax,
      },
    )
  }

  get texts(): readonly string[] {
    return this.news.flatMap((news) => (news.kind === 'events' ? news.events.map(({ text }) => text) : []))
  }

  event(message: string, ms = Date.now()): void {
    this.line({ time: new Date(ms).toISOString(), level: 'info', event: 'notice', message })
  }
}

const pass = async (ms: number): Promise<void> => void (await vi.advanceTimersByTimeAsync(ms))

test('the status is asked for each second with bounded rows, and not while the watch is stopped', async () => {
  const daemon = new FakeDaemon()
  await pass(5_000)
  expect(daemon.asked).toEqual([])
  daemon.feed.start()
  await pass(10_000)
  expect(daemon.asked.length).toBeGreaterThanOrEqual(10)
  expect(daemon.asked.length).toBeLessThanOrEqual(11)
  expect(daemon.asked[0]!.request).toEqual({ command: 'status', rows: ROWS_LISTED, doors: ['ssh'] })
  expect(daemon.streams.map(({ request }) => request)).toEqual([{ command: 'events', follow: true, doors: ['ssh'] }])
  daemon.feed.stop()
  expect(daemon.streams[0]!.signal.aborted).toBe(true)
  const asked = daemon.asked.length
  await pass(60_000)
  expect([daemon.asked.length, daemon.streams.length, vi.getTimerCount()]).toEqual([asked, 1, 0])
})

test('a daemon that ended is tried again at growing intervals, until it is back', async () => {
  const daemon = new FakeDaemon()
  daemon.feed.start()
  await pass(0)
  daemon.isUp = false
  daemon.end()
  await pass(60_000)
  const times = daemon.asked.map(({ atMs }) => atMs)
  const gaps = times.slice(2).map((ms, index) => ms - times[index + 1]!)
  expect(gaps.slice(0, 6)).toEqual([500, 1_000, 2_000, 4_000, 8_000, RETRY_MOST_MS])
  expect(gaps.every((ms) => ms >= RETRY_FIRST_MS && ms <= RETRY_MOST_MS)).toBe(true)
  expect(daemon.news.find(({ kind }) => kind === 'down')).toEqual({
    kind: 'down',
    reason: DOWN.message,
    hint: DOWN.hint,
  })
  daemon.isUp = true
  await pass(RETRY_MOST_MS)
  expect(daemon.news.at(-1)!.kind).toBe('status')
  expect(daemon.streams).toHaveLength(2)
  daemon.feed.stop()
})

test('after a break the stream continues: no event comes twice, and a mark shows where some may be missing', async () => {
  const daemon = new FakeDaemon()
  daemon.feed.start()
  await pass(0)
  daemon.event('one', START)
  daemon.event('two', START)
  await pass(3_000)
  daemon.end()
  await pass(3_000)
  const { request } = daemon.streams[1]!
  // The stream starts a little before the last event.
  expect(request.sinceMs! - (Date.now() - START)).toBeGreaterThan(-3_000)
  expect(request.sinceMs!).toBeGreaterThanOrEqual(1_000)
  daemon.event('one', START)
  daemon.event('two', START)
  daemon.event('three', START)
  await pass(200)
  expect(daemon.texts).toEqual(['one', 'two', expect.stringMatching(/^watching again; what knockd forgot/), 'three'])
  daemon.feed.stop()
})

test('another choice starts a new stream', async () => {
  const daemon = new FakeDaemon()
  daemon.feed.start()
  await pass(0)
  daemon.event('one')
  await pass(200)
  daemon.feed.choose({ users: ['alice'] })
  await pass(0)
  expect(daemon.streams.at(-1)!.request).toEqual({ command: 'events', follow: true, users: ['alice'] })
  expect(daemon.asked.at(-1)!.request).toEqual({ command: 'status', rows: ROWS_LISTED, users: ['alice'] })
  daemon.event('one', START)
  await pass(200)
  expect(daemon.texts).toEqual(['one', 'one'])
  daemon.feed.stop()
  daemon.feed.choose({})
  await pass(5_000)
  expect(daemon.streams).toHaveLength(2)
})

test('a flood is shown in batches, each with as many events as the list can hold', async () => {
  const daemon = new FakeDaemon(10)
  daemon.feed.start()
  await pass(0)
  for (let second = 0; second < 3; second++) {
    for (let count = 0; count < 5_000; count++) daemon.event(`${second}-${count}`)
    await pass(1_000)
  }
  const batches = daemon.news.filter(({ kind }) => kind === 'events')
  expect(batches.length).toBeLessThanOrEqual(30)
  expect(daemon.texts).toHaveLength(30)
  expect(daemon.texts.at(-1)).toBe('2-4999')
  daemon.feed.stop()
})

test('if the stream is refused, the reason is shown, and the tries become less frequent', async () => {
  const daemon = new FakeDaemon()
  daemon.feed.start()
  for (let tries = 0; tries < 30; tries++) {
    await pass(1_000)
    daemon.line({ error: 'too many readers of events', hint: 'end another' })
    daemon.end()
  }
  expect(daemon.streams.length).toBeLessThan(10)
  expect(daemon.news).toContainEqual({ kind: 'stream', fault: 'too many readers of events: end another' })
  // The status is still asked for meanwhile.
  expect(daemon.asked.length).toBeGreaterThan(25)
  daemon.feed.stop()
})

test('the outcome of a request is shown, even without a daemon, and a status follows immediately', async () => {
  const daemon = new FakeDaemon()
  daemon.feed.start()
  await pass(0)
  const request = { command: 'forgive', source: '192.0.2.7' } as const
  await daemon.feed.request(request)
  await pass(0)
  expect(daemon.asked.map(({ request: { command } }) => command)).toEqual(['status', 'forgive', 'status'])
  daemon.isUp = false
  await daemon.feed.request(request)
  expect(daemon.news.filter(({ kind }) => kind === 'outcome')).toEqual([
    { kind: 'outcome', request, outcome: { done: 'done', count: 1 } },
    { kind: 'outcome', request, outcome: { error: DOWN.message, hint: DOWN.hint } },
  ])
  daemon.feed.stop()
})

test('a member who asks too often sees that, and asks less often', async () => {
  const daemon = new FakeDaemon()
  daemon.reply = { error: 'too many requests', hint: 'try again in a few seconds' }
  daemon.feed.start()
  await pass(30_000)
  expect(daemon.asked.length).toBeLessThan(9)
  expect(daemon.news[0]).toEqual({ kind: 'refused', reason: 'too many requests: try again in a few seconds' })
  daemon.feed.stop()
})
