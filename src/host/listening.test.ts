// Goal: listening sockets are told from connections, and from sockets that only this machine can reach.
import { expect, test } from 'vitest'
import { TCP, UDP } from '../packet/packet.ts'
import { listeningNow, listeningPorts } from './listening.ts'

const row = (local: string, state: string): string =>
  `   0: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0`
const any6 = '0'.repeat(32)

test('tables of Linux', () => {
  const tables: Record<string, string> = {
    '/proc/net/tcp': [
      '  sl  local_address rem_address   st tx_queue',
      row('00000000:0016', '0A'),
      row('0100007F:0050', '0A'),
      row('C0000207:1F90', '01'),
    ].join('\n'),
    '/proc/net/tcp6': [
      row(`${any6}:01BB`, '0A'),
      row(`${'0'.repeat(24)}01000000:0BB8`, '0A'),
      row(`${'0'.repeat(16)}FFFF00000100007F:0BB9`, '0A'),
    ].join('\n'),
    '/proc/net/udp': [row('00000000:0035', '07'), row('00000000:0036', '01')].join('\n'),
  }
  const ports = listeningPorts((path) => {
    const table = tables[path]
    if (table === undefined) throw new Error('ENOENT')
    return table
  })
  expect([...ports[TCP]]).toEqual([22, 443])
  expect([...ports[UDP]]).toEqual([53])
})

test('each look sees what listens by then', () => {
  let port = '0016'
  const read = (path: string): string => (path === '/proc/net/tcp' ? row(`00000000:${port}`, '0A') : '')
  const before = listeningNow(read)
  port = '0017'
  const after = listeningNow(read)
  expect([before(22), before(23), after(22), after(23)]).toEqual([true, false, false, true])
})
