// Goal: whatever can knock on knockd opens our doors too: knockd's own client, telnet, nc, hping3; over IPv4 and IPv6,
// TCP, UDP and mixed; through a firewall that drops. And no scan opens one.
import { afterEach, expect, test } from 'vitest'
import { dropAll, hidePort, inputRules } from './firewall.ts'
import { REAL_KNOCK, knock, startKnockd, startRealKnockd } from './knockd.ts'
import type { Knockd } from './knockd.ts'
import { CLIENT_4, CLIENT_6, Host, SERVER_4, SERVER_6, lab, link, pair } from './net.ts'
import { canConnect, serveTcp } from './service.ts'
import { SLOW } from '../slow.ts'

/** How many scans of all ports are made in each test; each may open nothing. */
const SCANS = SLOW ? 24 : 3
/** Milliseconds that telnet is held at each port: a dropped SYN is sent again after one second. */
const HOLD_MS = 2_500
/** Milliseconds after which somebody knocks again: of 30,000 packets a second, one may be lost. */
const AGAIN_MS = 3_000
/** Knocks amid one scan, of which one has to open. */
const TRIES = 4
/** Knocks of hping3 in each test, all of which have to open. */
const HPING_ROUNDS = 10

const door = (name: string, sequence: string, more = ''): string =>
  `[${name}]\nSequence = ${sequence}\nSeq_Timeout = 15\nStart_Command = echo ${name} opens for %IP%\n${more}\n`

let daemon: Knockd | undefined
afterEach(async () => {
  await daemon?.process.stop()
  daemon = undefined
})

const opened = (name: string, source: string): string => `${source}: ${name}: OPEN SESAME`

lab("Debian's knock", () => {
  test.each([
    ['tcp', ['7301', '8822', '5401']],
    ['udp', ['7302:udp', '8823:udp', '5402:udp']],
    ['mixed', ['7303', '8824:udp', '5403']],
  ])('opens a %s door on IPv4 and IPv6', async (name, args) => {
    const { server, client } = await pair()
    daemon = await startKnockd({ host: server, config: door(name, args.join(',')) })
    for (const [address, source] of [
      [SERVER_4, CLIENT_4],
      [SERVER_6, CLIENT_6],
    ] as const) {
      await client.run([REAL_KNOCK, address, ...args])
      expect(await daemon.process.line(/OPEN SESAME/)).toBe(opened(name, source))
      expect(await daemon.process.line(/command printed/)).toBe(`${name}: command printed: ${name} opens for ${source}`)
    }
  })

  test('says each stage as knockd does', async () => {
    const { server, client } = await pair()
    daemon = await startKnockd({ host: server, config: door('ssh', '7301,8822') })
    await client.run([REAL_KNOCK, SERVER_4, '7301', '8822'])
    await daemon.process.line(/command printed/)
    expect(daemon.process.stdout.split('\n').slice(0, 5)).toEqual([
      'listening on eth0...',
      `${CLIENT_4}: ssh: Stage 1`,
      `${CLIENT_4}: ssh: Stage 2`,
      `${CLIENT_4}: ssh: OPEN SESAME`,
      `ssh: running command: echo ssh opens for ${CLIENT_4}`,
    ])
  })
})

