// Goal: what a rehearsal finds is put down to its cause, on a real firewall, and what it prints to type helps. Rehearsals
// mostly wait, so those on different machines run at the same time.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { SLOW } from '../slow.ts'
import { CONTAINER_4, docker } from './docker.ts'
import { startKnockd } from './knockd.ts'
import { CLIENT_4, Host, SERVER_4, lab, link } from './net.ts'
import { until } from './process.ts'
import { DROP_ALL, Diagnosed, configOf, foundIn, opening } from './diagnosed.ts'
import { LIMIT_MS, RULE, once } from './rehearsed.ts'
import { sendKnocks } from './service.ts'

/** Packets of tcp/22 are not tracked by iptables, those of tcp/23 by nftables; tcp/25 is shut by nftables alone. */
const RULES = [
  ...DROP_ALL,
  'iptables -t raw -A PREROUTING -p tcp --dport 22 -j NOTRACK',
  'iptables -t raw -A OUTPUT -p tcp --sport 22 -j NOTRACK',
  "nft 'add table ip t; add chain ip t p { type filter hook prerouting priority raw; }; add rule ip t p tcp dport { 23, 2222 } notrack; add chain ip t o { type filter hook output priority raw; }; add rule ip t o tcp sport { 23, 2222 } notrack'",
  'iptables -A INPUT -p tcp -m multiport --dports 23,25 -j ACCEPT',
  "nft 'add table inet f; add chain inet f in { type filter hook input priority 0; }; add rule inet f in ct state established,related accept; add rule inet f in tcp dport 25 drop'",
]
const BY_HANDLE = 'ip saddr %IP% tcp dport 25 accept'
const DOORS = configOf({
  command: [`Start_Command = iptables -I INPUT ${RULE}`, `Stop_Command = iptables -D INPUT ${RULE}`],
  native: ['Open_Ports = tcp/23'],
  nft: [
    `Start_Command = nft insert rule inet f in ${BY_HANDLE}`,
    `Stop_Command = nft delete rule inet f in ${BY_HANDLE}`,
    'Start_Command_6 =',
  ],
})
  .replace('Cmd_Timeout = 1', 'Cmd_Timeout = 4')
  .replace('Cmd_Timeout = 1', 'Cmd_Timeout = 4')

/** A rehearsal while openings of the machine's own daemon end. */
const rehearsed = once(async () => {
  const machine = await Diagnosed.make()
  await machine.rules(...RULES)
  const daemon = await startKnockd({ host: machine.host, config: DOORS })
  const ruleset = async (): Promise<string> => (await machine.host.run(['nft', 'list', 'ruleset'])).stdout
  try {
    for (const first of ['7301', '7302']) await sendKnocks(machine.neighbour, SERVER_4, [first, '8822:udp', '6103'])
    await daemon.process.line(/command: OPEN SESAME/)
    await until('both are open', async () => (await ruleset()).split(CLIENT_4).length > 2)
    const document = await machine.rehearseFile(daemon.file)
    return { document, found: foundIn(readFileSync(daemon.file, 'utf8'), document), after: await ruleset() }
  } finally {
    await daemon.process.stop()
  }
})

const dies = (rule: string): string =>
  `a session dies at the deadline: ${rule} keeps its packets from being tracked, so no rule knows it as established`

lab('a session that dies when its door shuts', { concurrent: true }, () => {
  test(
    'because its packets are not tracked, by iptables or by nftables, whoever opens the door',
    async () => {
      const { found } = await rehearsed()
      const rule = '`-A PREROUTING -p tcp -m tcp --dport 22 -j NOTRACK` in chain PREROUTING of iptables'
      expect(found['command']).toEqual([
        `6:16 ${dies(rule)} | remove the rule that keeps tcp/22 from being tracked, in both directions`,
      ])
      expect(found['native']).toEqual([
        expect.stringContaining(dies('`tcp dport { 23, 2222 } notrack` in chain p of table ip t')),
      ])
    },
    LIMIT_MS,
  )
})

lab("this machine's own rules", { concurrent: true }, () => {
  test(
    'are what they were, though openings of its daemon ended meanwhile',
    async () => {
      const { document, after } = await rehearsed()
      expect(document.machine).toEqual({ unchanged: true })
      expect(after).not.toContain(CLIENT_4)
    },
    LIMIT_MS,
  )
})

