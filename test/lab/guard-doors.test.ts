// Goal: what a door may say about its openings holds on real networks: for which addresses, for how long, for which
// protocol. And what is to pass the guard unasked does.
import { describe, expect, test } from 'vitest'
import { sample } from '../slow.ts'
import {
  KNOCKS,
  DUE_LIMIT_MS,
  guardSsh,
  isGuarded,
  knockIn,
  looks,
  postern,
  reasons,
  sshConfig,
  timesLeft,
} from './guarded.ts'
import { SharedDaemon } from './one-daemon.ts'
import { dropAll, nft } from './firewall.ts'
import { CLIENT_4, CLIENT_6, SERVER_4, SERVER_6, lab, pair } from './net.ts'
import type { Host } from './net.ts'
import { until } from './process.ts'
import { goesOn, probe, sendKnocks, serveTcp, serveUdp, session, talkUdp } from './service.ts'

const shared = new SharedDaemon()

/** Whether a TCP connection from one of a host's addresses comes about. */
async function reaches(from: Host, source: string, address: string, port: number): Promise<boolean> {
  return (await probe(from, address, port, 1_000, source)) === 'open'
}

/** Rules of a machine that allow its service, and end so for all else. */
const ending = (end: string): string => `table inet filter {
  chain input {
    type filter hook input priority 0; policy accept;
    ct state established,related accept
    meta l4proto ipv6-icmp accept
    udp dport 1194 accept
    meta l4proto udp ${end}
  }
}`

/** Packets that the guard has hidden from. */
async function hidden(server: Host): Promise<number> {
  const { stdout } = await server.run(['nft', 'list', 'counter', 'inet', 'postern', 'hidden'])
  return Number(/packets (\d+)/.exec(stdout)![1])
}

// On networks of their own, at the same time as what shares one.
lab('connections', { concurrent: true }, () => {
  test('keep a door open that extends, which closes once the last has gone', async () => {
    // On a network of its own: connections of other tests would keep the door open.
    const { server, client } = await pair()
    await serveTcp(server, 22)
    const daemon = await guardSsh(server, 2, '', 'Extend_While_Connected = yes')
    const begun = performance.now()
    await knockIn(client, SERVER_4, daemon.process)
    await knockIn(client, SERVER_6, daemon.process)
    const connected = await session(client, SERVER_4)
    // The one that nobody is connected through closes on time.
    await daemon.process.line(new RegExp(`${CLIENT_6}: ssh: tcp/22 closed`))
    await until('the deadline is past', () => performance.now() - begun > 2_500)
    expect(await probe(client, SERVER_4, 22)).toBe('open')
    expect([...(await timesLeft(server)).values()][0]).toBeGreaterThan(1_000)
    await connected.stop()
    // Looked at only then: whoever looks is connected for a moment, and may keep it open by that.
    await daemon.process.line(new RegExp(`${CLIENT_4}: ssh: tcp/22 closed`), DUE_LIMIT_MS)
    await looks(client, SERVER_4, 22, 'refused')
  })

  test('that were there before the guard live on, where nothing tracked them', async () => {
    const { server, client } = await pair()
    await serveTcp(server, 22)
    const sessions = [await session(client, SERVER_4), await session(client, SERVER_6)]
    const daemon = await guardSsh(server, 3)
    expect(await isGuarded(server)).toBe(true)
    for (const each of sessions) await goesOn(each)
    expect(await probe(client, SERVER_4, 22)).toBe('refused')
    // And through a second daemon's life, by when connection tracking knows them.
    await daemon.process.stop()
    expect(sessions.every((each) => each.count(/^out$/) === 0)).toBe(true)
  })
})

