// Goal: a guarded port looks exactly as a closed one does on the same host, whatever that host's own rules are: to every
// scan of nmap, to its version and OS detection, to the byte on the wire, and at the same rate. What is compared is always
// two worlds: one with a service behind the guard, one with neither service nor guard.
import { writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { SLOW, sample } from '../slow.ts'
import { SERVER_4, SERVER_6, lab, pair } from './net.ts'
import type { Host } from './net.ts'
import { startKnockd, withStateDir } from './knockd.ts'
import type { Knockd } from './knockd.ts'
import { until } from './process.ts'
import { probe, serveTcp, watchWire } from './service.ts'

const TCP_PORT = 2222
const UDP_PORT = 5353
/** Open to everybody, in both worlds: nmap's OS detection wants an open port beside a closed one. */
const WEB_PORT = 80
/** Datagrams sent at once to see how many of them are answered. */
const BURST = 60
/** Milliseconds in which answers to a burst may still come in. */
const ANSWERS_MS = 1_500

/** The kernel's own limits on ICMP errors, which would make two runs of many probes differ (icmp(7)). */
const ICMP_LIMITS = ['net.ipv4.icmp_ratelimit', 'net.ipv6.icmp.ratelimit']

const CONFIG = (how: string): string => `[options]
Hide_With = ${how}
[ssh]
Sequence = 7301,8822,9401
Open_Ports = tcp/${TCP_PORT}, udp/${UDP_PORT}
Open_For = 5s
`

/** What hosts do with ports that nothing is to reach: [name, rules for each of iptables and ip6tables]. */
const POLICIES: readonly (readonly [string, readonly string[]])[] = [
  ['no rules', []],
  ['everything else dropped', ['-P INPUT DROP']],
  ['everything else answered with a reset', ['-A INPUT -p tcp -j REJECT --reject-with tcp-reset']],
  ['everything else refused by ICMP', ['-A INPUT -j REJECT']],
  ['everything else prohibited by ICMP', ['-A INPUT -j REJECT --reject-with PROHIBITED']],
]

/** A host with a web server, its own rules, and behind the guard a service; or with nothing there at all. */
async function world(
  rules: readonly string[],
  guarded: boolean,
  how = 'match',
  limited = false,
): Promise<Record<'server' | 'client', Host> & { readonly daemon?: Knockd }> {
  const hosts = await pair()
  const { server } = hosts
  await serveTcp(server, WEB_PORT)
  if (!limited) await Promise.all(ICMP_LIMITS.map(async (name) => await server.sysctl(name, 0)))
  const lines = ['iptables', 'ip6tables'].flatMap((iptables) => {
    const prohibited = iptables === 'iptables' ? 'icmp-host-prohibited' : 'icmp6-adm-prohibited'
    return [
      '-A INPUT -i lo -j ACCEPT',
      '-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT',
      `-A INPUT -p ${iptables === 'iptables' ? 'icmp' : 'ipv6-icmp'} -j ACCEPT`,
      `-A INPUT -p tcp --dport ${WEB_PORT} -j ACCEPT`,
      ...(guarded ? [`-A INPUT -p tcp --dport ${TCP_PORT} -j ACCEPT`] : []),
      ...(guarded ? [`-A INPUT -p udp --dport ${UDP_PORT} -j ACCEPT`] : []),
      ...rules.map((rule) => rule.replace('PROHIBITED', prohibited)),
    ].map((rule) => `${iptables} ${rule}`)
  })
  await server.run(['sh', '-ec', lines.join('\n')])
  if (guarded) {
    await serveTcp(server, TCP_PORT)
    const udp = server.start(['nc', '-u', '-l', '-k', '-p', String(UDP_PORT)])
    expect(udp.pid).toBeGreaterThan(0)
    return { ...hosts, daemon: await startKnockd({ host: server, config: CONFIG(how) }) }
  }
  return hosts
}

/** nmap's word on each port, with the reason it gives: `2222/tcp closed reset ttl 64`. */
async function scan(from: Host, ...words: readonly string[]): Promise<readonly string[]> {
  const argv = ['nmap', '-n', '-Pn', '--reason', '--max-retries', '2', '--host-timeout', '40s', ...words]
  const { stdout } = await from.run(argv, { limitMs: 50_000 })
  return stdout
    .split('\n')
    .filter((line) => /^\d+\/(tcp|udp) /.test(line))
    .map((line) => line.replaceAll(/ +/g, ' '))
}

/**
 * What comes back to one packet of hping3, header by header, without what differs from packet to packet anyway:
 * checksums, IP identification, times.
 */
async function answers(client: Host, ...words: readonly string[]): Promise<readonly string[]> {
  const wire = client.start([
    'tcpdump',
    '-l',
    '-nn',
    '-t',
    '-v',
    '-c',
    '1',
    '--immediate-mode',
    '-Z',
    'root',
    '-i',
    'eth0',
    `src ${SERVER_4} and (tcp or icmp)`,
  ])
  await wire.line(/listening on/)
  await client.run(['hping3', '-q', '-c', '1', '-s', '5000', '-M', '1000', ...words, SERVER_4], { mayFail: true })
  await wire.stop()
  return wire.lines
    .filter((line) => /^(IP |\s+[0-9a-f.:]+ )/.test(line))
    .map((line) => line.trim().replaceAll(/id \d+|cksum 0x[0-9a-f]+ \([^)]*\)/g, ''))
}