lab('a stop command', { concurrent: true }, () => {
  test(
    'of nft that names a rule: it is told how nft takes something away',
    async () => {
      const { nft = [] } = (await rehearsed()).found
      expect(nft).toHaveLength(1)
      expect(nft[0]).toContain(`\`${BY_HANDLE}\` stays in table inet f`)
      expect(nft[0]).toMatch(/ \| let the start command add a set element, .* a rule is deleted by its handle alone$/)
      expect(nft[0]).not.toContain('-D')
    },
    LIMIT_MS,
  )

  test(
    "of ufw is not blamed for ufw's own rules, which ufw loads anew",
    async () => {
      const machine = await Diagnosed.make()
      const door = configOf({
        ssh: [
          'Start_Command = ufw allow from %IP% to any port 22 proto tcp',
          'Stop_Command = ufw delete allow from %IP% to any port 22 proto tcp',
        ],
      }).replace('Cmd_Timeout = 1', 'Cmd_Timeout = 4') // ufw takes long on a busy machine.
      const { findings, doors } = await machine.rehearse(door, ['unshare', '--mount', 'sh', '-c', OWN_UFW, 'ufw'])
      expect(findings).toEqual([])
      expect(doors[0]!.tried[0]!.checks).toMatchObject({
        opens: 'yes',
        survives: 'yes',
        closes: 'yes',
        restores: 'yes',
      })
    },
    LIMIT_MS,
  )
})

/** ufw with files of its own, switched on, and then a program. */
const OWN_UFW = `set -e
mount -t tmpfs tmpfs /run
mkdir -p /run/upper /run/work
mount -t overlay -o lowerdir=/etc,upperdir=/run/upper,workdir=/run/work overlay /etc
if [ -d /var/lib/ufw ]; then mount -t tmpfs tmpfs /var/lib/ufw; fi
ufw --force enable >&2
exec "$@"
`

const user = (rule: string): readonly string[] =>
  ['Start_Command = iptables -I', 'Stop_Command = iptables -D'].map(
    (begin) => `${begin} DOCKER-USER -s %IP% -p tcp ${rule} -j ACCEPT`,
  )

const input = (port: number): string => `iptables -I INPUT -s %IP% -p tcp --dport ${port} -j ACCEPT`
const dnat = (port: number): string =>
  `\`-A DOCKER ! -i docker0 -p tcp -m tcp --dport ${port} -j DNAT --to-destination 172.17.0.2:80\``

lab('a port that a container publishes', { concurrent: true }, () => {
  test(
    'is open before the knock where it is, and opens as it does on the machine',
    async () => {
      const machine = await Diagnosed.make()
      const container = await Host.make('container')
      await link(
        { host: machine.host, device: 'docker0', addresses: ['172.17.0.1/16'] },
        { host: container, addresses: ['172.17.0.2/16'] },
      )
      await machine.host.sysctl('net.ipv4.ip_forward', 1)
      await machine.host.run(['iptables-restore'], { input: docker('172.17.0.0/16', CONTAINER_4, '127.0.0.0/8') })
      // The port that is hidden in Docker's own chain is 8080; 8081 is reached by everybody.
      const hide = [
        'iptables -I DOCKER-USER -i eth0 -p tcp -m conntrack --ctorigdstport 8080 -j DROP',
        'iptables -I DOCKER-USER -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT',
      ]
      for (const command of hide) await machine.host.run(command.split(' '))
      const all = await machine.found({
        open: opening(input(8081)),
        input: opening(input(8080)),
        container: user('--dport 80'),
        original: user('-m conntrack --ctorigdstport 8080'),
        host: user('--dport 8080'),
      })
      expect(all['open']).toEqual([
        `1:1 tcp/8081 is open to everyone without any knock: ${dnat(8081)} forwards its packets to 172.17.0.2:80, and chain INPUT never sees them | let the guard hide and open it, ahead of that rule: \`Open_Ports = tcp/8081\` in place of the commands`,
      ])
      expect(all['input']![0]).toMatch(
        /they do not pass chain INPUT of iptables, but chain DOCKER-USER of iptables, .* \| let the door insert its rule into chain DOCKER-USER/,
      )
      expect(all['container']).toEqual([])
      expect(all['original']).toEqual([])
      expect(all['host']).toEqual([
        `5:56 tcp/8080 stays shut: \`--dport 8080\` matches no packet here: ${dnat(8080)} has changed the port to 80 | write \`--dport 80\`, or \`-m conntrack --ctorigdstport 8080\``,
      ])
      // guard-forwarded.test.ts has it on the machine itself.
      if (SLOW) {
        const advised = await machine.rehearse(configOf({ web: ['Open_Ports = tcp/8081'] }))
        expect(advised.findings).toEqual([])
        expect(advised.doors[0]!.tried[0]!.checks).toMatchObject({
          closedBefore: 'yes',
          opens: 'yes',
          survives: 'yes',
        })
      }
    },
    LIMIT_MS,
  )
})
