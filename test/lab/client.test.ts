// Goal: our knock opens the real knockd's doors, its knocks leave in order and once each, and its exit code tells the
// truth about the door.
import { beforeAll, expect, test } from 'vitest'
import { hidePort } from './firewall.ts'
import { knock, program, startRealKnockd } from './knockd.ts'
import { CLIENT_4, CLIENT_6, Host, lab, link, pair, SERVER_4, SERVER_6 } from './net.ts'
import { run, type Process } from './process.ts'
import { scratch, writeConfig } from './scratch.ts'
import { canConnect, probe, serveTcp, watchWire } from './service.ts'

/** What a knock can look like on the wire: a first SYN, or a datagram. ICMP and resets are not knocks. */
const KNOCKS =
  'udp or (ip and tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn) or (ip6 and tcp and ip6[53] & 0x12 == 0x02)'

/** The address an Ethernet device gives itself. */
const linkLocal = async (host: Host): Promise<string> =>
  /inet6 (fe80:[^/]+)/.exec(await host.ip('-6 addr show dev eth0 scope link'))![1]!

/** The knocks on the wire up to the one at the last port: `FROM > TO`, in order. */
const knocksUntil = async (wire: Process, lastPort: number): Promise<readonly string[]> => {
  await wire.line(new RegExp(`^IP6? .*\\.${lastPort}: `))
  return wire.lines.flatMap((line) => {
    const [, from, to] = /^IP6? (\S+)\.\d+ > (\S+): /.exec(line) ?? []
    return from === undefined ? [] : [`${from} > ${to}`]
  })
}

const door = (name: string, sequence: string): string => `[${name}]\nsequence = ${sequence}\ntcpflags = syn\n`

lab('knock, against the real knockd', () => {
  let client: Host
  let knockd: Process
  beforeAll(async () => {
    let server: Host
    ;({ server, client } = await pair())
    knockd = await startRealKnockd({
      host: server,
      config: [
        '[options]\n',
        door('tcp', '101,102,103'),
        door('udp', '201:udp,202:udp'),
        door('mixed', '301,302:udp,303'),
      ].join(''),
    })
  })

  test.each([
    ['tcp', ['101', '102', '103'], ''],
    ['udp', ['201:udp', '202:udp'], ''],
    ['udp', ['-u', '201', '202:tcp'], 'as all of them are with -u'],
    ['mixed', ['301', '302:UDP', '303:tcp'], ''],
    ['mixed', ['-vd50', '301', '302:udp', '303'], 'with a pause'],
  ])('opens the door "%s" by %j %s', async (name, args) => {
    for (const [address, source] of [
      [SERVER_4, CLIENT_4],
      [SERVER_6, CLIENT_6],
    ] as const) {
      const { code, stderr } = await knock(client, [address, ...args])
      expect([code, stderr]).toEqual([0, ''])
      expect(await knockd.line(/OPEN SESAME/)).toBe(`${source}: ${name}: OPEN SESAME`)
    }
  })
})