/** nmap's fingerprint of the host, as far as it rests on ports that are closed. */
async function fingerprint({ client }: { readonly client: Host }): Promise<readonly string[]> {
  const words = ['-O', '-d', '-sSU', '-p', `T:${WEB_PORT},${TCP_PORT},U:${UDP_PORT}`, '--max-os-tries', '1']
  const { stdout } = await client.run(['nmap', '-n', '-Pn', ...words, SERVER_4], { limitMs: 50_000 })
  const joined = stdout.replaceAll('\nOS:', '')
  // The tests that go to a closed port: T5 to T7 over TCP, U1 over UDP, and the echo requests (nmap book, chapter 8).
  return [...joined.matchAll(/(?:T[567]|U1|IE)\([^)]*\)/g)].map(([found]) => found)
}

lab('hidden means hidden', { concurrent: true }, () => {
  // Without SLOW nothing, silence, and an answer.
  describe.each(sample(POLICIES, ([name]) => /^no|dropped|prohibited/.test(name)))('%s', (_name, rules) => {
    test('every scan of nmap, what comes back on the wire, and OS detection', async () => {
      const [guarded, plain] = [await world(rules, true), await world(rules, false)]
      const both = `${TCP_PORT},${WEB_PORT}`
      const scans = [
        // Without SLOW all kinds and versions where there are no rules, and beside rules one with SYN and one without.
        ...['-sT', '-sF', '-sN', '-sX', '-sA', '-sM', '-sW']
          .filter((kind) => SLOW || rules.length === 0 || kind === '-sA')
          .map((kind) => [kind, '-p', both]),
        ['-sSU', '-p', `T:${both},U:${UDP_PORT}`],
        // Where nothing answers, nmap would try every version of UDP it knows for a minute, in both worlds.
        rules.includes('-P INPUT DROP')
          ? ['-sV', '-p', String(TCP_PORT)]
          : ['-sSUV', '-p', `T:${TCP_PORT},U:${UDP_PORT}`],
      ].filter(([kind]) => SLOW || rules.length === 0 || !kind!.endsWith('V'))
      const alike = async (
        see: (client: Host) => Promise<readonly string[]>,
        what: string,
      ): Promise<readonly string[]> => {
        const [ours, theirs] = await Promise.all([see(guarded.client), see(plain.client)])
        expect(ours, what).toEqual(theirs)
        return theirs
      }
      for (const words of scans) {
        const seen = await alike(async (client) => scan(client, ...words, SERVER_4), words[0]!)
        expect(seen).toHaveLength(words.at(-1)!.split(',').length)
      }
      for (const words of [
        ['-sSU', '-p', `T:${both},U:${UDP_PORT}`],
        ['-sF', '-p', both],
      ]) {
        await alike(async (client) => scan(client, '-6', ...words, SERVER_6), `${words[0]} over IPv6`)
      }
      const packets = [
        ['-S', '-p', String(TCP_PORT)],
        ['-S', '-p', String(TCP_PORT), '-w', '1', '-d', '10'],
        ['-2', '-p', String(UDP_PORT)],
      ]
      for (const words of packets) await alike(async (client) => answers(client, ...words), words.join(' '))
      // OS detection makes the same fingerprint of a guarded port as of a closed one.
      if (rules.length > 0) return
      const seen = await fingerprint(plain)
      expect(seen).toHaveLength(5)
      expect(await fingerprint(guarded)).toEqual(seen)
    })
  })

  test('and other ways to hide do what they are called', async () => {
    const { client, daemon } = await world([], true, 'reset')
    expect(await scan(client, '-sS', '-p', String(TCP_PORT), SERVER_4)).toEqual([
      `${TCP_PORT}/tcp closed EtherNetIP-1 reset ttl 64`,
    ])
    writeFileSync(daemon!.file, withStateDir(CONFIG('drop'), daemon!.stateDir))
    daemon!.process.kill('SIGHUP')
    await until('silence', async () => (await probe(client, SERVER_4, TCP_PORT)) === 'silent')
  })
})

// By itself: kernels may limit what all namespaces send together.
lab('hidden means hidden', () => {
  test('answers come at the rate of the kernel', async () => {
    const counts = []
    for (const guarded of [true, false]) {
      const { client } = await world([], guarded, 'match', true)
      const wire = await watchWire(client, `src ${SERVER_4} and icmp`)
      const words = ['-q', '-2', '-i', 'u500', '-c', String(BURST), '-p', String(UDP_PORT), '-k', '-s', '5000']
      await client.run(['hping3', ...words, SERVER_4], { mayFail: true, limitMs: ANSWERS_MS + 10_000 })
      await wire.stop()
      counts.push(wire.count(/udp port \d+ unreachable/))
    }
    const [behindGuard, closed] = counts
    expect(closed).toBeGreaterThan(1)
    expect(closed).toBeLessThan(BURST)
    // A token of the kernel's bucket more or less, as the moment has it.
    expect(Math.abs(behindGuard! - closed!)).toBeLessThanOrEqual(1)
  })
})
