// Goal: after the guard was away, connections that it had let in are known. A later connection from the same port is
// not taken for one of them.
import { expect, test } from 'vitest'
import type { Service } from '../config/config.ts'
import type { Flow } from '../host/flows.ts'
import { parseAddress } from '../packet/address.ts'
import { parseNetwork } from '../packet/network.ts'
import { TCP } from '../packet/packet.ts'
import { KNOWN_MAX, Sessions } from './sessions.ts'

const SSH: Service = { protocol: TCP, first: 22, last: 22, host: undefined }
const HERE = parseAddress('192.0.2.1')!

function flow(peer: string, inode: number | undefined, port = 22, peerPort = 40_000): Flow {
  const local = { address: HERE, port }
  const from = { peer: parseAddress(peer)!, peerPort }
  return { protocol: TCP, ...from, address: HERE, port, inode, local, established: true }
}

function looked(sessions: Sessions, flows: readonly Flow[]): void {
  const look = sessions.look([SSH])
  for (const each of flows) look.add(each)
  look.done()
}

test('before the first look no connection is known, so all may stay', () => {
  const look = new Sessions().look([SSH])
  expect(look.tells).toBe(false)
  expect(look.wasLetIn(flow('192.0.2.2', 1))).toBe(true)
})

test('a flow is known by its socket, not by its ports alone', () => {
  const sessions = new Sessions()
  looked(sessions, [flow('192.0.2.2', 7), flow('192.0.2.3', 0), flow('192.0.2.4', undefined)])
  const look = sessions.look([SSH])
  expect(look.tells).toBe(true)
  expect(look.wasLetIn(flow('192.0.2.2', 7))).toBe(true)
  for (const inode of [8, 0]) expect(look.wasLetIn(flow('192.0.2.2', inode))).toBe(false)
  // A program has used the port again since.
  expect(look.wasLetIn(flow('192.0.2.3', 9))).toBe(true)
  expect(look.wasLetIn(flow('192.0.2.4', undefined))).toBe(true)
  expect(look.wasLetIn(flow('192.0.2.4', 9))).toBe(false)
  expect(look.wasLetIn(flow('192.0.2.5', 7))).toBe(false)
})

test('at ports that were not guarded at the last look no connection is known', () => {
  const sessions = new Sessions()
  looked(sessions, [])
  expect(sessions.look([SSH]).wasLetIn(flow('192.0.2.2', 1, 23))).toBe(true)
})

test('a connection that began in an opening may stay after its end until the next look', () => {
  const sessions = new Sessions()
  looked(sessions, [])
  sessions.ended({ from: parseNetwork('192.0.2.0/24')!, services: [SSH] })
  expect(sessions.look([SSH]).wasLetIn(flow('192.0.2.9', 1))).toBe(true)
  expect(sessions.look([SSH]).wasLetIn(flow('198.51.100.9', 1))).toBe(false)
  const look = sessions.look([SSH])
  // A connection that ends during a look is left to the next look.
  sessions.ended({ from: parseNetwork('198.51.100.9')!, services: [SSH] })
  look.done()
  expect(sessions.look([SSH]).wasLetIn(flow('192.0.2.9', 1))).toBe(false)
  expect(sessions.look([SSH]).wasLetIn(flow('198.51.100.9', 1))).toBe(true)
})

test('a connection that a look has missed is known from the look before', () => {
  const sessions = new Sessions()
  looked(sessions, [flow('192.0.2.2', 1)])
  looked(sessions, [])
  expect(sessions.look([SSH]).wasLetIn(flow('192.0.2.2', 1))).toBe(true)
  looked(sessions, [])
  expect(sessions.look([SSH]).wasLetIn(flow('192.0.2.2', 1))).toBe(false)
})

test('an unfinished look changes nothing', () => {
  const sessions = new Sessions()
  looked(sessions, [])
  sessions.look([SSH]).add(flow('192.0.2.2', 1))
  expect(sessions.look([SSH]).wasLetIn(flow('192.0.2.2', 1))).toBe(false)
})

test('with more connections than can be known, no connection is ended', () => {
  const sessions = new Sessions()
  const many = Array.from({ length: KNOWN_MAX + 1 }, (_, index) =>
    flow(`192.0.2.${index >> 15}`, 1, 22, (index & 0x7fff) + 1),
  )
  looked(sessions, many)
  expect(sessions.look([SSH]).tells).toBe(false)
})
