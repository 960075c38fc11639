// Goal: the daemon listens wherever it is told to, waits for what is not there, follows interfaces and addresses as they
// come and go, and never ends because of a link.
import { expect, test } from 'vitest'
import { REAL_KNOCK, program, startKnockd, withStateDir } from './knockd.ts'
import { CLIENT_4, CLIENT_6, Host, SERVER_4, SERVER_6, lab, link, pair } from './net.ts'
import { until } from './process.ts'
import type { Process } from './process.ts'
import { scratch, writeConfig } from './scratch.ts'

const DOOR = '[ssh]\nSequence = 7301,8822:udp\nStart_Command = echo open\n'

/** Starts a daemon without waiting until it listens. */
const begin = (host: Host, args: readonly string[], config = DOOR): Process => {
  const file = writeConfig(withStateDir(config, scratch('state')))
  return host.start([process.execPath, program('knockd'), '-v', '-c', file, ...args])
}

const opens = async (daemon: Process, from: Host, address: string, source: string): Promise<void> => {
  await from.run([REAL_KNOCK, address, '7301', '8822:udp'])
  expect(await daemon.line(/OPEN SESAME/)).toBe(`${source}: ssh: OPEN SESAME`)
}

/** A server with two interfaces and a client at each. */
const triangle = async (): Promise<{ server: Host; near: Host; far: Host }> => {
  const server = await Host.make('server')
  const near = await Host.make('near')
  const far = await Host.make('far')
  await link(
    { host: server, device: 'eth0', addresses: ['192.0.2.1/24', `${SERVER_6}/64`] },
    { host: near, device: 'eth0', addresses: ['192.0.2.2/24', `${CLIENT_6}/64`] },
  )
  await link(
    { host: server, device: 'wg0', addresses: ['198.51.100.1/24'] },
    { host: far, device: 'eth0', addresses: ['198.51.100.2/24'] },
  )
  return { server, near, far }
}

// Each has hosts of its own.
lab('interfaces', { concurrent: true }, () => {
  test('several, on the command line', async () => {
    const { server, near, far } = await triangle()
    const daemon = begin(server, ['-i', 'eth0', '-i', 'wg0'])
    await daemon.line(/listening on (any|wg0)/)
    await opens(daemon, near, '192.0.2.1', '192.0.2.2')
    await opens(daemon, far, '198.51.100.1', '198.51.100.2')
  })

  test('any, over both families', async () => {
    const { server, near, far } = await triangle()
    const daemon = begin(server, ['-i', 'any'])
    await daemon.line(/listening on any/)
    await opens(daemon, near, SERVER_6, CLIENT_6)
    await opens(daemon, far, '198.51.100.1', '198.51.100.2')
  })

  test("the default route's, with none given and no eth0", async () => {
    const server = await Host.make('server')
    const client = await Host.make('client')
    await link(
      { host: server, device: 'ens3', addresses: ['192.0.2.1/24'] },
      { host: client, device: 'eth0', addresses: ['192.0.2.2/24'] },
    )
    await server.ip('route add default via 192.0.2.2')
    const daemon = begin(server, [])
    expect(await daemon.line(/listening on/)).toBe('listening on ens3...')
    await opens(daemon, client, '192.0.2.1', '192.0.2.2')
  })

  test('several, in the config: one that is absent at start, then down, then without an address', async () => {
    const { server, client: near } = await pair()
    const client = await Host.make('client')
    const daemon = begin(server, [], `[options]\nInterface = eth0, late0\n${DOOR}`)
    await daemon.line(/late0: no such interface, waiting for it/)
    await until('eth0', () => daemon.count(/listening on .*eth0/) > 0)
    await opens(daemon, near, SERVER_4, CLIENT_4)
    await server.ip('link add late0 type veth peer name peer0')
    await server.ip(`link set peer0 netns ${client.ns}`)
    await client.address('peer0', '198.51.100.2/24')
    await client.ip('link set peer0 up')
    await server.ip('link set late0 up')
    await daemon.line(/listening on .*late0/)
    await server.address('late0', '198.51.100.1/24')
    await until('the address', async () => {
      await client.run([REAL_KNOCK, '198.51.100.1', '7301', '8822:udp'])
      return daemon.count(/198\.51\.100\.2: ssh: OPEN SESAME/) > 0
    })
  })

  test('addresses that come and go; one that goes down, is renamed, renamed back, and vanishes', async () => {
    const { server, client } = await pair()
    const { process } = await startKnockd({ host: server, config: DOOR })
    const getsIn = (address = SERVER_4): Promise<void> => {
      const before = process.count(/OPEN SESAME/)
      return until('a knock to get in', async () => {
        await client.run([REAL_KNOCK, address, '7301', '8822:udp'], { mayFail: true })
        return process.count(/OPEN SESAME/) > before
      })
    }
    await opens(process, client, SERVER_4, CLIENT_4)
    // Without it, the kernel takes an interface's other addresses away with the first.
    await server.sysctl('net.ipv4.conf.all.promote_secondaries', 1)
    await server.address('eth0', '192.0.2.9/24')
    await server.ip(`addr del ${SERVER_4}/24 dev eth0`)
    await getsIn('192.0.2.9')
    await server.address('eth0', `${SERVER_4}/24`)
    await server.ip('link set eth0 down')
    await server.ip('link set eth0 up')
    await getsIn()
    await server.ip('link set eth0 down')
    await server.ip('link set eth0 name other0')
    await process.line(/eth0: no such interface/)
    await server.ip('link set other0 name eth0')
    await server.ip('link set eth0 up')
    await process.line(/listening on eth0/)
    await getsIn()
    await server.ip('link del eth0')
    await process.line(/eth0: no such interface/)
    await link(
      { host: server, device: 'eth0', addresses: [`${SERVER_4}/24`] },
      { host: client, device: 'eth0', addresses: [`${CLIENT_4}/24`] },
    )
    await process.line(/listening on eth0/)
    await getsIn()
  })

  test('-4 takes no notice of IPv6', async () => {
    const { server, client } = await pair()
    const daemon = begin(server, ['-i', 'eth0', '-4'])
    await daemon.line(/listening on/)
    await client.run([REAL_KNOCK, SERVER_6, '7301', '8822:udp'])
    await opens(daemon, client, SERVER_4, CLIENT_4)
    expect(daemon.count(/OPEN SESAME/)).toBe(1)
  })
})
