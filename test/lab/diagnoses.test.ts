// Goal: what a rehearsal finds is put down to its cause, on a real firewall, and what it prints to type helps.
// One machine plays them all: its rules are flushed between two tests, and a rehearsal has as many doors as it can.
import { existsSync } from 'node:fs'
import { beforeAll, expect, test } from 'vitest'
import { program, startKnockd } from './knockd.ts'
import { CONTAINER_4, docker } from './docker.ts'
import { Host, SERVER_4, SERVER_6, CLIENT_4, lab, link } from './net.ts'
import { until } from './process.ts'
import { writeConfig } from './scratch.ts'
import { sendKnocks } from './service.ts'

/** Milliseconds that one test may take, and one rehearsal. */
const LIMIT_MS = 240_000
const RUN_LIMIT_MS = 180_000

let machine: Host
let neighbour: Host

interface Finding {
  readonly door: string
  readonly families: readonly number[]
  readonly line: number
  readonly column: number
  readonly message: string
  readonly hint?: string
}

interface Document {
  readonly doors: readonly {
    readonly name: string
    readonly ports: string
    readonly tried: readonly { readonly checks: Readonly<Record<string, string>> }[]
  }[]
  readonly findings: readonly Finding[]
  readonly machine: { readonly unchanged: boolean; readonly changed?: string }
}

/** Doors by name, each with its lines; sequences differ, so that none begins another one. */
function config(doors: Readonly<Record<string, readonly string[]>>): string {
  return Object.entries(doors)
    .map(([name, lines], index) =>
      [`[${name}]`, `Sequence = ${7301 + index},8822:udp,6103`, 'Seq_Timeout = 1', 'Cmd_Timeout = 1', ...lines].join(
        '\n',
      ),
    )
    .join('\n')
}

/** A door that only opens: nobody waits for its end. */
const opening = (command: string): readonly string[] => [`Start_Command = ${command}`]

async function rehearse(text: string): Promise<Document> {
  const argv = [process.execPath, program('postern'), 'rehearse', '--json', '-c', writeConfig(text)]
  const { stdout, stderr } = await machine.run(argv, { mayFail: true, limitMs: RUN_LIMIT_MS })
  expect(stdout, stderr).not.toBe('')
  return JSON.parse(stdout) as Document
}

/** What was found at each door, `LINE-WITHIN-THE-DOOR:COLUMN message | hint`. */
async function found(
  doors: Readonly<Record<string, readonly string[]>>,
): Promise<Readonly<Record<string, readonly string[]>>> {
  const text = config(doors)
  const lines = text.split('\n')
  const { findings } = await rehearse(text)
  const at = ({ door, line, column, message, hint }: Finding): string =>
    `${line - lines.indexOf(`[${door}]`)}:${column} ${message} | ${hint ?? ''}`
  return Object.fromEntries(
    Object.keys(doors).map((name) => [name, findings.filter(({ door }) => door === name).map(at)]),
  )
}

/** The machine's rules, in place of whatever it had. */
async function rules(...commands: readonly string[]): Promise<void> {
  await machine.run(['nft', 'flush', 'ruleset'])
  for (const command of commands) await machine.run(['sh', '-ec', command])
}

const RULE = '-s %IP% -p tcp --dport 22 -j ACCEPT'
const ESTABLISHED = 'iptables -A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT'
const DROP_ALL = [ESTABLISHED, 'iptables -P INPUT DROP']

beforeAll(async () => {
  if (process.getuid?.() !== 0) return
  machine = await Host.make('machine')
  neighbour = await Host.make('neighbour')
  await link({ host: machine, addresses: [`${SERVER_4}/24`] }, { host: neighbour, addresses: [`${CLIENT_4}/24`] })
})

const own = (chain: string): string =>
  `no packet comes to the rule of the start command, \`-A ${chain} -s %IP%/32 -p tcp -m tcp --dport 22 -j ACCEPT\` in iptables`

