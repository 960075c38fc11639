// Goal: whatever can knock on knockd opens our doors too: knockd's own client, telnet, nc, hping3; over IPv4 and IPv6,
// TCP, UDP and mixed; through a firewall that drops. And no scan opens one.
import { afterEach, expect, test } from 'vitest'
import { dropAll, hidePort, inputRules, nft } from './firewall.ts'
import { REAL_KNOCK, knock, startKnockd, startRealKnockd } from './knockd.ts'
import type { Knockd } from './knockd.ts'
import { CLIENT_4, CLIENT_6, Host, SERVER_4, SERVER_6, lab, link } from './net.ts'
import { SharedDaemon } from './one-daemon.ts'
import type { Shared } from './one-daemon.ts'
import { until } from './process.ts'
import type { Process } from './process.ts'
import { canConnect, sendKnocks, serveTcp } from './service.ts'
import { SLOW } from '../slow.ts'

/** How many scans of all ports in random order are made; each may open nothing. */
const SCANS = SLOW ? 24 : 1
/** Milliseconds that telnet is held at each port: a dropped SYN is sent again after one second. */
const HOLD_MS = 1_600
/** Milliseconds after which somebody knocks again: of 30,000 packets a second, one may be lost. */
const AGAIN_MS = 3_000
/** Knocks amid one scan, of which one has to open. */
const TRIES = 4
/** Knocks of hping3 at each door, all of which have to open. */
const HPING_ROUNDS = SLOW ? 10 : 3

const door = (name: string, sequence: string, more = ''): string =>
  `[${name}]\nSequence = ${sequence}\nSeq_Timeout = 15\nStart_Command = echo ${name} opens for %IP%\n${more}\n`

const shared = new SharedDaemon()
/** Processes of one test: a daemon of its own, or Debian's knockd. */
const running: Process[] = []
afterEach(async () => {
  for (const process of running.splice(0)) await process.stop()
})

const startReal = async (host: Host, config: string): Promise<Process> => {
  const real = await startRealKnockd({ host, config })
  running.push(real)
  return real
}

const opened = (name: string, source: string): string => `${source}: ${name}: OPEN SESAME`

lab("Debian's knock", () => {
  test('opens doors by TCP, UDP and both, on IPv4 and IPv6; each stage is said as by knockd', async () => {
    const doors = [
      ['tcp', ['7301', '8822', '5401']],
      ['udp', ['7302:udp', '8823:udp', '5402:udp']],
      ['mixed', ['7303', '8824:udp', '5403']],
    ] as const
    const { client, daemon } = await shared.with(doors.map(([name, args]) => door(name, args.join())).join(''))
    for (const [name, args] of doors) {
      for (const [address, source] of [
        [SERVER_4, CLIENT_4],
        [SERVER_6, CLIENT_6],
      ] as const) {
        await client.run([REAL_KNOCK, address, ...args])
        await daemon.process.line(/command printed/)
        expect(daemon.process.lines.slice(-6)).toEqual([
          `${source}: ${name}: Stage 1`,
          `${source}: ${name}: Stage 2`,
          `${source}: ${name}: Stage 3`,
          opened(name, source),
          `${name}: running command: echo ${name} opens for ${source}`,
          `${name}: command printed: ${name} opens for ${source}`,
        ])
      }
    }
  })
})

const telnet = async (client: Host, ports: readonly string[]): Promise<void> => {
  for (const port of ports) {
    await client.run(['timeout', String(HOLD_MS / 1000), 'telnet', SERVER_4, port], { mayFail: true })
  }
}

