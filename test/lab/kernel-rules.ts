import { expect, test } from 'vitest'
import { runCommand } from '../../src/cli/command.ts'
import { KERNEL } from '../../src/postern/firewall/arguments.ts'
import type { KernelArguments } from '../../src/postern/firewall/arguments.ts'
import { kernel } from '../../src/postern/firewall/kernel.ts'
import { SLOW, sample, slowly } from '../slow.ts'
import { nft } from './firewall.ts'
import { REAL_KNOCK } from './knockd.ts'
import { CLIENT_4, SERVER_4, SERVER_6, lab, pair } from './net.ts'
import type { Host } from './net.ts'
import { until } from './process.ts'
import { writeConfig } from './scratch.ts'
import { canConnect, goesOn, probe, serveTcp, session } from './service.ts'

/** The number of random scans; none may open anything. */
const SCANS = SLOW ? 12 : 1
/** Ports of a scan, with those of all doors here: all ports of a host take much longer. */
const SCANNED = SLOW ? '-p-' : '-p1-10000'
/** Packets a second of a scan beside which others knock, so that it goes on for a while. */
const RATE = SLOW ? '20000' : '5000'
/** Milliseconds that these scans may take: on a busy machine nmap waits long. */
const SCANS_LIMIT_MS = 180_000
/** Seconds that telnet is held at each port where nothing answers: a SYN is sent again after one second. */
const HELD_S = '2.5'
/** Less than that: the SYN is sent once. */
const HELD_BRIEFLY_S = '0.8'

/** The ways in which the rules are loaded. */
export type Dialect = 'nft' | 'iptables' | 'iptables-legacy'

export const door = (name: string, sequence: string, more = ''): string =>
  `[${name}]\nSequence = ${sequence}\nSeq_Timeout = 15\nOpen_Ports = tcp/22\nOpen_For = 10m\n${more}\n`

/** Returns the output of `postern firewall kernel`, without a process for it. */
export async function printed(args: readonly string[]): Promise<string> {
  let [text, warnings] = ['', '']
  const output = { out: (part: string) => (text += part), err: (part: string) => (warnings += part) }
  const code = await runCommand(KERNEL, args, output, (asked: KernelArguments) => kernel(asked, output))
  expect(code, warnings).toBe(0)
  return text
}

/** Prints the rules for a config, and loads them on the host. */
async function guard(host: Host, dialect: Dialect, config: string, ...args: readonly string[]): Promise<void> {
  const file = writeConfig(config)
  const print = async (...more: readonly string[]): Promise<string> => await printed(['-c', file, ...args, ...more])
  if (dialect === 'nft') {
    await nft(host, await print('--format', 'nft'))
    return
  }
  const legacy = dialect === 'iptables-legacy' ? '-legacy' : ''
  for (const [family, tool] of [
    ['4', 'iptables'],
    ['6', 'ip6tables'],
  ] as const) {
    const input = await print('--format', 'iptables', '--family', family)
    await host.run([`${tool}${legacy}-restore`, '--noflush'], { input })
  }
}

/** The addresses for which a door is open or was, as the kernel has them. */
async function openFor(host: Host, dialect: Dialect, name: string): Promise<readonly string[]> {
  if (dialect === 'nft') {
    const { stdout } = await host.run(['nft', 'list', 'set', 'inet', 'postern_kernel', `open_${name}_4`])
    return [...stdout.matchAll(/([0-9.]+) expires/g)].map(([, address]) => address!)
  }
  const { stdout } = await host.run(['cat', `/proc/net/xt_recent/postern_open_${name}_4`])
  return [...stdout.matchAll(/^src=(\S+)/gm)].map(([, address]) => address!)
}

async function telnet(host: Host, address: string, ports: readonly string[], heldS = HELD_S): Promise<void> {
  for (const port of ports) await host.run(['timeout', heldS, 'telnet', address, port], { mayFail: true })
}

