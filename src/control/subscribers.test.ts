// Goal: readers of events get what they asked for, as fast as they read. A reader that stops reading does not fill the
// memory, and is disconnected in the end. The number of readers is limited, and a member of Control_Group gets no event
// of a knock.
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { afterAll, afterEach, expect, test, vi } from 'vitest'
import { WHOLE } from '../../test/schema/events.ts'
import { entryOf } from '../log/format.ts'
import type { LogEvent } from '../log/event.ts'
import { KEPT_MAX, KeptEvents } from '../log/kept-events.ts'
import { ask, askForEvents } from './client.ts'
import { filterOf } from './event-filter.ts'
import type { EventsRequest } from './message.ts'
import { ControlServer } from './server.ts'
import { STALLED_MAX_MS, Subscriber, WAITING_MAX_BYTES } from './subscriber.ts'
import type { SubscriberTerms } from './subscriber.ts'
import { MEMBERS_SUBSCRIBERS_MAX, MEMBER_SUBSCRIBERS_MAX, OWNER_SUBSCRIBERS_MAX, Subscribers } from './subscribers.ts'

const folder = mkdtempSync(join(tmpdir(), 'postern-subscribers-'))
afterAll(() => rmSync(folder, { recursive: true }))
afterEach(() => void vi.useRealTimers())

const ALL: EventsRequest = { command: 'events' }
const add = (events: KeptEvents, event: LogEvent, time = 0): void => events.admitted(event, entryOf(event, time))
const opened = (door: string): LogEvent => ({ ...WHOLE.opened, door })

/** A reader that takes nothing until it is told to. */
function bench(events: KeptEvents, terms: Partial<SubscriberTerms> = {}) {
  const client = {
    text: '',
    writableLength: 0,
    state: 'open',
    write(text: string): void {
      client.text += text
      client.writableLength += Buffer.byteLength(text)
    },
    end: () => void (client.state = 'ended'),
    destroy: () => void (client.state = 'destroyed'),
  }
  const cursor = events.read()
  const subscriber = new Subscriber({ client, cursor, accepts: () => true, follow: true, now: () => 0, ...terms })
  const read = async (): Promise<readonly Record<string, unknown>[]> => {
    for (let round = 0; round < 300; round++) await turn()
    const lines = client.text.split('\n').slice(0, -1)
    client.text = ''
    client.writableLength = 0
    subscriber.drained()
    return lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  }
  return { client, subscriber, read }
}

test('what is kept, then what happens, and the end', async () => {
  const events = new KeptEvents()
  add(events, opened('a'))
  const { client, subscriber, read } = bench(events)
  subscriber.soon()
  expect(await read()).toMatchObject([{ event: 'notice', kind: 'opened', door: 'a' }])
  add(events, opened('b'))
  subscriber.soon()
  expect(await read()).toMatchObject([{ door: 'b' }])
  add(events, opened('c'))
  subscriber.finish()
  expect(await read()).toMatchObject([{ door: 'c' }, { end: 'events' }])
  expect(client.state).toBe('ended')
})

test('without follow it ends after what is kept', async () => {
  const events = new KeptEvents()
  for (let number = 0; number < 250; number++) add(events, opened(`${number}`))
  const { client, subscriber, read } = bench(events, { follow: false, accepts: ({ number }) => number % 2 === 1 })
  subscriber.soon()
  const lines = await read()
  expect([lines.length, lines.at(-1), client.state]).toEqual([126, { end: 'events' }, 'ended'])
})

test('a reader that stops costs a bounded memory, is told what it missed, and is dropped', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const events = new KeptEvents()
  const { client, subscriber, read } = bench(events)
  const total = 3 * KEPT_MAX
  for (let number = 0; number < total; number++) {
    add(events, opened(`${number}`))
    subscriber.soon()
    if (number % 50 === 0) await turn()
  }
  // It has read nothing yet: what waits is a part of what is kept.
  expect(client.writableLength).toBeLessThan(2 * WAITING_MAX_BYTES)
  const lines: Record<string, unknown>[] = []
  for (let round = 0; round < 200; round++) lines.push(...(await read()))
  const missed = lines.filter(({ event }) => event === 'missed')
  expect(missed).toHaveLength(1)
  expect(lines.length - 1 + (missed[0]!['events'] as number)).toBe(total)
  for (let number = 0; number < KEPT_MAX; number++) add(events, opened(`${number}`))
  subscriber.soon()
  for (let round = 0; round < 100; round++) await turn()
  vi.advanceTimersByTime(STALLED_MAX_MS - 1)
  expect(client.state).toBe('open')
  vi.advanceTimersByTime(1)
  expect(client.state).toBe('destroyed')
  subscriber.close()
})

