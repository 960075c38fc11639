// Goal: what a rehearsal finds is put down to its cause, on a real firewall, and what it prints to type helps.
import { expect, test } from 'vitest'
import { CONTAINER_4, docker } from './docker.ts'
import { program, startKnockd } from './knockd.ts'
import { CLIENT_4, Host, SERVER_4, lab, link } from './net.ts'
import { until } from './process.ts'
import { DROP_ALL, configOf, diagnosed, opening } from './diagnosed.ts'
import { LIMIT_MS, RULE, RUN_LIMIT_MS } from './rehearsed.ts'
import type { Document } from './rehearsed.ts'
import { sendKnocks } from './service.ts'

const machine = diagnosed()

lab('a session that dies when its door shuts', () => {
  const untracked = [
    'iptables -t raw -A PREROUTING -p tcp --dport 22 -j NOTRACK',
    'iptables -t raw -A OUTPUT -p tcp --sport 22 -j NOTRACK',
  ]

  test(
    'because its packets are not tracked, by iptables or by nftables, whoever opens the door',
    async () => {
      const doors = {
        command: [`Start_Command = iptables -I INPUT ${RULE}`, `Stop_Command = iptables -D INPUT ${RULE}`],
      }
      const native = configOf({ native: ['Open_Ports = tcp/22'] }).replace('Cmd_Timeout = 1\n', 'Open_For = 1\n')
      await machine.rules(...DROP_ALL, ...untracked)
      const rule = '`-A PREROUTING -p tcp -m tcp --dport 22 -j NOTRACK` in chain PREROUTING of iptables'
      const message = `a session dies at the deadline: ${rule} keeps its packets from being tracked, so no rule knows it as established`
      expect(await machine.found(doors)).toEqual({
        command: [`6:16 ${message} | remove the rule that keeps tcp/22 from being tracked, in both directions`],
      })
      await machine.rules(
        "nft 'add table ip t; add chain ip t p { type filter hook prerouting priority raw; }; add rule ip t p tcp dport { 22, 2222 } notrack; add chain ip t o { type filter hook output priority raw; }; add rule ip t o tcp sport { 22, 2222 } notrack'",
      )
      const { findings } = await machine.rehearse(native)
      expect(findings.map((each) => each.message)).toEqual([
        message.replace(rule, '`tcp dport { 22, 2222 } notrack` in chain p of table ip t'),
      ])
    },
    LIMIT_MS,
  )
})

