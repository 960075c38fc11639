// Goal: the kernel's own answers tell who is connected to what, among many thousands of other connections, to services of
// this host, of others behind it, and to ports that are handed on; no table is printed for it.
import { expect, test } from 'vitest'
import { MODULES, PROJECT } from './knockd.ts'
import { CLIENT_4, CLIENT_6, Host, SERVER_4, SERVER_6, lab, link, pair } from './net.ts'
import { serveTcp, session } from './service.ts'

/** Connections of others, in a table that this many fill well. */
const OTHERS = 20_000
const BEHIND = '198.51.100.7'

/** Asks in the namespace that it runs in; a line of JSON is one question, `[port, host, network]`. */
const ASKER = `
const at = (path) => import(${JSON.stringify(MODULES)} + '/' + path)
const { ConnectionLookup } = await at('host/connection-lookup.js')
const { trackedConnections } = await at('host/conntrack.js')
const { establishedSockets } = await at('host/socket-diag.js')
const { parseAddress } = await at('packet/address.js')
const { parseNetwork } = await at('packet/network.js')
let told = 0
const lookup = new ConnectionLookup({
  sockets: establishedSockets,
  tracked: async (filter, each) => trackedConnections(filter, (one) => { told++; each(one) }),
  printed: () => { throw new Error('the kernel does not answer') },
})
const questions = JSON.parse(process.argv[1])
const answers = await Promise.all(questions.map(async ([port, host, from]) => lookup.isConnected(
  [{ protocol: 6, first: port, last: port, host: host === null ? undefined : parseAddress(host) }], parseNetwork(from))))
console.log(JSON.stringify({ answers, told }))
`

/** Puts connections that never were into connection tracking, by the hundred. */
const FILLER = `
const at = (path) => import(${JSON.stringify(MODULES)} + '/' + path)
const koffi = (await import(${JSON.stringify(`${PROJECT}/node_modules/koffi/index.js`)})).default
const { openNetlink, receive } = await at('native/libc.js')
const { attribute: plain, half, nested, port, word } = await at('host/netlink-attribute.js')
const send = koffi.load(null).func('intptr_t send(int fd, const void *bytes, size_t length, int flags)')
const fd = openNetlink(12, 0)
const number = (value) => Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value)
const tuple = (type, from, to, itsPort, toPort) => nested(type, nested(1, plain(1, number(from)), plain(2, number(to))),
  nested(2, plain(1, Uint8Array.of(6)), plain(2, port(itsPort)), plain(3, port(toPort))))
const answer = Buffer.alloc(65536)
for (let at = 0; at < Number(process.argv[1]);) {
  const messages = []
  for (let index = 0; index < 100; index++, at++) {
    const [from, to, itsPort] = [0x0a000000 + (at >>> 4), 0xcb007101, 1024 + (at & 15)]
    const body = Buffer.concat([Uint8Array.of(2, 0, 0, 0), tuple(1, from, to, itsPort, 443), tuple(2, to, from, 443, itsPort),
      plain(7, number(600)), plain(3, number(0xe)), nested(4, nested(1, plain(1, Uint8Array.of(3))))])
    // IPCTNL_MSG_CT_NEW: request, create, exclusively.
    messages.push(word(16 + body.length), half(1 << 8), half(0x601), word(0), word(0), body)
  }
  const bytes = Buffer.concat(messages)
  send(fd, bytes, bytes.length, 0)
  while (receive(fd, answer) > 0) if (answer.readInt32LE(16) !== 0) throw new Error('refused')
}
`

type Question = readonly [port: number, host: string | null, from: string]

async function asked(host: Host, questions: readonly Question[]): Promise<{ answers: boolean[]; told: number }> {
  const argv = [process.execPath, '--input-type=module', '-e', ASKER, JSON.stringify(questions)]
  return JSON.parse((await host.run(argv)).stdout) as { answers: boolean[]; told: number }
}

lab('who is connected', () => {
  test('is told by the kernel, of what was asked alone', async () => {
    const { server, client } = await pair()
    const behind = await Host.make('behind')
    await link(
      { host: server, device: 'eth1', addresses: ['198.51.100.1/24'] },
      { host: behind, addresses: [`${BEHIND}/24`] },
    )
    await behind.ip('route add default via 198.51.100.1')
    await client.ip(`route add 198.51.100.0/24 via ${SERVER_4}`)
    await server.sysctl('net.ipv4.ip_forward', 1)
    const rules = `table ip nat {
  chain pre { type nat hook prerouting priority dstnat; tcp dport 2222 redirect to :22; tcp dport 8022 dnat to ${BEHIND}:22; }
}
table inet tracking { chain in { type filter hook forward priority filter; ct state established accept; }; }
`
    await server.run(['nft', '-f', '-'], { input: rules })
    await serveTcp(server, 22)
    await serveTcp(behind, 22)
    const sessions: readonly (readonly [string, number])[] = [
      [SERVER_4, 22],
      [SERVER_6, 22],
      [SERVER_4, 2222],
      [SERVER_4, 8022],
      [BEHIND, 22],
    ]
    for (const [address, port] of sessions) {
      await session(client, address, port)
    }
    await server.run([process.execPath, '--input-type=module', '-e', FILLER, String(OTHERS)])
    const count = (await server.run(['cat', '/proc/sys/net/netfilter/nf_conntrack_count'])).stdout
    expect(Number(count)).toBeGreaterThan(OTHERS)
    const connected: readonly Question[] = [
      [22, null, CLIENT_4],
      [22, null, '192.0.2.0/24'],
      [22, null, CLIENT_6],
      [22, null, '2001:db8::/64'],
      [2222, null, CLIENT_4],
      [8022, null, CLIENT_4],
      [8022, null, '192.0.2.0/24'],
      [22, BEHIND, CLIENT_4],
      [443, '203.0.113.1', '10.0.0.9'],
    ]
    const not: readonly Question[] = [
      [22, null, '192.0.2.3'],
      [23, null, CLIENT_4],
      [443, null, '10.0.0.9'],
      [22, BEHIND, '192.0.2.3'],
      [8022, BEHIND, CLIENT_4],
      [22, null, '2001:db8::3'],
      [2222, null, CLIENT_6],
    ]
    for (const question of [...connected, ...not]) {
      const { answers, told } = await asked(server, [question])
      expect(answers, question.join()).toEqual([connected.includes(question)])
      // Every other connection is left out by the kernel itself.
      expect(told, question.join()).toBeLessThan(question[0] === 443 ? 17 : 6)
    }
    // All at once: few tables, of whatever is in them.
    const all = await asked(server, [...connected, ...not])
    expect(all.answers).toEqual([...connected.map(() => true), ...not.map(() => false)])
    expect(all.told).toBeGreaterThan(OTHERS)
  })
})
