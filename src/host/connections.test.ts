// Goal: a source counts as connected to exactly the services that it has an established TCP connection to, whether this
// host serves them, or hands them on to others.
import { expect, test } from 'vitest'
import type { Service } from '../config/config.ts'
import { parseAddress } from '../packet/address.ts'
import { parseNetwork } from '../packet/network.ts'
import { TCP, UDP } from '../packet/packet.ts'
import { connectionsTo, isConnected } from './connections.ts'

const any6 = '0'.repeat(32)
const row = (local: string, peer: string, state: string): string =>
  `   0: ${local} ${peer} ${state} 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0`
const tracked = (state: string, original: string, reply: string): string =>
  `ipv4     2 tcp      6 431999 ${state} ${original} ${reply} [ASSURED] mark=0 zone=0 use=2`

const TABLES: Record<string, string> = {
  '/proc/net/tcp': [
    '  sl  local_address rem_address   st tx_queue',
    row('00000000:0016', '00000000:0000', '0A'),
    row('010200C0:0016', '020200C0:9C40', '01'),
    row('010200C0:0019', '030200C0:9C40', '06'),
    row('0100007F:0016', '0100007F:9C41', '01'),
  ].join('\n'),
  '/proc/net/tcp6': row(`${any6}:0050`, `${'0'.repeat(16)}FFFF0000040200C0:9C40`, '01'),
  '/proc/net/nf_conntrack': [
    tracked(
      'ESTABLISHED',
      'src=192.0.2.5 dst=192.0.2.1 sport=40000 dport=8080',
      'src=172.17.0.2 dst=192.0.2.5 sport=80 dport=40000',
    ),
    tracked(
      'ESTABLISHED',
      'src=192.0.2.6 dst=198.51.100.7 sport=40000 dport=8080',
      'src=198.51.100.7 dst=192.0.2.6 sport=8080 dport=40000',
    ),
    tracked(
      'TIME_WAIT',
      'src=192.0.2.7 dst=198.51.100.7 sport=40000 dport=8080',
      'src=198.51.100.7 dst=192.0.2.7 sport=8080 dport=40000',
    ),
  ].join('\n'),
}

const read = (path: string): string => {
  const table = TABLES[path]
  if (table === undefined) throw new Error('ENOENT')
  return table
}

function service(port: number, host?: string, protocol: Service['protocol'] = TCP): Service {
  return { protocol, first: port, last: port, host: host === undefined ? undefined : parseAddress(host) }
}

function connected(its: Service, from: string): boolean {
  return isConnected([its], parseNetwork(from)!, read)
}

test('to services of this host', () => {
  expect(connected(service(22), '192.0.2.2')).toBe(true)
  expect(connected(service(22), '192.0.2.0/24')).toBe(true)
  expect(connected(service(22), '192.0.2.3')).toBe(false)
  expect(connected(service(22, undefined, UDP), '192.0.2.2')).toBe(false)
  expect(connected(service(25), '192.0.2.3')).toBe(false)
  expect(connected(service(80), '192.0.2.4')).toBe(true)
})

test('to ports of this host that are handed on', () => {
  expect(connected(service(8080), '192.0.2.5')).toBe(true)
  expect(connected(service(80), '192.0.2.5')).toBe(false)
  // This one goes through the host, to the same port of another.
  expect(connected(service(8080), '192.0.2.6')).toBe(false)
})

test('to services of other hosts', () => {
  expect(connected(service(8080, '198.51.100.7'), '192.0.2.6')).toBe(true)
  expect(connected(service(8080, '198.51.100.8'), '192.0.2.6')).toBe(false)
  expect(connected(service(8080, '198.51.100.7'), '192.0.2.7')).toBe(false)
})

test('where nothing is tracked, nobody is', () => {
  expect(
    isConnected([service(22), service(22, '198.51.100.7')], parseNetwork('192.0.2.0/24')!, () => read('none')),
  ).toBe(false)
})

test('connections that others have to this host', () => {
  expect(connectionsTo([service(22)], read).map(({ peerPort }) => peerPort)).toEqual([0x9c40])
})
