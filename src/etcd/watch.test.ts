// Goal: a watch reports everything once and in order, whichever of its streams is first. It survives malformed, long,
// cut or hanging answers, and reports when it sees nothing.
import type { ServerResponse } from 'node:http'
import { afterEach, describe, expect, test } from 'vitest'
import { accessTo, type Answer, base64, Gateway } from '../../test/etcd/gateway.ts'
import { Etcd, type EtcdWatch, type KeyValue, type WatchEvent, type WatchState } from './client.ts'
import { linesOf, WATCH_LINE_MAX_BYTES } from './lines.ts'

const ends: (() => void)[] = []
afterEach(() => {
  for (const end of ends.splice(0)) end()
})

/** A store that several gateways show, each with the streams that are open there. */
class Store {
  revision = 10
  readonly kvs = new Map<string, string>()
  /** Start revisions of all watches so far. */
  readonly from: string[] = []
  /** The answer to a list, in place of the list. */
  refused: { status: number; text: string } | undefined
  /** Below it, revisions are compacted. */
  compacted = 0
  lists = 0

  answer(streams: Set<ServerResponse>): Answer {
    return (path, body, response) => {
      if (path === '/version') response.end('{}')
      else if (path === '/v3/watch') this.#watch(body, response, streams)
      else if (this.refused !== undefined) response.writeHead(this.refused.status).end(this.refused.text)
      else {
        if (!('count_only' in body)) this.lists++
        const kvs = [...this.kvs].map(([key, value]) => ({ key: base64(key), value: base64(value) }))
        response.end(JSON.stringify({ header: { revision: String(this.revision) }, kvs }))
      }
    }
  }

  #watch(body: object, response: ServerResponse, streams: Set<ServerResponse>): void {
    const { start_revision } = (body as { create_request: { start_revision: string } }).create_request
    this.from.push(start_revision)
    if (Number(start_revision) <= this.compacted) {
      response.end(line({ created: true, canceled: true, compact_revision: String(this.compacted) }))
      return
    }
    streams.add(response)
    response.on('close', () => streams.delete(response))
    response.write(line({ created: true }))
  }
}

class Member {
  readonly streams = new Set<ServerResponse>()
  readonly gateway: Gateway

  private constructor(gateway: Gateway) {
    this.gateway = gateway
  }

  static async start(store: Store): Promise<Member> {
    const member = new Member(await Gateway.start(() => undefined))
    member.gateway.answer = store.answer(member.streams)
    ends.push(() => member.gateway.close())
    return member
  }

  send(text: string | Buffer): void {
    for (const stream of this.streams) stream.write(text)
  }

  cut(): void {
    for (const stream of this.streams) stream.destroy()
    this.streams.clear()
  }
}

function line(result: object): string {
  return `${JSON.stringify({ result })}\n`
}

function event(revision: number, key: string, value: string | undefined): object {
  const kv = {
    key: base64(key),
    mod_revision: String(revision),
    ...(value === undefined ? {} : { value: base64(value) }),
  }
  return value === undefined ? { type: 'DELETE', kv } : { kv }
}

function put(revision: number, key: string, value: string, more: object = {}): string {
  return line({ events: [event(revision, key, value)], ...more })
}

class Seen {
  readonly told: string[] = []
  readonly states: WatchState[] = []
  readonly #changes: (() => void)[] = []

  listed(kvs: readonly KeyValue[]): void {
    this.#tell(`listed ${kvs.map(({ key, value }) => `${key}=${value}`).join()}`)
  }

  changed(events: readonly WatchEvent[]): void {
    this.#tell(events.map(({ type, kv }) => `${type} ${kv.key}=${kv.value}@${kv.modRevision}`).join())
  }

  state(state: WatchState): void {
    this.states.push(state)
    this.#tell(state === 'seeing' ? 'seeing' : 'blind')
  }