lab('other knockers', () => {
  test('telnet through a firewall that drops, held at each port until its SYN is sent again (fault 2)', async () => {
    const doors = door('held', '7301,8822,5401') + door('unstamped', '7401,8922,8922')
    const { server, client, daemon } = await shared.with(doors)
    await dropAll(server)
    try {
      await telnet(client, ['7301', '8822', '5401'])
      expect(await daemon.process.line(/OPEN SESAME/)).toBe(opened('held', CLIENT_4))
      // From a system without TCP time-stamps, where a port comes twice in a row.
      await client.sysctl('net.ipv4.tcp_timestamps', 0)
      await telnet(client, ['7401', '8922', '8922'])
      expect(await daemon.process.line(/OPEN SESAME/)).toBe(opened('unstamped', CLIENT_4))
      expect(daemon.process.count(/unstamped: Stage/)).toBe(3)
    } finally {
      await client.sysctl('net.ipv4.tcp_timestamps', 1)
      await nft(server, 'flush ruleset')
    }
  })

  test('nc', async () => {
    const { client, daemon } = await shared.with(door('nc', '7301,8822:udp,5401'))
    await client.run(['nc', '-w1', SERVER_4, '7301'], { mayFail: true })
    await client.run(['nc', '-u', '-w1', SERVER_4, '8822'], { mayFail: true, input: 'x' })
    await client.run(['nc', '-w1', SERVER_4, '5401'], { mayFail: true })
    expect(await daemon.process.line(/OPEN SESAME/)).toBe(opened('nc', CLIENT_4))
  })

  test('hping3, with the flags that a door asks for and no others', async () => {
    const doors = door('fin', '7301,8822', 'TCPFlags = fin,!ack') + door('ack', '7401,8922', 'TCPFlags = ack')
    const { client, daemon } = await shared.with(doors)
    const hit = (flag: string, port: string): Promise<unknown> =>
      client.run(['hping3', flag, '-c', '1', '-p', port, SERVER_4], { mayFail: true })
    await hit('-F', '7301')
    await hit('-S', '7301')
    await hit('-FA', '8822')
    await hit('-F', '8822')
    expect(await daemon.process.line(/OPEN SESAME/)).toBe(opened('fin', CLIENT_4))
    expect(daemon.process.count(/Stage 1/)).toBe(1)
    await hit('-A', '7401')
    await hit('-A', '8922')
    expect(await daemon.process.line(/OPEN SESAME/)).toBe(opened('ack', CLIENT_4))
  })

  test('hping3 at a port twice in a row, as often as knockd', async () => {
    const sequences = { middle: '7301,8822,8822,7301', first: '7401,7401,8922' }
    const config = Object.entries(sequences)
      .map(([name, sequence]) => door(name, sequence))
      .join('')
    const { server, client, daemon } = await shared.with(config)
    const real = await startReal(server, config)
    for (let round = 0; round < HPING_ROUNDS; round++) {
      for (const [name, sequence] of Object.entries(sequences)) {
        // Two of them in one second send the very same packet.
        for (const port of sequence.split(',')) await client.run(['hping3', '-S', '-c', '1', '-p', port, SERVER_4])
        for (const each of [daemon.process, real]) {
          expect(await each.line(/OPEN SESAME/)).toContain(opened(name, CLIENT_4))
        }
      }
    }
    const count = 2 * HPING_ROUNDS
    expect([daemon.process.count(/OPEN SESAME/), real.count(/OPEN SESAME/)]).toEqual([count, count])
  })
})

/** The doors that a daemon says it opened. */
const openings = (lines: readonly string[]): readonly string[] =>
  lines.flatMap((line) => /(\w+): OPEN SESAME/.exec(line)?.[1] ?? [])

lab('sequences that share ports, as knockd takes them', () => {
  const open = '1337,3141,7337'
  const close = '3141,7337,1337'
  test.each<[string, Readonly<Record<string, string>>, readonly string[], readonly string[]]>([
    ['a rotation', { open, close }, [open, open, open, close, open], ['open', 'open', 'open', 'close', 'open']],
    ['an end', { enter: open, leave: '3141,7337' }, [open, '3141,7337', open], ['enter', 'leave', 'enter']],
    ['a last knock', { last: open, next: '7337,8448' }, [open, '8448', '7337,8448'], ['last', 'next']],
    ['the same sequence', { one: open, other: open, third: '1337,3141,9559' }, [open], ['one', 'other']],
  ])('%s', async (_, doors, rounds, expected) => {
    const config = Object.entries(doors)
      .map(([name, sequence]) => door(name, sequence))
      .join('')
    const { server, client, daemon } = await shared.with(config)
    const real = await startReal(server, config)
    for (const round of rounds) await client.run([REAL_KNOCK, '-d', '20', SERVER_4, ...round.split(',')])
    for (let opening = 0; opening < expected.length; opening++) {
      await daemon.process.line(/OPEN SESAME/)
      await real.line(/OPEN SESAME/)
    }
    expect([openings(daemon.process.lines), openings(real.lines)]).toEqual([expected, expected])
  })
})