lab('knocks on the wire', () => {
  let server: Host
  let client: Host
  let wire: Process
  beforeAll(async () => {
    ;({ server, client } = await pair())
    await client.address('eth0', '192.0.2.9/24')
    // Deprecated, so that it is no knock's source unless asked for.
    await client.ip('addr add 2001:db8::9/64 dev eth0 nodad preferred_lft 0')
    // No answer comes back: a SYN whose socket stays would be sent again.
    for (const iptables of ['iptables', 'ip6tables']) {
      await server.run([iptables, '-A', 'INPUT', '-p', 'tcp', '-j', 'DROP'])
    }
  })

  const watched = async (lastPort: number, args: readonly string[]): Promise<readonly string[]> => {
    wire = await watchWire(server, KNOCKS)
    const { code, stderr } = await knock(client, args)
    expect([code, stderr]).toEqual([0, ''])
    const seen = await knocksUntil(wire, lastPort)
    await wire.stop()
    return seen
  }

  test('twenty of them, TCP and UDP by turns, come in the order given', async () => {
    const ports = Array.from({ length: 20 }, (_, index) => 4_000 + ((index * 7) % 20))
    const args = ports.map((port, index) => `${port}:${index % 2 === 0 ? 'tcp' : 'udp'}`)
    for (const [address, source] of [
      [SERVER_4, CLIENT_4],
      [SERVER_6, CLIENT_6],
    ] as const) {
      expect(await watched(ports.at(-1)!, [address, ...args])).toEqual(
        ports.map((port) => `${source} > ${address}.${port}`),
      )
    }
  })

  test('each is sent once, also when nothing answers for longer than a SYN waits', async () => {
    expect(await watched(5_002, ['-d', '1300', SERVER_4, '5001', '5002'])).toEqual([
      `${CLIENT_4} > ${SERVER_4}.5001`,
      `${CLIENT_4} > ${SERVER_4}.5002`,
    ])
  })

  test('-v says each, and nothing else is ever said', async () => {
    expect((await knock(client, ['-v', SERVER_4, '6001', '6002:udp'])).stdout).toBe(
      `hitting tcp ${SERVER_4}:6001\nhitting udp ${SERVER_4}:6002\n`,
    )
    expect((await knock(client, ['-v', SERVER_6, '6001'])).stdout).toBe(`hitting tcp ${SERVER_6}:6001\n`)
    expect((await knock(client, [SERVER_4, '6001'])).stdout).toBe('')
  })

  test('a wrong last port means that none leaves', async () => {
    wire = await watchWire(server, KNOCKS)
    expect((await knock(client, [SERVER_4, '6100', '6101', '6102:sctp'])).code).toBe(2)
    expect((await knock(client, [SERVER_4, '6199'])).code).toBe(0)
    expect(await knocksUntil(wire, 6_199)).toEqual([`${CLIENT_4} > ${SERVER_4}.6199`])
    await wire.stop()
  })

  test('a service’s name stands for its port', async () => {
    client.etc('services', 'lastdoor 6200/udp\n')
    expect(await watched(6_200, ['-v', SERVER_4, 'lastdoor:udp'])).toEqual([`${CLIENT_4} > ${SERVER_4}.6200`])
  })

  test('--source is where they come from: an address, or an interface’s', async () => {
    for (const [source, from, to] of [
      ['192.0.2.9', '192.0.2.9', SERVER_4],
      ['2001:db8::9', '2001:db8::9', SERVER_6],
      ['eth0', CLIENT_4, SERVER_4],
    ] as const) {
      expect(await watched(6_301, ['--source', source, to, '6300', '6301:udp'])).toEqual([
        `${from} > ${to}.6300`,
        `${from} > ${to}.6301`,
      ])
    }
    const { code, stderr } = await knock(client, ['--source', '192.0.2.77', SERVER_4, '6300'])
    expect([code, stderr]).toEqual([
      1,
      `knock: cannot send to ${SERVER_4}: the source address is not one of this machine\n`,
    ])
  })

  test('a link-local address works with its zone', async () => {
    const [to, from] = [await linkLocal(server), await linkLocal(client)]
    for (const source of [[], ['--source', 'eth0']]) {
      expect(await watched(6_401, [...source, `${to}%eth0`, '6400', '6401:udp'])).toEqual([
        `${from} > ${to}.6400`,
        `${from} > ${to}.6401`,
      ])
    }
  })

  test('a name with both families is knocked on both, one sequence after the other', async () => {
    client.etc('hosts', `${SERVER_6} gate\n${SERVER_4} gate\n`)
    const six = [`${CLIENT_6} > ${SERVER_6}.6500`, `${CLIENT_6} > ${SERVER_6}.6501`]
    const four = [`${CLIENT_4} > ${SERVER_4}.6500`, `${CLIENT_4} > ${SERVER_4}.6501`]
    wire = await watchWire(server, KNOCKS)
    expect((await knock(client, ['gate', '6500', '6501:udp'])).code).toBe(0)
    await knocksUntil(wire, 6_501)
    const both = await knocksUntil(wire, 6_501)
    expect([
      [...six, ...four],
      [...four, ...six],
    ]).toContainEqual(both)
    await wire.stop()
    expect(await watched(6_501, ['-4', 'gate', '6500', '6501:udp'])).toEqual(four)
    expect(await watched(6_501, ['-6', 'gate', '6500', '6501:udp'])).toEqual(six)
    expect(await watched(6_501, ['--source', '192.0.2.2', 'gate', '6500', '6501:udp'])).toEqual(four)
  })
})