  async until(count: number): Promise<readonly string[]> {
    while (this.told.length < count) await new Promise<void>((resolve) => this.#changes.push(resolve))
    return this.told
  }

  #tell(text: string): void {
    this.told.push(text)
    for (const change of this.#changes.splice(0)) change()
  }
}

function watching(members: readonly Member[], seen: Seen): EtcdWatch {
  const access = accessTo(...members.map(({ gateway }) => gateway))
  const etcd = new Etcd(access, { attemptMs: 10_000, withinMs: 10_000, random: () => 0 })
  ends.unshift(() => etcd.close())
  return etcd.watch('p/', seen)
}

/** Waits until so many streams are open at members. */
async function open(members: readonly Member[], count: number): Promise<void> {
  while (members.reduce((sum, { streams }) => sum + streams.size, 0) < count) {
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

describe('one member', () => {
  test('the list, then each change, a revision whole', async () => {
    const store = new Store()
    store.kvs.set('p/a', '1')
    const member = await Member.start(store)
    const seen = new Seen()
    const watch = watching([member], seen)
    await seen.until(2)
    member.send(line({ events: [event(11, 'p/b', '2'), event(11, 'p/c', '3')] }))
    member.send(line({ events: [event(12, 'p/b', undefined)] }))
    await seen.until(4)
    expect(seen.told).toEqual(['listed p/a=1', 'seeing', 'put p/b=2@11,put p/c=3@11', 'delete p/b=@12'])
    expect(store.from).toEqual(['11'])
    watch.close()
    await open([member], 0)
  })

  test('parts of one message are told together', async () => {
    const member = await Member.start(new Store())
    const seen = new Seen()
    watching([member], seen)
    await seen.until(2)
    member.send(put(11, 'p/a', '1', { fragment: true }))
    member.send(put(11, 'p/b', '2', { fragment: true }))
    member.send(put(12, 'p/c', '3'))
    expect((await seen.until(3)).at(-1)).toBe('put p/a=1@11,put p/b=2@11,put p/c=3@12')
  })

  test('a message whose parts are large in all is given up, and everything listed again: it would be as large again', async () => {
    const store = new Store()
    const member = await Member.start(store)
    const seen = new Seen()
    watching([member], seen)
    await seen.until(2)
    const large = put(11, 'p/a', 'x'.repeat(1_000_000), { fragment: true })
    for (let part = 0; part < 70 && member.streams.size > 0; part++) {
      member.send(large)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    expect(await seen.until(3)).toEqual(['listed ', 'seeing', 'listed '])
    expect(store.lists).toBe(2)
  })

  test('a line that is too long: everything is listed again', async () => {
    const store = new Store()
    const member = await Member.start(store)
    const seen = new Seen()
    watching([member], seen)
    await seen.until(2)
    member.send(Buffer.alloc(WATCH_LINE_MAX_BYTES + 1, 0x20))
    expect(await seen.until(3)).toEqual(['listed ', 'seeing', 'listed '])
    await open([member], 1)
    member.send(put(11, 'p/a', '1'))
    expect((await seen.until(4)).at(-1)).toBe('put p/a=1@11')
  })

  test.each<[string, string]>([
    ['garbage', '}{\n'],
    ['another shape', '{"result":{"events":[{"kv":{"mod_revision":{}}}]}}\n'],
    ['an error of the gateway', '{"error":{"grpc_code":14,"http_code":503,"message":"etcdserver: no leader"}}\n'],
    ['a cancelled watch', line({ canceled: true, cancel_reason: 'etcdserver: permission denied' })],
  ])('%s: another stream goes on behind what was told', async (_, text) => {
    const store = new Store()
    const member = await Member.start(store)
    const seen = new Seen()
    watching([member], seen)
    await seen.until(2)
    member.send(put(11, 'p/a', '1'))
    await seen.until(3)
    store.revision = 11
    member.send(text)
    await seen.until(5)
    await open([member], 1)
    member.send(put(12, 'p/a', '2'))
    await seen.until(6)
    expect(seen.told).toEqual(['listed ', 'seeing', 'put p/a=1@11', 'blind', 'seeing', 'put p/a=2@12'])
    expect(store.from).toEqual(['11', '12'])
  })

  test('compaction: everything is listed again', async () => {
    const store = new Store()
    const member = await Member.start(store)
    const seen = new Seen()
    watching([member], seen)
    await seen.until(2)
    store.revision = 50
    store.compacted = 40
    store.kvs.set('p/a', 'late')
    member.cut()
    await seen.until(5)
    expect(seen.told).toEqual(['listed ', 'seeing', 'blind', 'listed p/a=late', 'seeing'])
    expect(store.from).toEqual(['11', '11', '51'])
  })

  test('a store that went back is listed again', async () => {
    const store = new Store()
    store.kvs.set('p/a', '1')
    const member = await Member.start(store)
    const seen = new Seen()
    watching([member], seen)
    await seen.until(2)
    store.revision = 3
    store.kvs.clear()
    member.cut()
    await seen.until(5)
    expect(seen.told).toEqual(['listed p/a=1', 'seeing', 'blind', 'listed ', 'seeing'])
    expect(store.from).toEqual(['11', '4'])
  })

  test('no leader at the start: blind, and it says why', async () => {
    const store = new Store()
    const member = await Member.start(store)
    store.refused = { status: 404, text: 'Not Found' }
    const seen = new Seen()
    const watch = watching([member], seen)
    await seen.until(1)
    expect(watch.state).toEqual({ blind: 'the JSON gateway of etcd is off (HTTP 404)' })
    store.refused = undefined
    await seen.until(3)
    expect(seen.told).toEqual(['blind', 'listed ', 'seeing'])
  })

  test('a member that hangs is found by asking it', { timeout: 30_000 }, async () => {
    const store = new Store()
    const member = await Member.start(store)
    const seen = new Seen()
    const watch = watching([member], seen)
    await seen.until(2)
    member.gateway.answer = () => undefined
    await seen.until(3)
    expect(watch.state).toEqual({ blind: expect.stringMatching(/^no answer within \d+ ms$/) })
    member.gateway.answer = store.answer(member.streams)
    expect((await seen.until(4)).at(-1)).toBe('seeing')
  })
})

describe('three members', () => {
  test('two streams at two of them, each change once, from the first that has it', async () => {
    const store = new Store()
    const members = [await Member.start(store), await Member.start(store), await Member.start(store)]
    const seen = new Seen()
    watching(members, seen)
    await open(members, 2)
    expect(members.filter(({ streams }) => streams.size === 1)).toHaveLength(2)
    expect(store.lists).toBe(1)
    const [one, other] = members.filter(({ streams }) => streams.size > 0)
    one!.send(put(11, 'p/a', '1'))
    await seen.until(3)
    other!.send(put(11, 'p/a', '1'))
    other!.send(line({ events: [event(11, 'p/a', '1'), event(12, 'p/a', '2')] }))
    await seen.until(4)
    one!.send(put(12, 'p/a', '2'))
    one!.send(put(13, 'p/a', '3'))
    await seen.until(5)
    expect(seen.told.slice(2)).toEqual(['put p/a=1@11', 'put p/a=2@12', 'put p/a=3@13'])
    // The third member takes over.
    store.revision = 13
    one!.cut()
    await open(members, 2)
    expect(seen.states).toEqual(['seeing'])
    other!.cut()
    await open(members, 2)
    for (const member of members) member.send(put(14, 'p/a', '4'))
    await seen.until(6)
    expect(seen.told.filter((text) => text.startsWith('put'))).toHaveLength(4)
    expect(store.lists).toBe(1)
  })
})

test('lines in chunks of every size', async () => {
  const text = Buffer.from('a\n\nbcd\nä€\nrest')
  for (let size = 1; size <= text.length; size++) {
    const lines: string[] = []
    for await (const each of linesOf(chunks(text, size))) lines.push(each)
    expect(lines).toEqual(['a', '', 'bcd', 'ä€'])
  }
})

async function* chunks(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}