lab('other knockers', () => {
  test('telnet through a firewall that drops, held at each port until its SYN is sent again (fault 2)', async () => {
    const { server, client } = await pair()
    await dropAll(server)
    daemon = await startKnockd({ host: server, config: door('ssh', '7301,8822,5401') })
    for (const port of ['7301', '8822', '5401']) {
      await client.run(['timeout', String(HOLD_MS / 1000), 'telnet', SERVER_4, port], { mayFail: true })
    }
    expect(await daemon.process.line(/OPEN SESAME/)).toBe(opened('ssh', CLIENT_4))
  })

  test('telnet so, from a system without TCP time-stamps, where a port comes twice in a row', async () => {
    const { server, client } = await pair()
    await dropAll(server)
    await client.sysctl('net.ipv4.tcp_timestamps', 0)
    daemon = await startKnockd({ host: server, config: door('ssh', '7301,8822,8822') })
    for (const port of ['7301', '8822', '8822']) {
      await client.run(['timeout', String(HOLD_MS / 1000), 'telnet', SERVER_4, port], { mayFail: true })
    }
    expect(await daemon.process.line(/OPEN SESAME/)).toBe(opened('ssh', CLIENT_4))
    expect(daemon.process.count(/Stage/)).toBe(3)
  })

  test('nc', async () => {
    const { server, client } = await pair()
    daemon = await startKnockd({ host: server, config: door('ssh', '7301,8822:udp,5401') })
    await client.run(['nc', '-w1', SERVER_4, '7301'], { mayFail: true })
    await client.run(['nc', '-u', '-w1', SERVER_4, '8822'], { mayFail: true, input: 'x' })
    await client.run(['nc', '-w1', SERVER_4, '5401'], { mayFail: true })
    expect(await daemon.process.line(/OPEN SESAME/)).toBe(opened('ssh', CLIENT_4))
  })

  test('hping3, with the flags that a door asks for and no others', async () => {
    const { server, client } = await pair()
    daemon = await startKnockd({ host: server, config: door('fin', '7301,8822', 'TCPFlags = fin,!ack') })
    const hit = (flag: string, port: string): Promise<unknown> =>
      client.run(['hping3', flag, '-c', '1', '-p', port, SERVER_4], { mayFail: true })
    await hit('-F', '7301')
    await hit('-S', '7301')
    await hit('-FA', '8822')
    await hit('-F', '8822')
    expect(await daemon.process.line(/OPEN SESAME/)).toBe(opened('fin', CLIENT_4))
    expect(daemon.process.count(/Stage 1/)).toBe(1)
  })

  test.each(['7301,8822,8822,7301', '7301,7301,8822'])('hping3 at %s, as often as knockd', async (sequence) => {
    const { server, client } = await pair()
    const config = door('twice', sequence)
    daemon = await startKnockd({ host: server, config })
    const real = await startRealKnockd({ host: server, config })
    for (let round = 0; round < HPING_ROUNDS; round++) {
      // Two of them in one second send the very same packet.
      for (const port of sequence.split(',')) await client.run(['hping3', '-S', '-c', '1', '-p', port, SERVER_4])
      await daemon.process.line(/OPEN SESAME/)
      await real.line(/OPEN SESAME/)
    }
    expect([daemon.process.count(/OPEN SESAME/), real.count(/OPEN SESAME/)]).toEqual([HPING_ROUNDS, HPING_ROUNDS])
  })

  test('hping3 with ACK packets, where a door asks for them', async () => {
    const { server, client } = await pair()
    daemon = await startKnockd({ host: server, config: door('ack', '7301,8822', 'TCPFlags = ack') })
    for (const port of ['7301', '8822']) {
      await client.run(['hping3', '-A', '-c', '1', '-p', port, SERVER_4], { mayFail: true })
    }
    expect(await daemon.process.line(/OPEN SESAME/)).toBe(opened('ack', CLIENT_4))
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
    ['an end', { open, close: '3141,7337' }, [open, '3141,7337', open], ['open', 'close', 'open']],
    ['a last knock', { open, next: '7337,8448' }, [open, '8448', '7337,8448'], ['open', 'next']],
    ['the same sequence', { one: open, other: open, third: '1337,3141,9559' }, [open], ['one', 'other']],
  ])('%s', async (_, doors, rounds, expected) => {
    const { server, client } = await pair()
    const config = Object.entries(doors)
      .map(([name, sequence]) => door(name, sequence))
      .join('')
    daemon = await startKnockd({ host: server, config })
    const real = await startRealKnockd({ host: server, config })
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
  const knockUntilOpen = async (client: Host, ports: readonly string[], tries = TRIES): Promise<void> => {
    await knock(client, ['--source', CLIENT_4, SERVER_4, ...ports])
    const opening = daemon!.process.line(/OPEN SESAME/, AGAIN_MS)
    const line = tries === 1 ? await opening : await opening.catch(() => undefined)
    if (line === undefined) return knockUntilOpen(client, ports, tries - 1)
    expect(line).toBe(opened('far', CLIENT_4))
  }

  const scans: readonly (readonly [string, readonly string[]])[] = [
    ['in order', ['-sS', '-r', '-p-']],
    ['at random', ['-sS', '-p-']],
  ]
  test.each(scans)('nmap over all TCP ports %s opens nothing, and an honest knock in between does', async (_, args) => {
    const { server, client } = await pair()
    const config = [door('far', '7000,8000,9000'), door('near', '5101,5102,5103'), door('single', '6543')].join('')
    daemon = await startKnockd({ host: server, config })
    const { process } = daemon
    for (let scan = 1; scan <= SCANS; scan++) {
      const scanner = `192.0.2.${10 + scan}`
      await client.ip(`addr add ${scanner}/24 dev eth0`)
      const under = client.start(['nmap', '-n', '-Pn', '-T5', '-S', scanner, '-e', 'eth0', ...args, SERVER_4])
      await process.line(new RegExp(`${scanner}: port scan`))
      await knockUntilOpen(client, ['7000', '8000', '9000'])
      await under.ended
    }
    await process.stop()
    expect(process.count(/OPEN SESAME/)).toBe(process.count(new RegExp(opened('far', CLIENT_4))))
  })

  test('nmap over UDP ports opens nothing, and an honest knock in between does', async () => {
    const { server, client } = await pair()
    await server.sysctl('net.ipv4.icmp_ratelimit', '0')
    await client.ip('addr add 192.0.2.3/24 dev eth0')
    daemon = await startKnockd({ host: server, config: door('far', '7000:udp,7400:udp,7800:udp') })
    const { process } = daemon
    const scan = `nmap -n -Pn -T5 --min-rate 5000 --max-retries 0 -S 192.0.2.3 -e eth0 -sU -r -p 6000-9000 ${SERVER_4}`
    const under = client.start(scan.split(' '))
    await process.line(/192\.0\.2\.3: port scan/)
    await knockUntilOpen(client, ['7000:udp', '7400:udp', '7800:udp'])
    await under.ended
    expect(process.count(/192\.0\.2\.3: far: OPEN SESAME/)).toBe(0)
  })

  test('somebody who browses the host meanwhile gets in', async () => {
    const { server, client } = await pair()
    for (const port of [80, 443]) await serveTcp(server, port)
    daemon = await startKnockd({ host: server, config: door('ssh', '7301,8822') })
    await client.run([REAL_KNOCK, SERVER_4, '7301'])
    for (const port of [80, 443, 80, 443, 80]) expect(await canConnect(client, SERVER_4, port)).toBe(true)
    await client.run([REAL_KNOCK, SERVER_4, '8822'])
    expect(await daemon.process.line(/OPEN SESAME/)).toBe(opened('ssh', CLIENT_4))
  })
})

lab('setups', () => {
  test('a first local try with -i lo', async () => {
    const server = await Host.make('alone')
    daemon = await startKnockd({ host: server, config: door('ssh', '7301,8822:udp'), args: ['-i', 'lo'] })
    await server.run([REAL_KNOCK, '127.0.0.1', '7301', '8822:udp'])
    expect(await daemon.process.line(/OPEN SESAME/)).toBe(opened('ssh', '127.0.0.1'))
    await server.run([REAL_KNOCK, '::1', '7301', '8822:udp'])
    expect(await daemon.process.line(/OPEN SESAME/)).toBe(opened('ssh', '::1'))
  })

  test('closing by the reverse order, and rules that do not stack (fault 15)', async () => {
    const { server, client } = await pair()
    await serveTcp(server, 22)
    await hidePort(server, 22)
    const before = await inputRules(server)
    const rule = 'INPUT -s %IP% -p tcp --dport 22 -j ACCEPT'
    daemon = await startKnockd({
      host: server,
      config: [
        `[open]\nSequence = 7301,8822,5401\nCommand = iptables -I ${rule}\n`,
        `[close]\nSequence = 5401,8822,7301\nCommand = iptables -D ${rule}\n`,
      ].join(''),
    })
    await knock(client, ['--verify', 'tcp/22', SERVER_4, '7301', '8822', '5401'])
    expect(await canConnect(client, SERVER_4, 22)).toBe(true)
    await knock(client, [SERVER_4, '7301', '8822', '5401'])
    await daemon.process.line(/its rule is in place already/)
    await knock(client, [SERVER_4, '5401', '8822', '7301'])
    await daemon.process.line(/close: running command/)
    await daemon.process.stop()
    expect(await inputRules(server)).toEqual(before)
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
    daemon = await startKnockd({ host: router, config })
    await outside.run([REAL_KNOCK, '198.51.100.2', '7301', '8822'])
    expect(await daemon.process.line(/OPEN SESAME/)).toBe(opened('wake', '192.0.2.2'))
    await outside.run([REAL_KNOCK, '192.0.2.1', '7301', '8822'])
    expect(await daemon.process.line(/OPEN SESAME/)).toBe(opened('own', '192.0.2.2'))
  })
})
