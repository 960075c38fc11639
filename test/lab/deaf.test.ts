// Goal: a capture that somebody made deaf, by whatever the kernel lets whoever has its socket do, is noticed by the daemon
// itself and opened anew; status and doctor tell of it, and say what to do.
import koffi from 'koffi'
import { expect, test } from 'vitest'
import { guardSsh, knockIn, postern } from './guarded.ts'
import type { Knockd } from './knockd.ts'
import { SERVER_4, lab, pair } from './net.ts'
import { until } from './process.ts'
import { addressOf, withSockets } from './sockets.ts'

const libc = koffi.load(null)
// setsockopt(2), bind(2): POSIX.
const setsockopt = libc.func('int setsockopt(int fd, int level, int name, const void *value, uint32_t length)')
const bind = libc.func('int bind(int fd, const void *address, uint32_t length)')
koffi.struct('sock_fprog_of_test', { length: 'unsigned short', filter: 'void *' })
const attach = libc.func(
  'int setsockopt(int fd, int level, int name, const sock_fprog_of_test *value, uint32_t length)',
)
const AF_PACKET = 17
const SOL_SOCKET = 1
const SO_ATTACH_FILTER = 26
const SO_DETACH_FILTER = 27
const SOL_PACKET = 263
const PACKET_FANOUT = 18

/** Takes a copy of the daemon's packet socket, as a command did that inherited it, and does something with it. */
function withPacketSocket({ process: { pid } }: Knockd, what: (fd: number) => number): void {
  const found = withSockets(pid, AF_PACKET, (fd) => expect(what(fd)).toBe(0))
  expect(found).toBe(1)
}

/** What makes it deaf, or makes it hear everything. */
const WAYS: readonly (readonly [string, RegExp, (fd: number) => number])[] = [
  [
    'another filter',
    /another program changed the filter of its socket/,
    // BPF_RET, nothing of the packet.
    (fd) => attach(fd, SOL_SOCKET, SO_ATTACH_FILTER, { length: 1, filter: Buffer.from([6, 0, 0, 0, 0, 0, 0, 0]) }, 16),
  ],
  [
    'no filter',
    /another program changed the filter of its socket/,
    (fd) => setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, Buffer.alloc(4), 4),
  ],
  [
    'another interface',
    /another program bound its socket elsewhere/,
    (fd) => {
      const address = addressOf(fd)
      // Loopback is the first interface of every namespace.
      address.writeInt32LE(1, 4)
      return bind(fd, address, address.length)
    },
  ],
  [
    'somebody who takes a share of the packets',
    /another program took a share of its packets/,
    (fd) => setsockopt(fd, SOL_PACKET, PACKET_FANOUT, Buffer.from([7, 0, 0, 0]), 4),
  ],
]

lab('a capture that is made deaf', { concurrent: true }, () => {
  test('by each way is noticed when somebody asks, and hears again', async () => {
    const { server, client } = await pair()
    const daemon = await guardSsh(server, 30)
    expect((await postern(server, daemon, 'status')).stdout).not.toContain('deaf')
    for (const [way, reason, deafen] of WAYS) {
      await knockIn(client, SERVER_4, daemon.process)
      withPacketSocket(daemon, deafen)
      const { stdout } = await postern(server, daemon, 'status')
      expect(stdout, way).toMatch(reason)
      expect(stdout, way).toMatch(/^warning: eth0 was deaf until \d+s ago/m)
      expect(stdout, way).toMatch(/^ {2}ss -0apb shows which programs have packet sockets$/m)
      await postern(server, daemon, 'close', '--all')
    }
    await until('it is said', () => daemon.process.count(/eth0: another program .* capturing again$/) > 0)
    await knockIn(client, SERVER_4, daemon.process)
    const found = (await postern(server, daemon, 'doctor')).stdout
    expect(found).toMatch(
      /^warning: capture: eth0: the capture was deaf until .* find the programs that have packet sockets$/m,
    )
    expect(found).toMatch(/^ {4}ss -0apb$/m)
    const shown = await server.run(['ss', '-0apb'])
    expect(shown.stdout).toContain(`pid=${daemon.process.pid}`)
  })

  test('without anybody asking: within seconds, and it is said once', async () => {
    const { server, client } = await pair()
    const daemon = await guardSsh(server, 30)
    const [, , deafen] = WAYS[0]!
    withPacketSocket(daemon, deafen)
    await daemon.process.line(/eth0: another program changed the filter of its socket: .* capturing again$/)
    await daemon.process.line(/listening on eth0/)
    withPacketSocket(daemon, deafen)
    await postern(server, daemon, 'status')
    await daemon.process.line(/listening on eth0/)
    expect(daemon.process.count(/capturing again/)).toBe(1)
    await knockIn(client, SERVER_4, daemon.process)
    expect((await postern(server, daemon, 'status')).stdout).toMatch(/was deaf until \d+s ago, 2 times in a day/)
  })
})