lab('a stop command', () => {
  test(
    'of nft that names a rule: it is told how nft takes something away',
    async () => {
      await machine.rules(
        "nft 'add table inet f; add chain inet f in { type filter hook input priority 0; }; add rule inet f in ct state established,related accept; add rule inet f in tcp dport 22 drop'",
      )
      const rule = 'ip saddr %IP% tcp dport 22 accept'
      const { ssh = [] } = await machine.found({
        ssh: [
          `Start_Command = nft insert rule inet f in ${rule}`,
          `Stop_Command = nft delete rule inet f in ${rule}`,
          'Start_Command_6 =',
        ],
      })
      expect(ssh).toHaveLength(1)
      expect(ssh[0]).toContain(`\`${rule}\` stays in table inet f`)
      expect(ssh[0]).toMatch(/ \| let the start command add a set element, .* a rule is deleted by its handle alone$/)
      expect(ssh[0]).not.toContain('-D')
    },
    LIMIT_MS,
  )

  test(
    "of ufw is not blamed for ufw's own rules, which ufw loads anew",
    async () => {
      await machine.rules()
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

lab('a port that a container publishes', () => {
  test(
    'is open before the knock where it is, and opens as it does on the machine',
    async () => {
      const container = await Host.make('container')
      await link(
        { host: machine.host, device: 'docker0', addresses: ['172.17.0.1/16'] },
        { host: container, addresses: ['172.17.0.2/16'] },
      )
      await machine.host.sysctl('net.ipv4.ip_forward', 1)
      try {
        await machine.rules()
        await machine.host.run(['iptables-restore'], { input: docker('172.17.0.0/16', CONTAINER_4, '127.0.0.0/8') })
        const input = opening('iptables -I INPUT -s %IP% -p tcp --dport 8080 -j ACCEPT')
        const dnat = '`-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80`'
        expect(await machine.found({ input })).toEqual({
          input: [
            `1:1 tcp/8080 is open to everyone without any knock: ${dnat} forwards its packets to 172.17.0.2:80, and chain INPUT never sees them | let the guard hide and open it, ahead of that rule: \`Open_Ports = tcp/8080\` in place of the commands`,
          ],
        })
        // What is advised works.
        const native = configOf({ web: ['Open_Ports = tcp/8080'] }).replace('Cmd_Timeout = 1\n', 'Open_For = 1\n')
        const advised = await machine.rehearse(native)
        expect(advised.findings).toEqual([])
        expect(advised.doors[0]!.tried[0]!.checks).toMatchObject({ closedBefore: 'yes', opens: 'yes', survives: 'yes' })
        // Hidden in Docker's own chain for that.
        const hide = [
          'iptables -I DOCKER-USER -i eth0 -p tcp --dport 80 -j DROP',
          'iptables -I DOCKER-USER -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT',
        ]
        for (const command of hide) await machine.host.run(command.split(' '))
        const all = await machine.found({
          input,
          container: user('--dport 80'),
          original: user('-m conntrack --ctorigdstport 8080'),
          host: user('--dport 8080'),
        })
        expect(all['input']![0]).toMatch(
          /they do not pass chain INPUT of iptables, but chain DOCKER-USER of iptables, .* \| let the door insert its rule into chain DOCKER-USER/,
        )
        expect(all['container']).toEqual([])
        expect(all['original']).toEqual([])
        expect(all['host']).toEqual([
          `5:56 tcp/8080 stays shut: \`--dport 8080\` matches no packet here: ${dnat} has changed the port to 80 | write \`--dport 80\`, or \`-m conntrack --ctorigdstport 8080\``,
        ])
      } finally {
        await machine.host.ip('link del docker0')
        await machine.host.sysctl('net.ipv4.ip_forward', 0)
      }
    },
    LIMIT_MS,
  )
})

lab("this machine's own rules", () => {
  test(
    'are what they were, though openings of its daemon ended meanwhile',
    async () => {
      await machine.rules(...DROP_ALL)
      const guarded = ['[native]', 'Sequence = 7801,8822,6103', 'Open_Ports = tcp/22', 'Open_For = 4']
      const byCommand = [
        '[command]',
        'Sequence = 7901,8823,6104',
        'Cmd_Timeout = 4',
        `Start_Command = iptables -I INPUT ${RULE}`,
        `Stop_Command = iptables -D INPUT ${RULE}`,
      ]
      const daemon = await startKnockd({ host: machine.host, config: [...guarded, ...byCommand, ''].join('\n') })
      try {
        await sendKnocks(machine.neighbour, SERVER_4, ['7801', '8822', '6103'])
        await sendKnocks(machine.neighbour, SERVER_4, ['7901', '8823', '6104'])
        await daemon.process.line(/command: OPEN SESAME/)
        await until('both are open', async () => {
          const { stdout } = await machine.host.run(['nft', 'list', 'ruleset'])
          return stdout.split(CLIENT_4).length > 2
        })
        const argv = [process.execPath, program('postern'), 'rehearse', '--json', '-c', daemon.file]
        const { stdout } = await machine.host.run(argv, { mayFail: true, limitMs: RUN_LIMIT_MS })
        expect((JSON.parse(stdout) as Document).machine).toEqual({ unchanged: true })
        expect((await machine.host.run(['nft', 'list', 'ruleset'])).stdout).not.toContain(CLIENT_4)
      } finally {
        daemon.process.kill('SIGTERM')
        await daemon.process.ended
      }
    },
    LIMIT_MS,
  )
})