lab('a client without a route', () => {
  test('for one family knocks on the other, for both fails', async () => {
    const server = await Host.make('server')
    const client = await Host.make('client')
    await link({ host: server, addresses: ['192.0.2.1/24'] }, { host: client, addresses: ['192.0.2.2/24'] })
    client.etc('hosts', '2001:db8::1 gate\n192.0.2.1 gate\n198.51.100.1 far\n2001:db8::1 far\n')
    const wire = await watchWire(server, KNOCKS)
    expect((await knock(client, ['gate', '7000', '7001:udp'])).code).toBe(0)
    expect(await knocksUntil(wire, 7_001)).toEqual(['192.0.2.2 > 192.0.2.1.7000', '192.0.2.2 > 192.0.2.1.7001'])
    const { code, stderr } = await knock(client, ['far', '7000'])
    expect([code, stderr]).toEqual([1, 'knock: cannot send to far: no route to its network\n'])
  })
})

lab('--verify', () => {
  let server: Host
  let client: Host
  beforeAll(async () => {
    ;({ server, client } = await pair())
    await serveTcp(server, 22)
    await hidePort(server, 22)
    const open = 'iptables -I INPUT -s %IP% -p tcp --dport 22 -j ACCEPT'
    // Stands for a first round of knocks that is lost on the way.
    const second = writeConfig(
      'if test -e "$2"; then iptables -I INPUT -s "$1" -p tcp --dport 22 -j ACCEPT; else : >"$2"; fi',
    )
    await startRealKnockd({
      host: server,
      config:
        `[options]\n${door('slow', '901,902')}start_command = sleep 0.7; ${open}\n` +
        `${door('second', '911,912')}start_command = sh ${second} %IP% ${scratch('mark')}\n` +
        `${door('close', '921')}start_command = iptables -D INPUT 1\n`,
    })
  })

  test('waits for a door that takes its time', async () => {
    expect(await probe(client, SERVER_4, 22)).toBe('silent')
    const { code, stderr } = await knock(client, ['--verify', 'tcp/22', SERVER_4, '901', '902'])
    expect([code, stderr]).toEqual([0, ''])
    expect(await canConnect(client, SERVER_4, 22)).toBe(true)
    expect((await knock(client, [SERVER_4, '921'])).code).toBe(0)
  })

  test('with --retry knocks again until it is open, and no longer; says when the door stays shut', async () => {
    const [again, shut] = await Promise.all([
      knock(client, ['-v', '--verify', 'tcp/22', '--retry', '5', SERVER_4, '911', '912']),
      // Nobody opens that one. Over IPv6 its knocks are none of the other.
      knock(client, ['--verify', 'tcp/23', SERVER_6, '902', '931']),
    ])
    expect([shut.code, shut.stderr]).toEqual([1, `knock: tcp ${SERVER_6}:23 is not open\n`])
    expect(again.code).toBe(0)
    expect(again.stdout.match(/:912$/gm)).toHaveLength(2)
  })
})

lab('standard output', () => {
  test('that nobody reads any more, or that is full, keeps no knock from being sent', async () => {
    const { server, client } = await pair()
    const wire = await watchWire(server, KNOCKS)
    const words = `${process.execPath} ${program('knock')} -v -d 200 ${SERVER_4}`
    const gone = await client.run(['bash', '-c', `set -o pipefail; ${words} 7001 7002 7003 | head -1`], {
      mayFail: true,
    })
    expect([gone.code, gone.stderr]).toEqual([0, ''])
    const full = await client.run(['bash', '-c', `${words} 7004 7005 >/dev/full`], { mayFail: true })
    expect([full.code, full.stderr]).toEqual([74, 'knock: cannot write to standard output: ENOSPC\n'])
    const seen = (await knocksUntil(wire, 7_005)).map((knocked) => knocked.replace(/.*\./, ''))
    expect(seen).toEqual(['7001', '7002', '7003', '7004', '7005'])
  })
})

test.each(['knock', 'knockd', 'postern'] as const)('%s has no stack trace for a full standard output', async (name) => {
  const command = `${process.execPath} ${program(name)} --help >/dev/full`
  const { stderr } = await run(['bash', '-c', command], { mayFail: true })
  expect(stderr).toMatch(/^(\w+: cannot write to standard output: ENOSPC\n)?$/)
})
