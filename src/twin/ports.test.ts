// Goal: the ports that a door opens are read from its command as its author meant it, and where they cannot be, that is said.
import { expect, test } from 'vitest'
import { readConfig } from '../config/read.ts'
import { portsIn, portsOf } from './ports.ts'

const NO_CLUES = { chosen: [], rules: '', listening: () => [] }

const names = (command: string): string =>
  portsIn(command)
    .map(({ protocol, port, listensAt }) => `${protocol}/${port}${listensAt === port ? '' : `→${listensAt}`}`)
    .join(' ')

test.each([
  ['/usr/sbin/iptables -I INPUT -s %IP% -p tcp --dport 22 -j ACCEPT', 'tcp/22'],
  ['iptables -A INPUT -s %IP% -p tcp --dport ssh -j ACCEPT', 'tcp/22'],
  ['ip6tables -I INPUT -p udp --destination-port=1194 -s %IP% -j ACCEPT', 'udp/1194'],
  ['iptables -I INPUT -p tcp -m multiport --dports 80,443 -j ACCEPT', 'tcp/80 tcp/443'],
  ['iptables -I INPUT -p tcp --dport 6000:6010 -j ACCEPT', 'tcp/6000 tcp/6010'],
  ['iptables -t nat -I PREROUTING -s %IP% -p tcp --dport 443 -j REDIRECT --to-ports 22', 'tcp/443→22'],
  ['iptables –I INPUT –s %IP% –p tcp –dport 22 –j ACCEPT', 'tcp/22'],
  ['nft add rule inet filter input ip saddr %IP% tcp dport 22 accept', 'tcp/22'],
  ['nft insert rule inet filter input ip saddr %IP% udp dport { 53, 123 } accept', 'udp/53 udp/123'],
  ['ufw allow from %IP% to any port 22 proto tcp', 'tcp/22'],
  ['ufw allow 1194/udp', 'udp/1194'],
  ['ufw insert 1 allow from %IP% to any port 22', 'tcp/22'],
  [
    `firewall-cmd --add-rich-rule='rule family="ipv4" source address="%IP%" port port="22" protocol="tcp" accept'`,
    'tcp/22',
  ],
  ['firewall-cmd --add-port=8080/tcp', 'tcp/8080'],
  ['firewall-cmd --add-service=ssh', 'tcp/22'],
  ['iptables -I INPUT -p tcp --dport 99999 -j ACCEPT', ''],
  ['/usr/local/sbin/open %IP%', ''],
])('%s', (command, expected) => {
  expect(names(command)).toBe(expected)
})

const door = (command: string): Parameters<typeof portsOf>[0] =>
  readConfig(`[d]\nSequence = 1,2,3\nStart_Command = ${command}\n`, 'f').config!.doors[0]!

test('a set is looked up in the rules that ask for it', () => {
  const rules = 'ip saddr @other tcp dport 80 accept\nip saddr @let_in tcp dport 2222 accept'
  const found = portsOf(door('nft add element inet filter let_in { %IP% }'), 4, { ...NO_CLUES, rules })
  expect(found).toEqual({ kind: 'known', ports: [{ protocol: 'tcp', port: 2222, listensAt: 2222 }] })
  const byIpset = '-A INPUT -p udp -m set --match-set guests src -m udp --dport 1194 -j ACCEPT'
  expect(portsOf(door('ipset add guests %IP%'), 4, { ...NO_CLUES, rules: byIpset })).toMatchObject({
    ports: [{ protocol: 'udp', port: 1194 }],
  })
})

test('a door that opens everything is tried with what listens here', () => {
  const all = door('iptables -I INPUT -s %IP% -j ACCEPT')
  expect(portsOf(all, 4, { ...NO_CLUES, listening: () => [21, 22] })).toMatchObject({
    ports: [{ port: 22 }],
    note: /every port/,
  })
  expect(portsOf(all, 4, { ...NO_CLUES, listening: () => [21] })).toMatchObject({ ports: [{ port: 21 }] })
  expect(portsOf(all, 4, NO_CLUES).kind).toBe('unknown')
})

test('what cannot be told is said, and what is chosen counts', () => {
  const script = door('/usr/local/sbin/open %IP%')
  expect(portsOf(script, 4, NO_CLUES)).toEqual({
    kind: 'unknown',
    why: 'its command does not say which port it opens',
  })
  const chosen = [{ protocol: 'udp', port: 5, listensAt: 5 }] as const
  expect(portsOf(script, 4, { ...NO_CLUES, chosen })).toEqual({ kind: 'known', ports: chosen })
})
