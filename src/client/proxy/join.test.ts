// Goal: every byte arrives in both directions, and an end of one direction leaves the other open. A slow reader is
// waited for, and a reader that is gone is told from a connection that breaks. The sockets are real, on both ends.
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { PassThrough, Readable, Writable } from 'node:stream'
import { afterEach, expect, test } from 'vitest'
import { tryingAt } from './connection.ts'
import { join } from './join.ts'

const MUCH_BYTES = 20_000_000
/** The most bytes that may be read ahead of a reader. */
const HELD_MAX_BYTES = 1_000_000
/** Milliseconds without another byte after which the test expects no further one. */
const QUIET_MS = 200

let servers: Server[] = []
afterEach(() => {
  for (const server of servers) server.close()
  servers = []
})

/** A connection and its other end. */
async function pair(): Promise<{ readonly socket: Socket; readonly peer: Socket }> {
  const server = createServer({ allowHalfOpen: true })
  servers.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const accepted = once(server, 'connection') as Promise<[Socket]>
  const destination = { family: 4, address: '127.0.0.1', source: undefined } as const
  const { port } = server.address() as AddressInfo
  const socket = await tryingAt(port).connect(destination, new AbortController().signal)
  const [peer] = await accepted
  return { socket, peer }
}

/** All that comes out of a stream. The stream stays open, for its other direction. */
async function buffer(stream: Readable): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  stream.on('data', (chunk: Uint8Array) => chunks.push(chunk))
  await once(stream, 'end')
  return Buffer.concat(chunks)
}

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

test('much data arrives in both directions at once', async () => {
  const { socket, peer } = await pair()
  const [there, back] = [randomBytes(MUCH_BYTES), randomBytes(MUCH_BYTES)]
  const output = new PassThrough()
  const joined = join(socket, Readable.from([there.subarray(0, 7), there.subarray(7)]), output)
  peer.end(back)
  const [received, returned] = await Promise.all([buffer(peer), buffer(output)])
  await joined
  expect([digest(received), digest(returned)]).toEqual([digest(there), digest(back)])
})

test('the end of the input is passed on, and data from the other side still arrives', async () => {
  const { socket, peer } = await pair()
  const output = new PassThrough()
  const joined = join(socket, Readable.from(['request']), output)
  expect((await buffer(peer)).toString()).toBe('request')
  peer.end('answer')
  expect((await buffer(output)).toString()).toBe('answer')
  await joined
})

test('the end of the other side is passed on, and data sent to it still leaves', async () => {
  const { socket, peer } = await pair()
  const [input, output] = [new PassThrough(), new PassThrough()]
  const joined = join(socket, input, output)
  peer.end('bye')
  expect((await buffer(output)).toString()).toBe('bye')
  input.end('last words')
  expect((await buffer(peer)).toString()).toBe('last words')
  await joined
})

test('a slow reader of the output slows the reading', async () => {
  const { socket, peer } = await pair()
  let proceed: (() => void) | undefined
  let taken = 0
  const slow = new Writable({
    // The reader takes the first piece and stays busy with it.
    write: (chunk: Uint8Array, _encoding, done) => {
      taken += chunk.length
      if (proceed === undefined) proceed = done
      else done()
    },
  })
  const input = new PassThrough()
  const joined = join(socket, input, slow)
  peer.end(Buffer.alloc(MUCH_BYTES))
  let before = -1
  while (socket.bytesRead > before || before === 0) {
    before = socket.bytesRead
    await pause(QUIET_MS)
  }
  expect(socket.bytesRead).toBeLessThan(HELD_MAX_BYTES)
  proceed!()
  await once(slow, 'finish')
  expect(taken).toBe(MUCH_BYTES)
  input.end()
  await joined
})

test('an output that is closed ends the connection quietly, and the input is not waited for', async () => {
  const { socket, peer } = await pair()
  const output = new Writable({
    write: (_chunk, _encoding, done) => done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })),
  })
  const input = new PassThrough()
  const joined = join(socket, input, output)
  peer.write('hello')
  await joined
  expect([socket.destroyed, input.destroyed]).toEqual([true, true])
})

test('another failure of the output is reported', async () => {
  const { socket, peer } = await pair()
  const output = new Writable({
    write: (_chunk, _encoding, done) => done(Object.assign(new Error('write ENOSPC'), { code: 'ENOSPC' })),
  })
  const joined = join(socket, new PassThrough(), output)
  peer.write('hello')
  await expect(joined).rejects.toMatchObject({ code: 'ENOSPC' })
})

test('a connection that breaks is reported, unless it had already ended', async () => {
  const broken = await pair()
  const waiting = join(broken.socket, new PassThrough(), new PassThrough().resume())
  broken.peer.resetAndDestroy()
  await expect(waiting).rejects.toMatchObject({ code: 'ECONNRESET' })

  const ended = await pair()
  const [input, output] = [new PassThrough(), new PassThrough()]
  const joined = join(ended.socket, input, output)
  ended.peer.end('bye')
  await buffer(output)
  ended.peer.resetAndDestroy()
  input.write('anybody?')
  setTimeout(() => input.end('no'), 50)
  await joined
})

test('if the input fails, the connection is ended and the failure is reported', async () => {
  const { socket, peer } = await pair()
  const input = new PassThrough()
  const joined = join(socket, input, new PassThrough().resume())
  peer.on('error', () => undefined).resume()
  input.destroy(Object.assign(new Error('read EIO'), { code: 'EIO' }))
  await expect(joined).rejects.toMatchObject({ code: 'EIO' })
  expect(socket.destroyed).toBe(true)
})

test('a cancelled connection is ended, and a refused one is reported', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  const destination = { family: 4, address: '127.0.0.1', source: undefined } as const
  await expect(tryingAt(port).connect(destination, new AbortController().signal)).rejects.toMatchObject({
    code: 'ECONNREFUSED',
  })
  const enough = new AbortController()
  const never = tryingAt(port).connect(destination, enough.signal)
  enough.abort()
  await expect(never).rejects.toThrow('abandoned')
})
