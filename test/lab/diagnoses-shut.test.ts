// Goal: that of diagnoses.test.ts, for ports that stay shut. The doors share one rehearsal.
import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { REMEDIES } from '../../src/remedy/remedies.ts'
import { SLOW, slowly } from '../slow.ts'
import { DROP_ALL, Diagnosed, opening, opening4, opening6 } from './diagnosed.ts'
import { CLIENT_4, SERVER_6, lab } from './net.ts'
import { LIMIT_MS, RULE, once } from './rehearsed.ts'

const made = once(async () => await Diagnosed.make(`${SERVER_6}/64`))

const own = (chain: string, iptables = 'iptables'): string =>
  `no packet comes to the rule of the start command, \`-A ${chain} -s %IP%/${iptables === 'iptables' ? 32 : 128} -p tcp -m tcp --dport 22 -j ACCEPT\` in ${iptables}`

/** Rules that take the answers of a port, what they are called, and what lets the answers out. */
const ANSWERS_DROPPED = {
  'by iptables': {
    port: 23,
    iptables: 'iptables',
    drop: 'iptables -A OUTPUT -p tcp --sport 23 -j DROP',
    culprit: '`-A OUTPUT -p tcp -m tcp --sport 23 -j DROP` in chain OUTPUT of iptables',
    cure: REMEDIES.answerIptables('iptables', 'OUTPUT', { protocol: 'tcp', port: 23 }),
  },
  'by a chain of nftables': {
    port: 24,
    iptables: 'ip6tables',
    drop: "nft 'add table inet g; add chain inet g o { type filter hook output priority 3; }; add chain inet g x; add rule inet g o jump x; add rule inet g x tcp sport 24 drop'",
    culprit: '`tcp sport 24 drop` in chain x of table inet g',
    cure: REMEDIES.answerNft('inet g', 'x', { protocol: 'tcp', port: 24 }),
  },
} as const
const ruleFor = (port: number): string => RULE.replace('22', String(port))
const ANSWERED = Object.fromEntries(
  Object.entries(ANSWERS_DROPPED).map(([how, { port, iptables }]) => [
    how,
    (iptables === 'iptables' ? opening4 : opening6)(`${iptables} -I INPUT ${ruleFor(port)}`),
  ]),
)

/** What is found at each door. */
const findings = once(async () => {
  const machine = await made()
  await machine.rules(
    ...DROP_ALL,
    'ip6tables -A INPUT -p tcp --dport 22:24 -j DROP',
    'iptables -N fw; iptables -N gate; iptables -N spare; iptables -A INPUT -j fw',
    'iptables -A fw -p tcp --dport 22 -j RETURN; iptables -A fw -j gate',
    ...Object.values(ANSWERS_DROPPED).map(({ drop }) => drop),
  )
  return await machine.found({
    sport: opening('iptables -I INPUT -s %IP% -p tcp --sport 22 -j ACCEPT'),
    return: opening4(`iptables -I gate ${RULE}`),
    forward: opening6(`ip6tables -I FORWARD ${RULE}`),
    good: opening6(`iptables -I INPUT ${RULE}`),
    ...ANSWERED,
    ...(SLOW ? MORE : {}),
  })
})

/** Doors of other mistakes; a unit test has what is said of most of them. */
const MORE = {
  interface: opening4(`iptables -I INPUT -i eth7 ${RULE}`),
  destination: opening4('iptables -I INPUT -d %IP% -p tcp --dport 22 -j ACCEPT'),
  unused: opening4(`iptables -I spare ${RULE}`),
  literal: opening4('iptables -I INPUT -s %ip% -p tcp --dport 22 -j ACCEPT'),
  wrapper: opening4(`sudo iptables -I INPUT ${RULE}`),
}

lab('a port that stays shut', () => {
  test(
    'because no packet comes to the rule of its door, or fits it',
    async () => {
      const all = await findings()
      expect(all['sport']![0]).toBe(
        '5:50 tcp/22 stays shut: `--sport 22` matches packets from that port of the client, not those that go to it here | write `--dport 22`',
      )
      expect(all['return']).toEqual([
        `5:17 tcp/22 stays shut: ${own('gate')}: \`-A fw -p tcp -m tcp --dport 22 -j RETURN\` comes first in chain fw of iptables | let the door insert its rule ahead of that one, into chain fw`,
      ])
      expect(all['forward']).toEqual([
        `5:17 tcp/22 stays shut: ${own('FORWARD', 'ip6tables')}: they do not pass chain FORWARD of ip6tables, but chain INPUT of ip6tables, where \`-A INPUT -p tcp -m tcp --dport 22:24 -j DROP\` takes them | let the door insert its rule into chain INPUT, ahead of what takes the packets`,
      ])
      // Over IPv6 its command fails.
      expect(all['good']).toHaveLength(1)
    },
    LIMIT_MS,
  )

  slowly(
    'because of an interface, a destination, a chain that nothing jumps to, a literal word, or a wrapper',
    async () => {
      const all = await findings()
      expect(all).toMatchObject({
        interface: [
          '5:35 tcp/22 stays shut: the rule is for packets on eth7, and the knock came in on eth0 | write `-i eth0`, or leave the interface out',
        ],
        destination: [
          '5:35 tcp/22 stays shut: `-d %IP%` matches packets to the address that knocked, not those that come from it | write `-s %IP%`',
        ],
        unused: [
          `5:17 tcp/22 stays shut: ${own('spare')}: nothing jumps to chain spare of iptables | let the door insert its rule into chain INPUT, ahead of what takes the packets`,
        ],
      })
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
      const { sport, good } = await findings()
      expect(sport).toHaveLength(2)
      expect(sport![1]).toMatch(
        /refuses their address: .*host\/network `2001:db8::fe..' not found.* \| add `Start_Command_6`: the command for IPv6, without the fault that it has over IPv4, or nothing after the = to do nothing$/,
      )
      expect(good![0]).toMatch(/ \| add `Start_Command_6 = ip6tables -I INPUT -s %IP% .*`$/)
    },
    LIMIT_MS,
  )

  // remedies-rules.test.ts types what is printed.
  test(
    'because its answers are dropped: what lets them out is printed',
    async () => {
      const all = await findings()
      for (const [how, { port, culprit, cure }] of Object.entries(ANSWERS_DROPPED)) {
        expect(all[how]).toEqual([
          `5:17 tcp/${port} stays shut: packets to it come in, but ${culprit} takes the answers | let the answers of connections out: ${cure}`,
        ])
      }
    },
    LIMIT_MS,
  )

  slowly(
    'no more once its answers are let out by what is printed, which lets nothing else out',
    async () => {
      const machine = await made()
      await machine.rules(
        ...DROP_ALL,
        'iptables -P OUTPUT DROP',
        ...Object.values(ANSWERS_DROPPED).map(({ drop }) => drop),
      )
      for (const { cure } of Object.values(ANSWERS_DROPPED)) await machine.host.run(['sh', '-ec', cure])
      const found = await machine.found(ANSWERED)
      expect(Object.values(found)[0]).toEqual([])
      expect((await machine.host.run(['ping', '-c', '1', '-W', '1', CLIENT_4], { mayFail: true })).code).not.toBe(0)
    },
    LIMIT_MS,
  )
})
