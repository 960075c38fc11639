// Goal: a fetch has a limit of size, time and redirects, never goes to a less safe place, and says why it failed.
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterEach, expect, test } from 'vitest'
import { ClientError } from '../fault.ts'
import { fetchPublished, PUBLISHED_MAX_BYTES, redirected } from './fetch.ts'

let server: Server | undefined
afterEach(() => {
  server?.closeAllConnections()
  server?.close()
})

const serve = async (listener: RequestListener): Promise<URL> => {
  server = createServer(listener)
  await new Promise<void>((resolve) => {
    server?.listen(0, '127.0.0.1', resolve)
  })
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/hidden-path`)
}

/** Sends on `count` times, then answers. */
const redirecting =
  (count: number): RequestListener =>
  ({ url }, response) => {
    const at = Number(/\d+$/.exec(url ?? '')?.[0] ?? '0')
    if (at === count) response.end(`after ${at}`)
    else response.writeHead(302, { location: `/to/${at + 1}` }).end('not this')
  }

test('what is there, past caches', async () => {
  let asked: unknown
  const at = await serve(({ headers }, response) => {
    asked = headers['cache-control']
    response.end(Buffer.from([0, 255, 10]))
  })
  expect([...(await fetchPublished(at))]).toEqual([0, 255, 10])
  expect(asked).toBe('no-cache')
})

test('three redirects are followed, not four', async () => {
  expect(Buffer.from(await fetchPublished(await serve(redirecting(3)))).toString()).toBe('after 3')
  server?.close()
  await expect(fetchPublished(await serve(redirecting(4)))).rejects.toThrow('more than 3 redirects')
})

test.each([
  ['https://a/x', 'https://b/y', 'https://b/y'],
  ['https://a/x/y', '../z', 'https://a/z'],
  ['http://a/x', 'https://b/y', 'https://b/y'],
  ['http://a/x', 'http://b/y', 'http://b/y'],
])('from %s to %s', (from, location, to) => {
  expect(redirected(new URL(from), location).href).toBe(to)
})

test.each([
  ['https://a/x', 'http://a/x', 'from https to http'],
  ['https://a/x', 'ftp://a/x', 'to ftp'],
  ['http://a/x', 'file:///etc/passwd', 'to file'],
  ['http://a/x', 'data:,hello', 'to data'],
  ['http://a/x', 'http://me:you@a/x', 'with a user name'],
  ['http://a/x', 'http://', 'to no address'],
  ['http://a/x', null, 'to no address'],
])('not from %s to %s', (from, location, message) => {
  expect(() => redirected(new URL(from), location)).toThrow(ClientError)
  expect(() => redirected(new URL(from), location)).toThrow(message)
})

test('as large as may be, and not a byte more, said beforehand or not, packed or not', async () => {
  const largest = Buffer.alloc(PUBLISHED_MAX_BYTES, 1)
  expect(await fetchPublished(await serve((_, response) => response.end(largest)))).toHaveLength(PUBLISHED_MAX_BYTES)
  server?.close()
  const more = Buffer.alloc(PUBLISHED_MAX_BYTES + 1)
  await expect(fetchPublished(await serve((_, response) => response.end(more)))).rejects.toThrow('too large')
  server?.close()
  const packed = gzipSync(Buffer.alloc(PUBLISHED_MAX_BYTES * 20))
  const at = await serve((_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(packed))
  await expect(fetchPublished(at)).rejects.toThrow('too large')
})

test('a list without end is not read to its end', async () => {
  let closed: Promise<void> | undefined
  const at = await serve((_, response) => {
    closed = new Promise((resolve) => {
      response.once('close', resolve)
    })
    const more = (): void => {
      while (response.write(Buffer.alloc(65_536)));
      response.once('drain', more)
    }
    more()
  })
  await expect(fetchPublished(at)).rejects.toThrow('too large')
  await closed
})

test.each<[string, RequestListener]>([
  ['says nothing', () => undefined],
  ['does not get done', (_, response) => void response.write('a')],
])('a server that %s is not waited for', async (_, listener) => {
  const at = await serve(listener)
  await expect(fetchPublished(at, 100)).rejects.toThrow(`cannot fetch the list from ${at.host}: not done within 0.1 s`)
})

test('why it failed, without the path', async () => {
  const at = await serve((_, response) => response.writeHead(404).end('x'))
  const error: unknown = await fetchPublished(at).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ message: `cannot fetch the list: ${at.host} answers 404` })
  server?.closeAllConnections()
  await new Promise((resolve) => {
    server?.close(resolve)
  })
  await expect(fetchPublished(at)).rejects.toThrow(`cannot fetch the list from ${at.host}: it refuses connections`)
  const dropping = await serve(({ socket }) => socket.destroy())
  await expect(fetchPublished(dropping)).rejects.toThrow('the connection ended early')
})