lab('scans', () => {
  /** Knocks as somebody who types the command again; what the daemon says first has to be that it opened for them. */
  const knockUntilOpen = async (at: Shared, name: string, ports: readonly string[], tries = TRIES): Promise<void> => {
    await sendKnocks(at.client, SERVER_4, ports)
    const opening = at.daemon.process.line(/OPEN SESAME/, AGAIN_MS)
    const line = tries === 1 ? await opening : await opening.catch(() => undefined)
    if (line === undefined) return knockUntilOpen(at, name, ports, tries - 1)
    expect(line).toBe(opened(name, CLIENT_4))
  }

  test('nmap over all TCP ports, in order and at random, and over UDP ports opens nothing; an honest knock in between does', async () => {
    const tcp = ['7000', '8000', '9000']
    const udp = ['7000:udp', '7400:udp', '7800:udp']
    const doors = [door('far', tcp.join()), door('datagrams', udp.join()), door('near', '5101,5102,5103')]
    const at = await shared.with([...doors, door('single', '6543')].join(''))
    const { server, client, daemon } = at
    await server.sysctl('net.ipv4.icmp_ratelimit', '0')
    const scans: readonly (readonly [string, string, readonly string[]])[] = [
      ['-sS -r -p-', 'far', tcp],
      ...Array.from({ length: SCANS }, () => ['-sS -p-', 'far', tcp] as const),
      ['--min-rate 5000 --max-retries 0 -sU -r -p 6000-9000', 'datagrams', udp],
    ]
    for (const [index, [words, name, knocks]] of scans.entries()) {
      const scanner = `192.0.2.${10 + index}`
      await client.ip(`addr add ${scanner}/24 dev eth0`)
      const scan = `nmap -n -Pn -T5 -S ${scanner} -e eth0 ${words} ${SERVER_4}`
      const under = client.start(scan.split(' '))
      await daemon.process.line(new RegExp(`${scanner}: port scan`))
      await knockUntilOpen(at, name, knocks)
      await under.ended
    }
    const owners = new RegExp(`^${CLIENT_4}: (?:far|datagrams): OPEN SESAME`)
    expect(daemon.process.count(/OPEN SESAME/)).toBe(daemon.process.count(owners))
  })

  test('somebody who browses the host meanwhile gets in', async () => {
    const { server, client, daemon } = await shared.with(door('browsed', '7301,8822'))
    for (const port of [80, 443]) await serveTcp(server, port)
    await sendKnocks(client, SERVER_4, ['7301'])
    for (const port of [80, 443, 80, 443, 80]) expect(await canConnect(client, SERVER_4, port)).toBe(true)
    await sendKnocks(client, SERVER_4, ['8822'])
    expect(await daemon.process.line(/OPEN SESAME/)).toBe(opened('browsed', CLIENT_4))
  })
})

const start = async (host: Host, config: string, ...args: readonly string[]): Promise<Knockd> => {
  const daemon = await startKnockd({ host, config, args })
  running.push(daemon.process)
  return daemon
}

lab('setups', () => {
  test('a first local try with -i lo', async () => {
    const server = await Host.make('alone')
    const daemon = await start(server, door('ssh', '7301,8822:udp'), '-i', 'lo')
    await server.run([REAL_KNOCK, '127.0.0.1', '7301', '8822:udp'])
    expect(await daemon.process.line(/OPEN SESAME/)).toBe(opened('ssh', '127.0.0.1'))
    await server.run([REAL_KNOCK, '::1', '7301', '8822:udp'])
    expect(await daemon.process.line(/OPEN SESAME/)).toBe(opened('ssh', '::1'))
  })

  test('closing by the reverse order, and rules that do not stack (fault 15)', async () => {
    const rule = 'INPUT -s %IP% -p tcp --dport 22 -j ACCEPT'
    const { server, client, daemon } = await shared.with(
      [
        `[insert]\nSequence = 7301,8822,5401\nCommand = iptables -I ${rule}\n`,
        `[remove]\nSequence = 5401,8822,7301\nCommand = iptables -D ${rule}\n`,
      ].join(''),
    )
    await serveTcp(server, 22)
    await hidePort(server, 22)
    const before = await inputRules(server)
    await knock(client, ['--verify', 'tcp/22', SERVER_4, '7301', '8822', '5401'])
    expect(await canConnect(client, SERVER_4, 22)).toBe(true)
    await sendKnocks(client, SERVER_4, ['7301', '8822', '5401'])
    await daemon.process.line(/its rule is in place already/)
    await sendKnocks(client, SERVER_4, ['5401', '8822', '7301'])
    await daemon.process.line(/remove: running command/)
    await until('the rules are as before', async () => (await inputRules(server)).join() === before.join())
    await nft(server, 'flush ruleset')
  })

  test('a router with Target sees knocks at the host behind it', async () => {
    const router = await Host.make('router')
    const outside = await Host.make('outside')
    const inside = await Host.make('inside')
    await link(
      { host: router, device: 'eth0', addresses: ['192.0.2.1/24'] },
      { host: outside, device: 'eth0', addresses: ['192.0.2.2/24'] },
    )
    await link(
      { host: router, device: 'eth1', addresses: ['198.51.100.1/24'] },
      { host: inside, device: 'eth0', addresses: ['198.51.100.2/24'] },
    )
    await router.sysctl('net.ipv4.ip_forward', '1')
    await outside.ip('route add 198.51.100.0/24 via 192.0.2.1')
    await inside.ip('route add default via 198.51.100.1')
    const config = door('wake', '7301,8822', 'Target = 198.51.100.2') + door('own', '7301,8822')
    const daemon = await start(router, config, '-i', 'eth0')
    await outside.run([REAL_KNOCK, '198.51.100.2', '7301', '8822'])
    expect(await daemon.process.line(/OPEN SESAME/)).toBe(opened('wake', '192.0.2.2'))
    await outside.run([REAL_KNOCK, '192.0.2.1', '7301', '8822'])
    expect(await daemon.process.line(/OPEN SESAME/)).toBe(opened('own', '192.0.2.2'))
  })
})