lab('a port that stays shut', () => {
  test(
    'because no packet comes to the rule of its door, or fits it',
    async () => {
      await rules(
        ...DROP_ALL,
        'iptables -N fw; iptables -N gate; iptables -N spare; iptables -A INPUT -j fw',
        'iptables -A fw -p tcp --dport 22 -j RETURN; iptables -A fw -j gate',
      )
      const all = await found({
        sport: opening('iptables -I INPUT -s %IP% -p tcp --sport 22 -j ACCEPT'),
        interface: opening(`iptables -I INPUT -i eth7 ${RULE}`),
        destination: opening('iptables -I INPUT -d %IP% -p tcp --dport 22 -j ACCEPT'),
        return: opening(`iptables -I gate ${RULE}`),
        unused: opening(`iptables -I spare ${RULE}`),
        forward: opening(`iptables -I FORWARD ${RULE}`),
        good: opening(`iptables -I INPUT ${RULE}`),
      })
      expect(all).toEqual({
        sport: [
          '5:50 tcp/22 stays shut: `--sport 22` matches packets from that port of the client, not those that go to it here | write `--dport 22`',
        ],
        interface: [
          '5:35 tcp/22 stays shut: the rule is for packets on eth7, and the knock came in on eth0 | write `-i eth0`, or leave the interface out',
        ],
        destination: [
          '5:35 tcp/22 stays shut: `-d %IP%` matches packets to the address that knocked, not those that come from it | write `-s %IP%`',
        ],
        return: [
          `5:17 tcp/22 stays shut: ${own('gate')}: \`-A fw -p tcp -m tcp --dport 22 -j RETURN\` comes first in chain fw of iptables | let the door insert its rule ahead of that one, into chain fw`,
        ],
        unused: [
          `5:17 tcp/22 stays shut: ${own('spare')}: nothing jumps to chain spare of iptables | let the door insert its rule into chain INPUT, ahead of what takes the packets`,
        ],
        forward: [
          `5:17 tcp/22 stays shut: ${own('FORWARD')}: they do not pass chain FORWARD of iptables, but chain INPUT of iptables, where \`-P INPUT DROP\` takes them | let the door insert its rule into chain INPUT, ahead of what takes the packets`,
        ],
        good: [],
      })
    },
    LIMIT_MS,
  )

  test(
    'because its command fails: a chain, a wrapper, an address',
    async () => {
      await rules(...DROP_ALL)
      const all = await found({
        typo: [`Start_Command = iptables -I INPTU ${RULE}`, `Stop_Command = iptables -D INPUT ${RULE}`],
        literal: opening('iptables -I INPUT -s %ip% -p tcp --dport 22 -j ACCEPT'),
        wrapper: opening(`sudo iptables -I INPUT ${RULE}`),
      })
      expect(all['typo']).toEqual(['5:29 iptables has no chain `INPTU` | did you mean `INPUT`?'])
      expect(all['literal']![0]).toContain("host/network `%ip%' not found")
      if (existsSync('/usr/bin/sudo')) return
      expect(all['wrapper']).toEqual([
        '5:17 there is no program `sudo` on this machine | remove it: the daemon runs as root already',
      ])
    },
    LIMIT_MS,
  )

  test(
    'over IPv6: the address itself is shown, and no faulty command is repeated',
    async () => {
      await machine.address('eth0', `${SERVER_6}/64`)
      try {
        await rules(...DROP_ALL, 'ip6tables -A INPUT -p tcp --dport 22 -j DROP')
        const all = await found({
          sport: opening('iptables -I INPUT -s %IP% -p tcp --sport 22 -j ACCEPT'),
          good: opening(`iptables -I INPUT ${RULE}`),
        })
        expect(all['sport']).toHaveLength(2)
        expect(all['sport']![1]).toMatch(
          /refuses their address: .*host\/network `2001:db8::fe..' not found.* \| add `Start_Command_6`: the command for IPv6, without the fault that it has over IPv4, or nothing after the = to do nothing$/,
        )
        expect(all['good']).toHaveLength(1)
        expect(all['good']![0]).toMatch(/ \| add `Start_Command_6 = ip6tables -I INPUT -s %IP% .*`$/)
      } finally {
        await machine.ip(`addr del ${SERVER_6}/64 dev eth0`)
      }
    },
    LIMIT_MS,
  )

  for (const [where, drop, culprit, cure] of [
    [
      'iptables',
      'iptables -P OUTPUT DROP',
      '`-P OUTPUT DROP` in chain OUTPUT of iptables',
      'iptables -I OUTPUT -p tcp --sport 22 -m conntrack --ctstate ESTABLISHED -j ACCEPT',
    ],
    [
      'a chain of nftables',
      "nft 'add table inet g; add chain inet g o { type filter hook output priority 3; }; add chain inet g x; add rule inet g o jump x; add rule inet g x tcp sport 22 drop'",
      '`tcp sport 22 drop` in chain x of table inet g',
      'nft insert rule inet g x tcp sport 22 ct state established accept',
    ],
  ] as const) {
    test(
      `because its answers are dropped by ${where}; what is printed lets them out, and nothing else`,
      async () => {
        await rules(...DROP_ALL, drop)
        const door = { ssh: opening(`iptables -I INPUT ${RULE}`) }
        expect(await found(door)).toEqual({
          ssh: [
            `5:17 tcp/22 stays shut: packets to it come in, but ${culprit} takes the answers | let the answers of connections out: ${cure}`,
          ],
        })
        await machine.run(['sh', '-ec', cure])
        expect(await found(door)).toEqual({ ssh: [] })
        if (where === 'iptables') {
          expect((await machine.run(['ping', '-c', '1', '-W', '1', CLIENT_4], { mayFail: true })).code).not.toBe(0)
        }
      },
      LIMIT_MS,
    )
  }
})

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
      const native = config({ native: ['Open_Ports = tcp/22'] }).replace('Cmd_Timeout = 1\n', 'Open_For = 1\n')
      await rules(...DROP_ALL, ...untracked)
      const rule = '`-A PREROUTING -p tcp -m tcp --dport 22 -j NOTRACK` in chain PREROUTING of iptables'
      const message = `a session dies at the deadline: ${rule} keeps its packets from being tracked, so no rule knows it as established`
      expect(await found(doors)).toEqual({
        command: [`6:16 ${message} | remove the rule that keeps tcp/22 from being tracked, in both directions`],
      })
      await rules(
        "nft 'add table ip t; add chain ip t p { type filter hook prerouting priority raw; }; add rule ip t p tcp dport { 22, 2222 } notrack; add chain ip t o { type filter hook output priority raw; }; add rule ip t o tcp sport { 22, 2222 } notrack'",
      )
      const { findings } = await rehearse(native)
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
      await rules(
        "nft 'add table inet f; add chain inet f in { type filter hook input priority 0; }; add rule inet f in ct state established,related accept; add rule inet f in tcp dport 22 drop'",
      )
      const rule = 'ip saddr %IP% tcp dport 22 accept'
      const { ssh = [] } = await found({
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
      await rules()
      const door = config({
        ssh: [
          'Start_Command = ufw allow from %IP% to any port 22 proto tcp',
          'Stop_Command = ufw delete allow from %IP% to any port 22 proto tcp',
        ],
      })
      const postern = [process.execPath, program('postern'), 'rehearse', '--json', '-c', writeConfig(door)]
      const { stdout } = await machine.run(['unshare', '--mount', 'sh', '-c', OWN_UFW, 'ufw', ...postern], {
        mayFail: true,
        limitMs: RUN_LIMIT_MS,
      })
      const { findings, doors } = JSON.parse(stdout.slice(stdout.indexOf('{'))) as Document
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
        { host: machine, device: 'docker0', addresses: ['172.17.0.1/16'] },
        { host: container, addresses: ['172.17.0.2/16'] },
      )
      await machine.sysctl('net.ipv4.ip_forward', 1)
      try {
        await rules()
        await machine.run(['iptables-restore'], { input: docker('172.17.0.0/16', CONTAINER_4, '127.0.0.0/8') })
        const input = opening('iptables -I INPUT -s %IP% -p tcp --dport 8080 -j ACCEPT')
        const dnat = '`-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80`'
        expect(await found({ input })).toEqual({
          input: [
            `1:1 tcp/8080 is open to everyone without any knock: ${dnat} forwards its packets to 172.17.0.2:80, and chain INPUT never sees them | let the guard hide and open it, ahead of that rule: \`Open_Ports = tcp/8080\` in place of the commands`,
          ],
        })
        // What is advised works.
        const native = config({ web: ['Open_Ports = tcp/8080'] }).replace('Cmd_Timeout = 1\n', 'Open_For = 1\n')
        const advised = await rehearse(native)
        expect(advised.findings).toEqual([])
        expect(advised.doors[0]!.tried[0]!.checks).toMatchObject({ closedBefore: 'yes', opens: 'yes', survives: 'yes' })
        // Hidden in Docker's own chain for that.
        const hide = [
          'iptables -I DOCKER-USER -i eth0 -p tcp --dport 80 -j DROP',
          'iptables -I DOCKER-USER -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT',
        ]
        for (const command of hide) await machine.run(command.split(' '))
        const all = await found({
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
        await machine.ip('link del docker0')
        await machine.sysctl('net.ipv4.ip_forward', 0)
      }
    },
    LIMIT_MS,
  )
})

