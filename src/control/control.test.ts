// Goal: the control socket answers valid requests only, belongs to its owner only, and has bounds.
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, afterEach, expect, test } from 'vitest'
import { ControlError, ask, askForEvents } from './client.ts'
import { groupId } from './group.ts'
import { matcherOf } from './event-filter.ts'
import { BY_HAND_MAX_MS, REQUEST_MAX_BYTES, STATUS_ROWS_MAX } from './message.ts'
import type { Choice, Request } from './message.ts'
import { parseRequest } from './parse-request.ts'
import { KeptEvents } from '../log/kept-events.ts'
import { ControlServer } from './server.ts'
import { Subscribers } from './subscribers.ts'

const folder = mkdtempSync(join(tmpdir(), 'postern-control-'))
afterAll(() => rmSync(folder, { recursive: true }))
let count = 0
let running: ControlServer | undefined
afterEach(() => {
  running?.close()
  running = undefined
})

const NOBODY = new Subscribers(new KeptEvents())

function serve(asked: Request[]): string {
  const path = join(folder, `${++count}.sock`)
  running = new ControlServer(
    path,
    async (request) => {
      asked.push(request)
      return { done: request.command, count: 1 }
    },
    (error) => {
      throw error
    },
    NOBODY,
  )
  running.listen(undefined)
  return path
}

/** Sends a text as it is, and returns the reply. */
async function send(path: string, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let back = ''
    const socket = connect(path, () => socket.write(text))
    socket.setEncoding('utf8')
    socket.on('data', (more: string) => (back += more))
    socket.on('error', reject)
    socket.on('close', () => resolve(back))
  })
}

test("the daemon's process is the one that listens, whatever a reply says", async () => {
  const path = join(folder, 'claim.sock')
  const claim = { status: { pid: '1; id', version: '1' } }
  const server = createServer((socket) => socket.once('data', () => socket.end(JSON.stringify(claim)))).listen(path)
  const reply = await ask(path, { command: 'status' })
  server.close()
  expect(reply).toEqual({ status: { pid: process.pid, version: '1' } })
})

test('a request gets its answer', async () => {
  const asked: Request[] = []
  const path = serve(asked)
  expect(await ask(path, { command: 'open', door: 'ssh', source: '192.0.2.2', forMs: 5 })).toEqual({
    done: 'open',
    count: 1,
  })
  expect(await ask(path, { command: 'close' })).toEqual({ done: 'close', count: 1 })
  expect(asked).toEqual([{ command: 'open', door: 'ssh', source: '192.0.2.2', forMs: 5 }, { command: 'close' }])
})

test('a daemon that sends nothing, or a byte now and then, keeps the client no longer than the limit', async () => {
  const limitMs = 200
  for (const slow of [true, false]) {
    const path = join(folder, `${++count}.sock`)
    const timers: NodeJS.Timeout[] = []
    const server = createServer((socket) => {
      socket.on('error', () => undefined)
      if (slow) timers.push(setInterval(() => socket.write('{'), limitMs / 10))
    }).listen(path)
    await expect(ask(path, { command: 'status' }, limitMs)).rejects.toThrow('knockd does not answer')
    for (const timer of timers) clearInterval(timer)
    server.close()
  }
})

/** Serves a fixed reply, as a daemon that somebody else controls could. */
async function lying(reply: string, use: (path: string) => Promise<void>): Promise<void> {
  const path = join(folder, `${++count}.sock`)
  const server = createServer((socket) => socket.on('error', () => undefined).end(reply)).listen(path)
  await use(path).finally(() => server.close())
}

/** Text that changes a terminal: an escape sequence in 7 and in 8 bits, and a change of direction. */
const ESCAPES = '\u001b[2J\u009b2J\u202e'
const SAFE = '<U+001B>[2J<U+009B>2J<U+202E>'

test('no reply of a daemon moves the cursor of a terminal: neither texts, nor names of fields, nor errors', async () => {
  const line = JSON.stringify({ door: ESCAPES, [ESCAPES]: [{ [ESCAPES]: 1 }] }).replaceAll('\\u001b', '\u001b')
  const safe = { door: SAFE, [SAFE]: [{ [SAFE]: 1 }] }
  // A raw escape is invalid JSON; an escaped one is valid.
  const valid = line.replaceAll('\u001b', String.raw`\u001b`)
  await lying(valid, async (path) => expect(await ask(path, { command: 'status' })).toEqual(safe))
  await lying(`${valid}\n`, async (path) => {
    const lines: unknown[] = []
    await askForEvents(path, { command: 'events' }, (event, text) => lines.push(event, JSON.parse(text)))
    expect(lines).toEqual([safe, safe])
  })
  for (const wrong of [`${line}\n`, `${ESCAPES}\n`, 'null\n', '1\n', `${'['.repeat(100_000)}\n`]) {
    await lying(wrong, async (path) => {
      const error: unknown = await askForEvents(path, { command: 'events' }, () => undefined).catch(
        (each: unknown) => each,
      )
      expect(error).toBeInstanceOf(ControlError)
      expect((error as Error).message).toMatch(/^knockd (closed the connection|gave another answer)$/)
    })
  }
})