/** The tests of one dialect. */
export function kernelRules(dialect: Dialect): void {
  // iptables-legacy loads the text that iptables loads.
  const more = dialect === 'iptables-legacy' ? slowly : test
  // What depends on neither the marks nor the chains of a dialect.
  const rest = dialect === 'nft' ? test : slowly
  // Each is on a network of its own, and most of them wait.
  lab(dialect, { concurrent: true }, () => {
    test('telnet opens a door on IPv4 and IPv6; it closes by itself, and leaves connections alone', async () => {
      const { server, client } = await pair()
      await serveTcp(server, 22)
      await guard(server, dialect, door('ssh', '7301,8822,5401', 'Open_For = 3'))
      const opens = async (address: string): Promise<void> => {
        expect(await probe(client, address, 22)).toBe('refused')
        await telnet(client, address, ['7301', '8822', '5401'])
        expect(await probe(client, address, 22)).toBe('open')
        const talker = await session(client, address)
        await until('the door is closed again', async () => !(await canConnect(client, address, 22)))
        await goesOn(talker)
      }
      await Promise.all([SERVER_4, SERVER_6].map(opens))
    })

    rest('telnet at silent ports, held until its SYN is sent again', async () => {
      const { server, client } = await pair()
      await serveTcp(server, 22)
      await guard(server, dialect, `[options]\nHide_With = drop\n${door('ssh', '7301,8822,5401')}`)
      expect(await probe(client, SERVER_4, 22)).toBe('silent')
      await telnet(client, SERVER_4, ['7301', '8822', '5401'])
      expect(await probe(client, SERVER_4, 22)).toBe('open')
    })

    test('nc and hping3 open doors with UDP knocks among others', async () => {
      const { server, client } = await pair()
      await serveTcp(server, 22)
      await guard(server, dialect, door('ssh', '7301,8822:udp,5401,5401:udp'))
      const knocks = async (address: string): Promise<void> => {
        await client.run(['nc', '-w1', address, '7301'], { mayFail: true })
        await client.run(['nc', '-u', '-w1', address, '8822'], { mayFail: true, input: 'x' })
        await client.run(['nc', '-w1', address, '5401'], { mayFail: true })
      }
      await knocks(SERVER_4)
      expect(await probe(client, SERVER_4, 22)).toBe('refused')
      await knocks(SERVER_4)
      await client.run(['hping3', '-2', '-c', '1', '-p', '5401', SERVER_4], { mayFail: true })
      expect(await probe(client, SERVER_4, 22)).toBe('open')
      expect(await probe(client, SERVER_6, 22)).toBe('refused')
      await knocks(SERVER_6)
      await client.run(['nc', '-u', '-w1', SERVER_6, '5401'], { mayFail: true, input: 'x' })
      expect(await probe(client, SERVER_6, 22)).toBe('open')
    })

    const wrongs = ['7301 5401 8822', '5401 8822 7301', '7301 8822 1111 5401', '7301 8822 8822:udp 5401', '8822 5401']
    more.each(sample(wrongs, (_, index) => dialect === 'nft' || index % 3 === 0))(
      'knocks %s do not open, the right ones do',
      async (wrong) => {
        const { server, client } = await pair()
        await serveTcp(server, 22)
        await guard(server, dialect, door('ssh', '7301,8822,5401'))
        for (const address of [SERVER_4, SERVER_6]) {
          await client.run([REAL_KNOCK, address, ...wrong.split(' ')])
          expect(await probe(client, address, 22)).toBe('refused')
          await client.run([REAL_KNOCK, address, '7301', '8822', '5401'])
          expect(await probe(client, address, 22)).toBe('open')
        }
      },
    )

    more('the time limit is for all knocks together', async () => {
      const { server, client } = await pair()
      await serveTcp(server, 22)
      const config = door('ssh', '7301,8822,5401,6602').replace('= 15', '= 2')
      await guard(server, dialect, `[options]\nHide_With = drop\n${config}`)
      await telnet(client, SERVER_4, ['7301', '8822', '5401', '6602'], HELD_BRIEFLY_S)
      expect(await probe(client, SERVER_4, 22)).toBe('silent')
      await client.run([REAL_KNOCK, SERVER_4, '7301', '8822', '5401', '6602'])
      expect(await probe(client, SERVER_4, 22)).toBe('open')
    })

    rest(
      'nmap at random opens nothing without the scan guard either',
      async () => {
        const { server, client } = await pair()
        await serveTcp(server, 22)
        await guard(server, dialect, `[options]\nScan_Ports = 0\n${door('far', '7000,8000,9000')}`)
        const scan = `nmap -n -Pn -sS ${SCANNED} --min-rate 20000 --max-retries 0`.split(' ')
        for (let count = 1; count <= SCANS; count++) {
          expect((await client.run([...scan, SERVER_4], { limitMs: SCANS_LIMIT_MS })).stdout).toMatch(
            /Nmap done: 1 IP address \(1 host up\)/,
          )
          expect(await openFor(server, dialect, 'far')).toEqual([])
        }
        await client.run([REAL_KNOCK, SERVER_4, '7000', '8000', '9000'])
        expect(await openFor(server, dialect, 'far')).toEqual([CLIENT_4])
      },
      SCANS_LIMIT_MS,
    )

    test.each([
      ['in order', ['-r']],
      ['at random', []],
    ])(
      'nmap %s opens nothing, and an honest knock in between does',
      async (_, order) => {
        const { server, client } = await pair()
        await serveTcp(server, 22)
        const doors = [door('far', '7000,8000,9000'), door('near', '5101,5102,5103'), door('back', '9000,5102,100')]
        await guard(server, dialect, doors.join(''))
        // The order of the ports does not change, so neither does what one scan shows.
        const scans = order.includes('-r') ? 1 : SCANS
        for (let scan = 1; scan <= scans; scan++) {
          const scanner = `192.0.2.${10 + scan}`
          await client.ip(`addr add ${scanner}/24 dev eth0`)
          const words = `-n -Pn -sS ${SCANNED} --min-rate ${RATE} --max-rate ${RATE} --max-retries 0`.split(' ')
          const under = client.start(['nmap', ...words, '-S', scanner, '-e', 'eth0', ...order, SERVER_4])
          await until('the scanner is ignored', async () => (await ignoredBy(server, dialect)).includes(scanner))
          await client.run([REAL_KNOCK, SERVER_4, '7000', '8000', '9000'])
          expect(await openFor(server, dialect, 'far')).toEqual([CLIENT_4])
          expect((await under.ended).code).toBe(0)
          expect(under.stdout).toMatch(/Nmap done: 1 IP address \(1 host up\)/)
          expect(await probe(client, SERVER_4, 22)).toBe('open')
          const { code } = await client.run(['nc', '-s', scanner, '-z', SERVER_4, '22'], { mayFail: true })
          expect(code).toBe(1)
        }
        expect(await openFor(server, dialect, 'far')).toEqual([CLIENT_4])
        expect(await openFor(server, dialect, 'near')).toEqual([])
        expect(await openFor(server, dialect, 'back')).toEqual([])
      },
      SCANS_LIMIT_MS,
    )

    test('a scan of UDP ports is one too; whoever scanned is ignored for a while, and not for good', async () => {
      const { server, client } = await pair()
      await serveTcp(server, 22)
      const config = `[options]\nScan_Ignore = 4\n${door('ssh', '7301,8822')}`
      await guard(server, dialect, config)
      await client.run([REAL_KNOCK, SERVER_4, '1:udp', '2:udp', '3', '4:udp', '4:udp', '4:udp'])
      expect(await ignoredBy(server, dialect)).toEqual([])
      // The port that is hidden is the fifth.
      expect(await probe(client, SERVER_4, 22)).toBe('refused')
      expect(await ignoredBy(server, dialect)).toEqual([CLIENT_4])
      await client.run([REAL_KNOCK, SERVER_4, '7301', '8822'])
      expect(await probe(client, SERVER_4, 22)).toBe('refused')
      await until('it is heard again', async () => {
        await client.run([REAL_KNOCK, SERVER_4, '7301', '8822'])
        return await canConnect(client, SERVER_4, 22)
      })
    })

    more('what is hidden looks as what is closed', async () => {
      const { server, client } = await pair()
      await serveTcp(server, 22)
      await guard(server, dialect, door('ssh', '7301,8822', 'Open_Ports = udp/53'))
      server.start(['nc', '-u', '-l', '53'])
      await server.sysctl('net.ipv4.icmp_ratelimit', '0')
      for (const kind of ['-sS', '-sA', '-sF', '-sN', '-sU']) {
        const ports = kind === '-sU' ? '53,54' : '22,23'
        const words = ['-n', '-Pn', '--reason', '-S', CLIENT_4, '-e', 'eth0', kind, '-p', ports, SERVER_4]
        const { stdout } = await client.run(['nmap', ...words])
        const looks = [...stdout.matchAll(/^\d+\/(?:tcp|udp)\s+(\S+)\s+\S+\s+(.*)$/gm)].map(([, state, why]) => [
          state,
          why,
        ])
        expect(looks).toHaveLength(2)
        expect(looks[0]).toEqual(looks[1])
        expect(looks[0]![0]).toBe(kind === '-sA' ? 'unfiltered' : 'closed')
      }
    })

    more('an ACK first does not let the SYN after it through', async () => {
      const { server, client } = await pair()
      await serveTcp(server, 22)
      await guard(server, dialect, door('ssh', '7301,8822'))
      const sent = (flags: string): Promise<unknown> =>
        client.run(['hping3', flags, '-c', '2', '-i', 'u1000', '-s', '40001', '-k', '-p', '22', SERVER_4], {
          mayFail: true,
        })
      await sent('-A')
      const { code } = await client.run(['nc', '-w1', '-p', '40001', '-z', SERVER_4, '22'], { mayFail: true })
      expect(code).toBe(1)
      await sent('-FA')
      await sent('-A')
      const again = await client.run(['hping3', '-S', '-c', '1', '-s', '40001', '-k', '-p', '22', SERVER_4], {
        mayFail: true,
      })
      expect(again.stdout).toMatch(/flags=RA/)
    })

    rest('connections that were there before the rules go on', async () => {
      const { server, client } = await pair()
      await serveTcp(server, 22)
      const talkers = [await session(client, SERVER_4), await session(client, SERVER_6)]
      await guard(server, dialect, door('ssh', '7301,8822'))
      for (const talker of talkers) await goesOn(talker)
      for (const address of [SERVER_4, SERVER_6]) expect(await probe(client, address, 22)).toBe('refused')
    })

    more('ping, what is for everybody, who need not knock, and who may', async () => {
      const { server, client } = await pair()
      for (const port of [22, 80, 5432]) await serveTcp(server, port)
      await client.ip('addr add 192.0.2.7/24 dev eth0')
      await client.ip('addr add 192.0.2.9/24 dev eth0')
      const config = [
        '[options]\nAlways_Allow = 192.0.2.7, 2001:db8:7::/48\nGuard = tcp/5432\n',
        door('ssh', '7301,80,8822', 'Allow_From = 192.0.2.2/31, 2001:db8::/32\nWiden = /31'),
      ].join('')
      await guard(server, dialect, config, '--allow', 'tcp/80,udp/53')
      for (const address of [SERVER_4, SERVER_6]) {
        const six = address === SERVER_6 ? ['-6'] : []
        const ping = ['nmap', ...six, '-n', '-sn', '-PE', '--disable-arp-ping', '--reason', address]
        expect((await client.run(ping)).stdout).toMatch(/Host is up, received echo-reply/)
        for (const port of [80, 80, 80]) expect(await probe(client, address, port)).toBe('open')
      }
      const reach = async (source: string, port: string): Promise<number | null> =>
        (await client.run(['nc', '-w1', '-s', source, '-z', SERVER_4, port], { mayFail: true })).code
      for (const port of ['22', '5432']) {
        expect(await reach('192.0.2.7', port)).toBe(0)
        expect(await reach('192.0.2.9', port)).toBe(1)
        expect(await reach(CLIENT_4, port)).toBe(1)
      }
      for (const source of ['192.0.2.9', CLIENT_4]) {
        for (const port of ['7301', '80', '8822']) await reach(source, port)
      }
      expect(await reach('192.0.2.9', '22')).toBe(1)
      expect(await reach(CLIENT_4, '22')).toBe(0)
      await client.ip('addr add 192.0.2.3/24 dev eth0')
      expect(await reach('192.0.2.3', '22')).toBe(0)
      expect(await reach('192.0.2.3', '5432')).toBe(1)
      await client.run([REAL_KNOCK, SERVER_6, '7301', '80', '8822'])
      expect(await probe(client, SERVER_6, 22)).toBe('open')
    })

    test('doors that begin alike, and flags that a door asks for', async () => {
      const { server, client } = await pair()
      for (const port of [22, 23, 24]) await serveTcp(server, port)
      const doors = ['7301,8822,5401', '7301,5401,8822', '6001,6002'].map((sequence, index) =>
        door(
          `d${index}`,
          sequence,
          `Open_Ports = tcp/${22 + index}${index === 2 ? '\nTCPFlags = fin,!syn' : ''}`,
        ).replace('Open_Ports = tcp/22\n', ''),
      )
      await guard(server, dialect, doors.join(''))
      const looks = async (): Promise<readonly string[]> =>
        Promise.all([22, 23, 24].map((port) => probe(client, SERVER_4, port)))
      await client.run([REAL_KNOCK, SERVER_4, '7301', '5401', '8822', '6001', '6002'])
      expect(await looks()).toEqual(['refused', 'open', 'refused'])
      for (const port of ['6001', '6002']) {
        await client.run(['hping3', '-F', '-c', '1', '-p', port, SERVER_4], { mayFail: true })
      }
      expect(await looks()).toEqual(['refused', 'open', 'open'])
      await client.run([REAL_KNOCK, SERVER_4, '7301', '8822', '5401'])
      expect(await looks()).toEqual(['open', 'open', 'open'])
    })
  })
}

async function ignoredBy(host: Host, dialect: Dialect): Promise<readonly string[]> {
  if (dialect === 'nft') {
    const { stdout } = await host.run(['nft', 'list', 'set', 'inet', 'postern_kernel', 'ignored_4'])
    return [...stdout.matchAll(/([0-9.]+) expires/g)].map(([, address]) => address!)
  }
  const { stdout } = await host.run(['cat', '/proc/net/xt_recent/postern_ignored_4'])
  return [...stdout.matchAll(/^src=(\S+)/gm)].map(([, address]) => address!)
}