lab("this machine's own rules", () => {
  test(
    'are what they were, though openings of its daemon ended meanwhile',
    async () => {
      await rules(...DROP_ALL)
      const guarded = ['[native]', 'Sequence = 7801,8822,6103', 'Open_Ports = tcp/22', 'Open_For = 4']
      const byCommand = [
        '[command]',
        'Sequence = 7901,8823,6104',
        'Cmd_Timeout = 4',
        `Start_Command = iptables -I INPUT ${RULE}`,
        `Stop_Command = iptables -D INPUT ${RULE}`,
      ]
      const daemon = await startKnockd({ host: machine, config: [...guarded, ...byCommand, ''].join('\n') })
      try {
        await sendKnocks(neighbour, SERVER_4, ['7801', '8822', '6103'])
        await sendKnocks(neighbour, SERVER_4, ['7901', '8823', '6104'])
        await daemon.process.line(/command: OPEN SESAME/)
        await until('both are open', async () => {
          const { stdout } = await machine.run(['nft', 'list', 'ruleset'])
          return stdout.split(CLIENT_4).length > 2
        })
        const argv = [process.execPath, program('postern'), 'rehearse', '--json', '-c', daemon.file]
        const { stdout } = await machine.run(argv, { mayFail: true, limitMs: RUN_LIMIT_MS })
        expect((JSON.parse(stdout) as Document).machine).toEqual({ unchanged: true })
        expect((await machine.run(['nft', 'list', 'ruleset'])).stdout).not.toContain(CLIENT_4)
      } finally {
        daemon.process.kill('SIGTERM')
        await daemon.process.ended
      }
    },
    LIMIT_MS,
  )
})