test('the socket is for its owner only, even if an old one was left behind', () => {
  const path = join(folder, 'left.sock')
  writeFileSync(path, '', { mode: 0o666 })
  running = new ControlServer(path, async () => ({ done: '', count: 0 }), fail, NOBODY)
  running.listen(undefined)
  expect(statSync(path).isSocket()).toBe(true)
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(() => running!.admit('no-such-group-here')).toThrow('there is no group no-such-group-here')
})

function fail(error: Error): void {
  throw error
}

test.each(['\n', 'status\n', '{}\n', '{"command":"stop"}\n', '{"command":"open","door":1,"source":"a"}\n', 'null\n'])(
  'an invalid request is refused: %j',
  async (text) => {
    const asked: Request[] = []
    expect(await send(serve(asked), text)).toBe('{"error":"no such request"}\n')
    expect(asked).toEqual([])
  },
)

test('a request without end is cut off', async () => {
  const asked: Request[] = []
  expect(await send(serve(asked), 'x'.repeat(REQUEST_MAX_BYTES + 1))).toBe('{"error":"no such request"}\n')
})

test('a missing daemon is reported', async () => {
  await expect(ask(join(folder, 'none.sock'), { command: 'status' })).rejects.toThrow('knockd is not running')
})

test('any request is read as what it says, or refused', () => {
  const odd = fc.record(
    {
      command: fc.constantFrom('status', 'open', 'close', 'forgive', 'users', 'events', 'x'),
      follow: fc.anything(),
      sinceMs: fc.anything(),
      doors: fc.anything(),
      users: fc.array(fc.anything()),
      door: fc.anything(),
      source: fc.anything(),
      forMs: fc.anything(),
    },
    { requiredKeys: [] },
  )
  fc.assert(
    fc.property(
      fc.oneof(
        odd.map((value) => JSON.stringify(value)),
        fc.string(),
        fc.json(),
      ),
      (line) => {
        const request = parseRequest(line)
        if (request === undefined || request.command === 'status' || request.command === 'metrics') return
        if (request.command === 'events') {
          for (const list of [request.doors, request.users, request.sources]) {
            for (const text of list ?? []) expect(typeof text).toBe('string')
          }
          expect(['boolean', 'undefined']).toContain(typeof request.follow)
          expect(['number', 'undefined']).toContain(typeof request.sinceMs)
          return
        }
        const { door, source } = { door: undefined, source: undefined, ...request }
        for (const text of [door, source]) expect(['string', 'undefined']).toContain(typeof text)
        if (request.command === 'open') {
          expect(typeof door).toBe('string')
          if (request.forMs !== undefined) expect(request.forMs > 0 && request.forMs <= BY_HAND_MAX_MS).toBe(true)
        }
      },
    ),
  )
})

test('the number of a group is read from group(5)', () => {
  const file = 'root:x:0:\nadm:x:4:syslog\nknock ers:x\n'
  expect(groupId('adm', () => file)).toBe(4)
  expect(groupId('ad', () => file)).toBeUndefined()
  expect(groupId('knock ers', () => file)).toBeUndefined()
})

const asked = (fields: object): unknown => parseRequest(JSON.stringify({ command: 'status', ...fields }))

test('a request for the status may limit its rows and select openings', () => {
  const whole = { rows: 200, doors: ['ssh'], users: ['alice'], sources: ['192.0.2.0/24'] }
  expect(asked(whole)).toEqual({ command: 'status', ...whole })
  expect(asked({})).toEqual({ command: 'status' })
  for (const rows of [-1, 1.5, 'x', STATUS_ROWS_MAX + 1, null]) expect(asked({ rows })).toBeUndefined()
  expect(asked({ rows: 1, doors: 'ssh' })).toBeUndefined()
  expect(asked({ rows: 1, users: Array.from({ length: 33 }, () => 'a') })).toBeUndefined()
})

function matches(choice: Choice, of: object): unknown {
  const matcher = matcherOf<{ readonly source?: string }>(choice, ({ source }) => source)
  return typeof matcher === 'string' ? matcher : matcher(of)
}

test('a choice matches doors, networks, and any of the users of an opening', () => {
  const opening = { door: 'ssh', source: '192.0.2.7', user: 'bob', users: ['alice', 'bob'] }
  expect(matches({}, opening)).toBe(true)
  expect(matches({ doors: ['ssh'], users: ['alice'], sources: ['192.0.2.0/24'] }, opening)).toBe(true)
  expect(matches({ users: ['carol'] }, opening)).toBe(false)
  expect(matches({ users: ['bob'] }, { ...opening, users: undefined })).toBe(true)
  expect(matches({ users: ['bob'] }, { door: 'ssh' })).toBe(false)
  expect(matches({ sources: ['2001:db8::/32'] }, opening)).toBe(false)
  expect(matches({ sources: ['192.0.2.0/24'] }, { door: 'ssh' })).toBe(false)
  expect(matches({ sources: ['home'] }, opening)).toBe('home')
})
