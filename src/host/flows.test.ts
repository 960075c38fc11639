// Goal: every flow that somebody else has to a guarded port is found, whether this host serves it or hands it on, and none
// that this host has begun itself, or that came to nothing.
import { expect, test } from 'vitest'
import type { Service } from '../config/config.ts'
import { formatAddress, parseAddress } from '../packet/address.ts'
import { TCP, UDP } from '../packet/packet.ts'
import type { ResumedConnection } from './conntrack.ts'
import { flowName, flowsTo } from './flows.ts'
import type { Lists } from './flows.ts'

const row = (local: string, peer: string, state: string, inode: number): string =>
  `   0: ${local} ${peer} ${state} 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1 0 100 0 0 10 0`
const SOCKETS = [
  '  sl  local_address rem_address   st tx_queue',
  row('00000000:0016', '00000000:0000', '0A', 1),
  row('010200C0:0016', '020200C0:9C40', '01', 11),
  row('010200C0:0016', '030200C0:9C40', '03', 0),
  row('010200C0:0016', '040200C0:9C40', '06', 0),
  row('010200C0:0016', '050200C0:9C40', '05', 0),
  row('0100007F:0016', '0100007F:9C41', '01', 12),
  row('010200C0:0016', '010200C0:9C41', '01', 14),
  // Nothing listens on this guarded port: this host took it for a connection of its own.
  row('010200C0:1F90', '070200C0:01BB', '01', 13),
].join('\n')

const tcp = (state: string, words: string): string =>
  `ipv4     2 tcp      6 431999 ${state} ${words} mark=0 zone=0 use=2`
const udp = (words: string): string => `ipv4     2 udp      17 29 ${words} mark=0 zone=0 use=2`
const there = (peer: string, to: string, port: number): string => `src=${peer} dst=${to} sport=40000 dport=${port}`
const back = (from: string, port: number, peer: string): string => `src=${from} dst=${peer} sport=${port} dport=40000`
const TRACKED = [
  // Known by its socket; begun, perhaps by a SYN cookie; handed on; sent to the closed port; of another host; ended.
  tcp('ESTABLISHED', `${there('192.0.2.2', '192.0.2.1', 22)} ${back('192.0.2.1', 22, '192.0.2.2')} [ASSURED]`),
  tcp('SYN_RECV', `${there('192.0.2.8', '192.0.2.1', 22)} ${back('192.0.2.1', 22, '192.0.2.8')}`),
  tcp('ESTABLISHED', `${there('192.0.2.9', '192.0.2.1', 8080)} ${back('172.17.0.2', 80, '192.0.2.9')} [ASSURED]`),
  tcp('CLOSE', `${there('192.0.2.10', '192.0.2.1', 22)} ${back('192.0.2.1', 1, '192.0.2.10')}`),
  tcp('SYN_SENT', `${there('192.0.2.10', '192.0.2.1', 22)} [UNREPLIED] ${back('192.0.2.1', 1, '192.0.2.10')}`),
  tcp('ESTABLISHED', `${there('192.0.2.11', '198.51.100.7', 25)} ${back('198.51.100.7', 25, '192.0.2.11')}`),
  tcp('ESTABLISHED', `${there('192.0.2.12', '198.51.100.9', 22)} ${back('198.51.100.9', 22, '192.0.2.12')}`),
  tcp('TIME_WAIT', `${there('192.0.2.13', '192.0.2.1', 8080)} ${back('172.17.0.2', 80, '192.0.2.13')}`),
  udp(`${there('192.0.2.14', '192.0.2.1', 5000)} ${back('192.0.2.1', 5000, '192.0.2.14')}`),
  udp(`${there('192.0.2.15', '192.0.2.1', 5000)} [UNREPLIED] ${back('192.0.2.1', 5000, '192.0.2.15')}`),
  udp(`${there('192.0.2.1', '192.0.2.16', 5000)} ${back('192.0.2.16', 5000, '192.0.2.1')}`),
].join('\n')

function service(protocol: Service['protocol'], port: number, host?: string): Service {
  return { protocol, first: port, last: port, host: host === undefined ? undefined : parseAddress(host) }
}

const WANTED = {
  services: [service(TCP, 22), service(TCP, 8080), service(TCP, 25, '198.51.100.7'), service(UDP, 5000)],
  closedPort: 1,
}