test('events by door, user, source and age', () => {
  const kinds = Object.values(WHOLE) as LogEvent[]
  const matching = (request: Partial<EventsRequest>, isOwner = true, time = 1_000): readonly string[] => {
    const accepts = filterOf({ ...ALL, ...request }, isOwner, 2_000)
    if (typeof accepts === 'string') throw new Error(accepts)
    return kinds.filter((event) => accepts({ number: 1, time, event })).map(({ kind }) => kind)
  }
  expect(matching({})).toHaveLength(kinds.length)
  expect(matching({ sinceMs: 999 })).toEqual([])
  expect(matching({ sinceMs: 1_000 })).toHaveLength(kinds.length)
  expect(matching({ doors: ['other'] })).toEqual([])
  expect(matching({ doors: ['other', 'ssh'] })).toContain('list')
  expect(matching({ doors: ['ssh'] })).not.toContain('notice')
  expect(matching({ users: ['alice'], doors: ['ssh'] })).toContain('revoked')
  expect(matching({ users: ['bob'] })).toEqual([])
  expect(matching({ sources: ['192.0.2.0/24'] })).toEqual(matching({ sources: ['2001:db8::/32', '192.0.2.7'] }))
  expect(matching({ sources: ['192.0.2.0/24'] })).toContain('stage')
  expect(matching({ sources: ['192.0.2.8'] })).toEqual([])
  expect(filterOf({ ...ALL, sources: ['home'] }, true, 0)).toBe('home')
})

test('a member gets openings, and nothing that tells of a port, a command or a stranger', () => {
  const accepts = filterOf(ALL, false, 0)
  if (typeof accepts === 'string') throw new Error(accepts)
  const kinds = (Object.values(WHOLE) as LogEvent[]).filter((event) => accepts({ number: 1, time: 0, event }))
  expect(kinds.map(({ kind }) => kind).sort()).toEqual(
    ['by-hand', 'closed', 'extended', 'open', 'opened', 're-reading', 'revoked', 'shutting-down', 'starting'].sort(),
  )
})

test('there are only so many readers, of members fewer, and one that leaves makes room', () => {
  const subscribers = new Subscribers(new KeptEvents())
  const gone: (() => void)[] = []
  const client = (): Socket => {
    const socket = {
      on: () => socket,
      once: (_: string, left: () => void) => (gone.push(left), socket),
      write: () => true,
      end: () => undefined,
      destroy: () => undefined,
      writableLength: 0,
    }
    return socket as unknown as Socket
  }
  const follow = { ...ALL, follow: true }
  const adding = (isOwner: boolean, user: number): boolean =>
    subscribers.add(follow, { isOwner, user }, client()) === undefined
  expect(Array.from({ length: OWNER_SUBSCRIBERS_MAX + 1 }, () => adding(true, 0)).filter(Boolean)).toHaveLength(
    OWNER_SUBSCRIBERS_MAX,
  )
  expect(Array.from({ length: MEMBER_SUBSCRIBERS_MAX + 1 }, () => adding(false, 1)).filter(Boolean)).toHaveLength(
    MEMBER_SUBSCRIBERS_MAX,
  )
  expect(Array.from({ length: 9 }, (_, user) => adding(false, user + 2)).filter(Boolean)).toHaveLength(
    MEMBERS_SUBSCRIBERS_MAX - MEMBER_SUBSCRIBERS_MAX,
  )
  expect(adding(true, 0)).toBe(false)
  gone[0]!()
  expect(adding(true, 0)).toBe(true)
})

test('over a socket: readers take no place of those who ask, and members are ended when the group changes', async () => {
  const events = new KeptEvents()
  add(events, opened('a'))
  const subscribers = new Subscribers(events)
  const path = join(folder, 'control.sock')
  const server = new ControlServer(
    path,
    async ({ command }) => ({ done: command, count: 1 }),
    (error) => {
      throw error
    },
    subscribers,
  )
  server.listen(undefined)
  const lines: unknown[] = []
  await askForEvents(path, ALL, (line) => void lines.push(line))
  expect(lines).toMatchObject([{ door: 'a' }, { end: 'events' }])
  const stopped = Array.from({ length: OWNER_SUBSCRIBERS_MAX }, () => {
    const socket = connect(path, () => socket.write(`${JSON.stringify({ ...ALL, follow: true })}\n`))
    return socket.once('data', () => socket.pause())
  })
  await Promise.all(stopped.map(async (socket) => await new Promise((resolve) => socket.once('data', resolve))))
  for (let round = 0; round < 40; round++) expect(await ask(path, { command: 'close' })).toMatchObject({ count: 1 })
  lines.length = 0
  await askForEvents(path, ALL, (line) => void lines.push(line))
  expect(lines).toMatchObject([{ error: 'too many readers of events' }])
  await askForEvents(path, { ...ALL, sources: ['home'] }, (line) => void lines.push(line))
  for (const socket of stopped) socket.destroy()
  await vi.waitFor(async () => {
    lines.length = 0
    await askForEvents(path, { ...ALL, sources: ['home'] }, (line) => void lines.push(line))
    expect(lines).toMatchObject([{ error: 'home is not an address or a network' }])
  })
  server.close()
})
