// Goal: a port is allowed by the commands of whichever firewall refuses the packets, at the place that counts;
// otherwise there is no command.
import { expect, test } from 'vitest'
import { allowing } from './allow.ts'
import type { InForce, Taker } from './allow.ts'
import { REMEDIES } from '../remedy/remedies.ts'

const PORT = { protocol: 'tcp', port: 22 } as const
const filter = (...lines: readonly string[]): string => `*filter\n${lines.map((line) => `${line}\n`).join('')}COMMIT\n`
const rules = (over: Partial<InForce>): InForce => ({
  saved: {},
  tables: [],
  link: 'eth0',
  applyBase: REMEDIES.applyAnew(),
  ...over,
})
const table = (name: string, ...chains: readonly (readonly [string, string])[]): InForce =>
  rules({
    tables: [
      {
        name,
        text: `table ${name} {\n${chains.map(([chain, hook]) => `\tchain ${chain} {\n\t\ttype filter hook ${hook} priority filter; policy drop;\n\t}\n`).join('')}}`,
      },
    ],
  })
const taker = (where: string, chain: string, rule: string): Taker => ({ where, chain, rule })
const DROP_ALL = '-A INPUT -j DROP'
const UFW = filter(':INPUT DROP [0:0]', ':ufw-user-input - [0:0]')

test.each<readonly [string, InForce, Taker, string | undefined]>([
  [
    'a policy of iptables',
    rules({ saved: { 'iptables-nft': filter(':INPUT DROP [0:0]') } }),
    taker('iptables', 'INPUT', '-P INPUT DROP'),
    'iptables -A INPUT -p tcp --dport 22 -j ACCEPT',
  ],
  [
    'a rule of it',
    rules({ saved: { 'ip6tables-legacy': filter('-A INPUT -i lo -j ACCEPT', DROP_ALL) } }),
    taker('ip6tables-legacy', 'INPUT', DROP_ALL),
    'ip6tables-legacy -I INPUT 2 -p tcp --dport 22 -j ACCEPT',
  ],
  [
    'a chain of its own',
    rules({ saved: { 'iptables-nft': filter(':mine - [0:0]', '-A INPUT -j mine', '-A mine -j DROP') } }),
    taker('iptables', 'mine', '-A mine -j DROP'),
    'iptables -I INPUT 1 -p tcp --dport 22 -j ACCEPT',
  ],
  [
    'another table of iptables, whose accepting rule may be for others',
    rules({ saved: { 'iptables-nft': '*raw\n-A PREROUTING -j DROP\nCOMMIT\n' } }),
    taker('iptables', 'PREROUTING', '-A PREROUTING -j DROP'),
    undefined,
  ],
  ['ufw', rules({ saved: { 'iptables-nft': UFW } }), taker('iptables', 'INPUT', '-P INPUT DROP'), 'ufw allow 22/tcp'],
  [
    'ufw that rejects it',
    rules({ saved: { 'iptables-nft': UFW } }),
    taker('iptables', 'ufw-user-input', '-A ufw-user-input -p tcp -j REJECT'),
    'ufw delete reject 22/tcp; ufw prepend allow 22/tcp',
  ],
  [
    'ufw beside Docker',
    rules({ saved: { 'iptables-nft': `${UFW.replace('COMMIT\n', '')}:DOCKER-USER - [0:0]\nCOMMIT\n` } }),
    taker('iptables', 'FORWARD', '-P FORWARD DROP'),
    'iptables -I DOCKER-USER -p tcp -m conntrack --ctstate DNAT --ctorigdstport 22 -j ACCEPT',
  ],
  [
    'firewalld, the zone of the interface',
    rules({
      tables: [
        {
          name: 'inet firewalld',
          text: 'table inet firewalld {\n\tchain filter_INPUT_ZONES {\n\t\tiifname "eth1" goto filter_IN_home\n\t\tiifname "eth0" goto filter_IN_dmz\n\t\tgoto filter_IN_public\n\t}\n}',
        },
      ],
    }),
    taker('table inet firewalld', 'filter_INPUT', 'reject with icmpx admin-prohibited'),
    'firewall-cmd --add-port=22/tcp --zone=dmz && firewall-cmd --permanent --add-port=22/tcp --zone=dmz',
  ],
  [
    'nftables, from a chain that is jumped to',
    table('inet filter', ['in', 'input'], ['out', 'output']),
    taker('table inet filter', 'mine', 'drop'),
    'nft insert rule inet filter in tcp dport 22 accept',
  ],
  [
    'nftables, from a chain that several rules may jump to',
    table('inet filter', ['early', 'input'], ['in', 'input']),
    taker('table inet filter', 'mine', 'drop'),
    'nft insert rule inet filter mine fib daddr type local tcp dport 22 accept',
  ],
  [
    'nftables, a chain with a comment',
    rules({
      tables: [
        {
          name: 'inet filter',
          text: 'table inet filter {\n\tchain in {\n\t\tcomment "who may"\n\t\ttype filter hook input priority filter; policy drop;\n\t}\n}',
        },
      ],
    }),
    taker('table inet filter', 'in', 'policy drop'),
    'nft insert rule inet filter in tcp dport 22 accept',
  ],
  [
    'nftables ahead of routing',
    table('inet early', ['pre', 'prerouting']),
    taker('table inet early', 'pre', 'policy drop'),
    'nft insert rule inet early pre fib daddr type local tcp dport 22 accept',
  ],
  [
    "another program's chain that sees forwarded packets only",
    rules({
      saved: { 'iptables-nft': filter(':mine - [0:0]', '-A FORWARD -j mine', '-A mine -j DROP') },
      hooksOf: () => ['forward'],
    }),
    taker('iptables', 'mine', '-A mine -j DROP'),
    'iptables -I FORWARD -p tcp -m conntrack --ctstate DNAT --ctorigdstport 22 -j ACCEPT',
  ],
  [
    'the same in nftables',
    { ...table('inet filter', ['in', 'input'], ['on', 'forward']), hooksOf: () => ['forward'] },
    taker('table inet filter', 'mine', 'drop'),
    'nft insert rule inet filter mine meta l4proto tcp ct status dnat ct original proto-dst 22 accept',
  ],
  ['a device', table('netdev d', ['in', 'ingress']), taker('table netdev d', 'in', 'drop'), undefined],
  ['what the base ruleset refuses', rules({}), taker('table inet postern_base', 'input', 'drop'), REMEDIES.applyAnew()],
])('%s', (_, inForce, by, command) => {
  expect(allowing(PORT, by, inForce)).toBe(command)
})