function read(path: string): string {
  if (path !== '/proc/net/tcp') throw new Error('ENOENT')
  return SOCKETS
}

async function* nothing(): AsyncGenerator<string, void> {
  yield ''
  throw new Error('ENOENT')
}

async function none(): Promise<readonly []> {
  return []
}

async function refused(): Promise<never> {
  throw new Error('ENOENT')
}

async function found(pieceChars: number): Promise<readonly string[]> {
  const pieces = async function* (): AsyncGenerator<string, void> {
    for (let at = 0; at < TRACKED.length; at += pieceChars) yield TRACKED.slice(at, at + pieceChars)
    yield '\n'
  }
  const all: string[] = []
  for await (const flow of flowsTo(WANTED, {
    read,
    tracked: pieces,
    own: [parseAddress('192.0.2.1')!],
    resumed: none,
  })) {
    const { address, port } = flow.local
    const socket = flow.inode === undefined ? '' : ` inode ${flow.inode}`
    all.push(`${flowName(flow)} at ${formatAddress(address)} ${port}${socket}${flow.established ? '' : ' begun'}`)
  }
  return all
}

test.each([1, 7, 100_000])('all of them, read in pieces of %i characters', async (pieceChars) => {
  expect(await found(pieceChars)).toEqual([
    '6 192.0.2.2 40000 192.0.2.1 22 at 192.0.2.1 22 inode 11',
    '6 192.0.2.3 40000 192.0.2.1 22 at 192.0.2.1 22 inode 0 begun',
    '6 192.0.2.8 40000 192.0.2.1 22 at 192.0.2.1 22 inode 0 begun',
    '6 192.0.2.9 40000 192.0.2.1 8080 at 172.17.0.2 80',
    '6 192.0.2.11 40000 198.51.100.7 25 at 198.51.100.7 25',
    '17 192.0.2.14 40000 192.0.2.1 5000 at 192.0.2.1 5000',
    '17 192.0.2.15 40000 192.0.2.1 5000 at 192.0.2.1 5000 begun',
  ])
})

function seemsBegun(source: string, sourcePort: number, destination: string, replied = true): ResumedConnection {
  const [from, to] = [source, destination].map((text) => parseAddress(text)!)
  return { source: from!, sourcePort, destination: to!, destinationPort: 40_000, replied }
}

/** The flows where nothing but those are known that a service seems to have begun. */
async function foundResumed(
  services: readonly Service[],
  resumed: Required<Lists>['resumed'],
): Promise<readonly string[]> {
  const all: string[] = []
  const lists = { read: () => '', tracked: nothing, own: [parseAddress('192.0.2.1')!], resumed }
  for await (const flow of flowsTo({ services, closedPort: 1 }, lists)) {
    all.push(`${flowName(flow)}${flow.established ? '' : ' begun'}`)
  }
  return all
}

test('those that a service of another host seems to have begun, as flows to it', async () => {
  const asked: boolean[] = []
  const resumed: Required<Lists>['resumed'] = async (isWanted) => {
    asked.push(isWanted(25), isWanted(22))
    return [
      seemsBegun('198.51.100.7', 25, '192.0.2.2'),
      seemsBegun('198.51.100.7', 25, '192.0.2.3', false),
      // Of a port that only this host hides; of another host; and to this host.
      seemsBegun('198.51.100.7', 22, '192.0.2.4'),
      seemsBegun('198.51.100.8', 25, '192.0.2.5'),
      seemsBegun('198.51.100.7', 25, '192.0.2.1'),
    ]
  }
  expect(await foundResumed(WANTED.services, resumed)).toEqual([
    '6 192.0.2.2 40000 198.51.100.7 25',
    '6 192.0.2.3 40000 198.51.100.7 25 begun',
  ])
  expect(asked).toEqual([true, false])
  // Only services of other hosts can seem to begin what has no socket here.
  expect(await foundResumed([service(TCP, 22), service(UDP, 53, '198.51.100.7')], resumed)).toEqual([])
  expect(asked).toHaveLength(2)
  expect(await foundResumed(WANTED.services, refused)).toEqual([])
})

test('where nothing is tracked, those of the sockets', async () => {
  const flows = []
  for await (const flow of flowsTo(WANTED, { read, tracked: nothing, own: [], resumed: none })) flows.push(flow)
  expect(flows).toHaveLength(3)
})