lab('on one network', { concurrent: true }, () => {
  describe.sequential('a widened door', () => {
    test.each([
      [4, SERVER_4, CLIENT_4, '192.0.2.77', '198.51.100.5'],
      [6, SERVER_6, CLIENT_6, '2001:db8::77', '2001:db8:0:1::5'],
    ] as const)('lets the network of IPv%i in, and none beside it', async (_, address, knocker, neighbour, outside) => {
      const { server, client, daemon } = await shared.with(sshConfig(60, '', 'Widen = /24, /64'))
      await client.address('eth0', `${neighbour}/${address.includes(':') ? 64 : 24}`)
      await client.address('eth0', `${outside}/${address.includes(':') ? 64 : 24}`)
      await server.ip(`route add ${outside} dev eth0`)
      await serveTcp(server, 22)
      const all = async (): Promise<readonly boolean[]> =>
        await Promise.all([knocker, neighbour, outside].map(async (from) => await reaches(client, from, address, 22)))
      expect(await all()).toEqual([false, false, false])
      await knockIn(client, address, daemon.process)
      expect(await all()).toEqual([true, true, false])
      await postern(server, daemon, 'close', '--all')
      expect(await all()).toEqual([false, false, false])
    })
  })

  describe.sequential('connections', () => {
    test('outlive the opening that they began in', async () => {
      const { server, client, daemon } = await shared.with(sshConfig(2))
      await serveTcp(server, 22)
      await knockIn(client, SERVER_4, daemon.process)
      await knockIn(client, SERVER_6, daemon.process)
      const sessions = [await session(client, SERVER_4), await session(client, SERVER_6)]
      await daemon.process.line(/ closed$/)
      await daemon.process.line(/ closed$/)
      expect(await probe(client, SERVER_4, 22)).toBe('refused')
      expect(await probe(client, SERVER_6, 22)).toBe('refused')
      for (const each of sessions) await goesOn(each)
    })
  })

  describe.sequential('addresses', () => {
    test('that are always allowed need not knock', async () => {
      const { server, client } = await shared.with(sshConfig(60, 'Always_Allow = 192.0.2.80/28, 2001:db8::87'))
      await client.address('eth0', '192.0.2.87/24')
      await client.address('eth0', '2001:db8::87/64')
      await serveTcp(server, 22)
      expect(await reaches(client, '192.0.2.87', SERVER_4, 22)).toBe(true)
      expect(await reaches(client, CLIENT_4, SERVER_4, 22)).toBe(false)
      expect(await reaches(client, '2001:db8::87', SERVER_6, 22)).toBe(true)
      expect(await reaches(client, CLIENT_6, SERVER_6, 22)).toBe(false)
      expect(await probe(server, '127.0.0.1', 22)).toBe('open')
      expect(await probe(server, SERVER_4, 22)).toBe('open')
    })

    test('that may not open a door knock in vain', async () => {
      const { server, client, daemon } = await shared.with(sshConfig(60, '', 'Allow_From = 192.0.2.96/28'))
      await client.address('eth0', '192.0.2.97/24')
      await serveTcp(server, 22)
      await sendKnocks(client, SERVER_4, KNOCKS)
      // Packets come in order: once this one's knock has opened, the others' have been looked at.
      await client.ip('route replace 192.0.2.1 dev eth0 src 192.0.2.97')
      await knockIn(client, SERVER_4, daemon.process)
      await client.ip('route del 192.0.2.1 dev eth0 src 192.0.2.97')
      expect(await reaches(client, '192.0.2.97', SERVER_4, 22)).toBe(true)
      expect(await reaches(client, CLIENT_4, SERVER_4, 22)).toBe(false)
      expect(daemon.process.count(new RegExp(`^${CLIENT_4}: `))).toBe(0)
    })

    test('of the server that only its link knows are guarded like others', async () => {
      const { server, client } = await shared.with('[none]\nSequence = 7301,822\nCommand = true\n')
      await serveTcp(server, 22)
      const local = /inet6 (fe80::[0-9a-f:]+)\//.exec(await server.ip('addr show dev eth0'))![1]!
      // The client's own address of this kind takes a moment.
      await looks(client, `${local}%eth0`, 22, 'open')
      await shared.with(sshConfig(60))
      await serveTcp(server, 22)
      expect(await probe(client, `${local}%eth0`, 22)).toBe('refused')
    })
  })

  describe.sequential('UDP', () => {
    const kinds = [
      [4, 'accept', SERVER_4],
      [6, 'accept', SERVER_6],
      [4, 'drop', SERVER_4],
      [6, 'reject', SERVER_6],
    ] as const
    test.each(sample(kinds, (_, index) => index >= 2))(
      'over IPv%i is hidden from a client, and open to it once it has knocked, from the same port (rules: %s)',
      async (_, end, address) => {
        const { server, client, daemon } = await shared.with(sshConfig(60, '', 'Open_Ports = udp/1194, tcp/22'))
        await nft(server, ending(end))
        const service = await serveUdp(server, 1194)
        const first = await hidden(server)
        const talk = await talkUdp(client, address, 1194, 40_000)
        await until('some has been sent', async () => (await hidden(server)) > first + 3)
        expect(service.count(/got/)).toBe(0)
        await knockIn(client, address, daemon.process)
        await talk.line(/^again: line/)
        await talk.stop()
        await postern(server, daemon, 'close', '--all')
        // Another port: the flow before it is established, as a connection would be.
        const got = service.count(/got/)
        const seen = await hidden(server)
        const late = await talkUdp(client, address, 1194, 40_001)
        await until('more has been sent', async () => (await hidden(server)) > seen + 3)
        expect(service.count(/got/)).toBe(got)
        await late.stop()
        await nft(server, 'delete table inet filter')
      },
    )

    test('to everybody on the link is hidden as well', async () => {
      const { server, client } = await shared.with('[none]\nSequence = 7301,822\nCommand = true\n')
      await client.ip('route add default dev eth0')
      let service = await serveUdp(server, 1194)
      const before = await talkUdp(client, '192.0.2.255', 1194, 40_200)
      await service.line(/got/)
      await before.stop()
      await shared.with(sshConfig(60, 'Guard = udp/1194'))
      service = await serveUdp(server, 1194)
      for (const address of ['192.0.2.255', '255.255.255.255']) {
        const talk = await talkUdp(client, address, 1194, 40_201)
        const seen = await hidden(server)
        await until('it is counted as hidden', async () => (await hidden(server)) > seen + 3)
        await talk.stop()
      }
      expect(service.count(/got/)).toBe(0)
      await client.ip('route del default dev eth0')
    })
  })

  describe.sequential('doors', () => {
    test('with one port keep it open for as long as either is', async () => {
      const { server, client, daemon } = await shared.with(`[short]
Sequence = 7301,822,9403
Open_Ports = tcp/22
Open_For = 2s
[long]
Sequence = 5301,522
Open_Ports = tcp/22, udp/60000-61000
Open_For = 60s
[range]
Sequence = 5301,523
Open_Ports = tcp/20-25
Open_For = 60s
`)
      await serveTcp(server, 22)
      await sendKnocks(client, SERVER_4, ['5301', '522'])
      await daemon.process.line(/long: .* open for/)
      await knockIn(client, SERVER_4, daemon.process)
      await daemon.process.line(/short: tcp\/22 closed/)
      expect(await probe(client, SERVER_4, 22)).toBe('open')
      await sendKnocks(client, SERVER_4, ['5301', '523'])
      await daemon.process.line(/range: .* open for/)
      await postern(server, daemon, 'close', 'long')
      expect(await probe(client, SERVER_4, 22)).toBe('open')
      await postern(server, daemon, 'close', 'range')
      expect(await probe(client, SERVER_4, 22)).toBe('refused')
    })

    test('answer strangers as Hide_With says, and by default as closed ports do', async () => {
      for (const [options, four] of [
        ['', 'reset ttl 64'],
        ['Hide_With = reset', 'reset ttl 64'],
        ['Hide_With = drop', 'no-response'],
      ] as const) {
        const { server, client } = await shared.with(sshConfig(60, options))
        await serveTcp(server, 22)
        const scanned = [SERVER_4, SERVER_6].map(async (address) => await reasons(client, address, [22]))
        expect(await Promise.all(scanned), options).toEqual([[four], [four]])
      }
    })

    test.each(['no rules', 'rules that drop'] as const)(
      'look like closed ports to every kind of scan (%s)',
      async (rules) => {
        const { server, client } = await shared.with(sshConfig(60, 'Guard = udp/22'))
        await serveTcp(server, 22)
        await serveUdp(server, 22)
        if (rules === 'rules that drop') await dropAll(server)
        for (const scan of ['-sS', '-sA', '-sF', '-sU']) {
          const [guarded, closed] = await reasons(client, SERVER_4, [22, 9_999], scan)
          expect(guarded, scan).toBe(closed)
          expect(guarded, scan).toMatch(rules === 'no rules' ? /^(reset|port-unreach) ttl 64$/ : /^no-response$/)
        }
        if (rules === 'rules that drop') await nft(server, 'delete table ip filter; delete table ip6 filter')
      },
    )

    test('one after the other from one source port: hidden, then open', async () => {
      const { server, client, daemon } = await shared.with(sshConfig(60))
      await serveTcp(server, 22)
      const from = async (): Promise<number | null> =>
        (await client.run(['timeout', '1', 'nc', '-z', '-p', '41000', SERVER_4, '22'], { mayFail: true })).code
      expect(await from()).not.toBe(0)
      await knockIn(client, SERVER_4, daemon.process)
      expect(await from()).toBe(0)
    })

    test('two daemons do not take the guard from each other', async () => {
      const { server } = await shared.with(sshConfig(60))
      await expect(guardSsh(server, 60)).rejects.toThrow(/already guards the ports of this host/)
    })
  })
})
