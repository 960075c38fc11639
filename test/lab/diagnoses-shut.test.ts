// Goal: that of diagnoses.test.ts, for ports that stay shut.
import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { slowly } from '../slow.ts'
import { DROP_ALL, diagnosed, opening } from './diagnosed.ts'
import { CLIENT_4, SERVER_6, lab } from './net.ts'
import { LIMIT_MS, RULE } from './rehearsed.ts'

const machine = diagnosed()

const own = (chain: string): string =>
  `no packet comes to the rule of the start command, \`-A ${chain} -s %IP%/32 -p tcp -m tcp --dport 22 -j ACCEPT\` in iptables`

lab('a port that stays shut', () => {
  test(
    'because no packet comes to the rule of its door, or fits it',
    async () => {
      await machine.rules(
        ...DROP_ALL,
        'iptables -N fw; iptables -N gate; iptables -N spare; iptables -A INPUT -j fw',
        'iptables -A fw -p tcp --dport 22 -j RETURN; iptables -A fw -j gate',
      )
      const all = await machine.found({
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
      await machine.rules(...DROP_ALL)
      const all = await machine.found({
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
      await machine.host.address('eth0', `${SERVER_6}/64`)
      try {
        await machine.rules(...DROP_ALL, 'ip6tables -A INPUT -p tcp --dport 22 -j DROP')
        const all = await machine.found({
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
        await machine.host.ip(`addr del ${SERVER_6}/64 dev eth0`)
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
    const dropped = where === 'iptables' ? test : slowly
    dropped(
      `because its answers are dropped by ${where}; what is printed lets them out, and nothing else`,
      async () => {
        await machine.rules(...DROP_ALL, drop)
        const door = { ssh: opening(`iptables -I INPUT ${RULE}`) }
        expect(await machine.found(door)).toEqual({
          ssh: [
            `5:17 tcp/22 stays shut: packets to it come in, but ${culprit} takes the answers | let the answers of connections out: ${cure}`,
          ],
        })
        await machine.host.run(['sh', '-ec', cure])
        expect(await machine.found(door)).toEqual({ ssh: [] })
        if (where === 'iptables') {
          expect((await machine.host.run(['ping', '-c', '1', '-W', '1', CLIENT_4], { mayFail: true })).code).not.toBe(0)
        }
      },
      LIMIT_MS,
    )
  }
})
