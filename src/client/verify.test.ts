// Goal: a door counts as open if a connection succeeds, even late or at the second address only.
import { createServer, type AddressInfo, type Server } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import type { Destination } from './destination.ts'
import { isOpen } from './verify.ts'

const HERE: Destination = { family: 4, address: '127.0.0.1', source: undefined }
const ELSEWHERE: Destination = { family: 4, address: '127.0.0.2', source: undefined }

let server: Server | undefined
afterEach(() => {
  server?.close()
})

const listen = async (port: number): Promise<number> => {
  server = createServer((socket) => socket.destroy())
  await new Promise<void>((resolve) => {
    server?.listen(port, '127.0.0.1', resolve)
  })
  return (server.address() as AddressInfo).port
}

/** A port that nothing listens on, for it has just been given back. */
const freePort = async (): Promise<number> => {
  const port = await listen(0)
  await new Promise((resolve) => {
    server?.close(resolve)
  })
  return port
}

test('a port that is open at any of the addresses is open', async () => {
  const port = await listen(0)
  expect(await isOpen(port, [HERE])).toBe(true)
  expect(await isOpen(port, [ELSEWHERE, HERE])).toBe(true)
})

test('a port that refuses is tried again until the limit', async () => {
  const start = performance.now()
  expect(await isOpen(await freePort(), [HERE], 120)).toBe(false)
  expect(performance.now() - start).toBeGreaterThanOrEqual(110)
})

test('a port that comes open late is open', async () => {
  const port = await freePort()
  const outcome = isOpen(port, [HERE], 2_000)
  await new Promise((resolve) => {
    setImmediate(resolve)
  })
  await listen(port)
  expect(await outcome).toBe(true)
})
