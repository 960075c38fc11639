// Goal: a connected source is found in whichever way the kernel reports it, whatever the number of questions. One table
// is read at a time: a few questions narrowly, many together. The printed tables are used only if the kernel does not
// answer.
import { expect, test } from 'vitest'
import type { Service } from '../config/config.ts'
import { formatAddress, parseAddress } from '../packet/address.ts'
import type { Address } from '../packet/address.ts'
import { parseNetwork } from '../packet/network.ts'
import { TCP, UDP } from '../packet/packet.ts'
import { ASKED_ALONE_MAX, ConnectionLookup } from './connection-lookup.ts'
import type { KernelTables } from './connection-lookup.ts'
import type { TrackedConnection } from './conntrack.ts'
import { SourceIndex } from './source-index.ts'

const address = (text: string): Address => parseAddress(text)!
const service = (port: number, host?: string, protocol: Service['protocol'] = TCP): Service => ({
  protocol,
  first: port,
  last: port,
  host: host === undefined ? undefined : address(host),
})

/** A kernel that has some connections, and records the questions. */
class SmallKernel implements KernelTables {
  readonly asked: string[] = []
  silent = false
  whole = true
  running = 0

  async sockets(...[{ family, from, port }, each]: Parameters<KernelTables['sockets']>): Promise<boolean> {
    await this.#begin(`sockets ${family} ${from === undefined ? '*' : formatAddress(from.address)} ${port ?? '*'}`)
    if (family === 4) each(address('192.0.2.2'), 22)
    // This socket is for both families.
    else each(address('192.0.2.3'), 22)
    this.running--
    return true
  }

  async tracked(...[{ family, source, port }, each]: Parameters<KernelTables['tracked']>): Promise<boolean> {
    await this.#begin(`tracked ${family} ${source === undefined ? '*' : formatAddress(source)} ${port ?? '*'}`)
    for (const one of CONNECTIONS) if (one.source.family === family) each(one)
    this.running--
    return this.whole
  }

  printed(): boolean {
    this.asked.push('printed')
    return true
  }

  async #begin(what: string): Promise<void> {
    expect(++this.running).toBe(1)
    this.asked.push(what)
    await new Promise((resolve) => setImmediate(resolve))
    if (!this.silent) return
    this.running--
    throw new Error('no such table')
  }
}

const tracked = (source: string, to: string, port: number, answering: string, its: number): TrackedConnection => ({
  source: address(source),
  destination: address(to),
  port,
  answering: address(answering),
  answeringPort: its,
})
const CONNECTIONS = [
  tracked('192.0.2.5', '192.0.2.1', 8080, '172.17.0.2', 80),
  tracked('192.0.2.6', '198.51.100.7', 8080, '198.51.100.7', 8080),
  tracked('192.0.2.8', '192.0.2.1', 2222, '192.0.2.1', 22),
]

test.each([
  ['a socket of this host', service(22), '192.0.2.2', true],
  ['a socket for both families', service(22), '192.0.2.3', true],
  ['a network', service(22), '192.0.2.0/24', true],
  ['nobody', service(22), '192.0.2.9', false],
  ['another port', service(23), '192.0.2.2', false],
  ['UDP', service(22, undefined, UDP), '192.0.2.2', false],
  ['a forwarded port', service(8080), '192.0.2.5', true],
  ['the port that it is forwarded to', service(80), '192.0.2.5', false],
  ['another port of this host', service(2222), '192.0.2.8', true],
  ['a forwarded connection, to the same port of another host', service(8080), '192.0.2.6', false],
  ['another host', service(8080, '198.51.100.7'), '192.0.2.6', true],
  ['a third host', service(8080, '198.51.100.8'), '192.0.2.6', false],
  ['another family', service(22), '2001:db8::2', false],
])('%s', async (_, its, from, connected) => {
  expect(await new ConnectionLookup(new SmallKernel()).isConnected([its], parseNetwork(from)!)).toBe(connected)
})

test('a few questions are asked narrowly, more of them together, and one table is read at a time', async () => {
  const kernel = new SmallKernel()
  const lookup = new ConnectionLookup(kernel)
  expect(await lookup.isConnected([service(22)], parseNetwork('192.0.2.9')!)).toBe(false)
  expect(kernel.asked.splice(0)).toEqual(['sockets 4 192.0.2.9 22', 'sockets 6 192.0.2.9 22', 'tracked 4 192.0.2.9 22'])
  const many = Array.from({ length: ASKED_ALONE_MAX + 200 }, async (__, index) =>
    lookup.isConnected([service(index % 2 === 0 ? 8080 : 22)], parseNetwork(`192.0.2.${index + 1}`)!),
  )
  const connected = (await Promise.all(many)).flatMap((each, index) => (each ? [index + 1] : []))
  expect(connected).toEqual([2, 5])
  expect(kernel.asked).toEqual(['sockets 4 * *', 'sockets 6 * *', 'tracked 4 * *'])
})

test('a table that changed meanwhile is read once more', async () => {
  const kernel = new SmallKernel()
  kernel.whole = false
  const lookup = new ConnectionLookup(kernel)
  expect(await lookup.isConnected([service(99)], parseNetwork('2001:db8::/32')!)).toBe(false)
  expect(kernel.asked).toEqual(['sockets 6 2001:db8:: 99', 'tracked 6 * 99', 'tracked 6 * 99'])
})

test('if the kernel does not answer, its printed tables are read', async () => {
  const kernel = new SmallKernel()
  kernel.silent = true
  const lookup = new ConnectionLookup(kernel)
  expect(await lookup.isConnected([service(22)], parseNetwork('192.0.2.9')!)).toBe(true)
  expect(kernel.asked).toEqual(['sockets 4 192.0.2.9 22', 'printed'])
  kernel.printed = () => {
    throw new Error('nor that')
  }
  expect(await lookup.isConnected([service(22)], parseNetwork('192.0.2.9')!)).toBe(false)
})

test('values are found by every network that contains an address', () => {
  const index = new SourceIndex<string>()
  for (const text of ['192.0.2.7', '192.0.2.0/24', '192.0.0.0/16', '0.0.0.0/0', '2001:db8::/32', '192.0.2.0/24']) {
    index.add(parseNetwork(text)!, text)
  }
  const found = (text: string): readonly string[] => {
    const values: string[] = []
    index.find(address(text), (value) => values.push(value))
    return values
  }
  expect(found('192.0.2.7')).toEqual(['192.0.2.7', '192.0.2.0/24', '192.0.2.0/24', '192.0.0.0/16', '0.0.0.0/0'])
  expect(found('192.0.3.7')).toEqual(['192.0.0.0/16', '0.0.0.0/0'])
  expect(found('2001:db8::7')).toEqual(['2001:db8::/32'])
  expect(found('2001:db9::7')).toEqual([])
})
