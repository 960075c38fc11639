// Goal: a stop command that undoes its start command has no warning, in any spelling. One that differs by a single word
// is found, and the word is named. (The texts of the warnings are in test/fixtures/config/undo.txt.)
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { splitCommand } from './shell.ts'
import { undoFaults } from './undo.ts'

const faults = (start: string, stop: string): readonly string[] =>
  undoFaults(splitCommand(start), splitCommand(stop), 1).map(({ offset, message }) => `${offset}: ${message}`)

test.each([
  ['iptables -I INPUT -s %IP% -j ACCEPT', 'iptables -D INPUT -s %IP% -j ACCEPT'],
  ['iptables -I INPUT 3 -s %IP% -j ACCEPT', '/sbin/iptables -w 5 -D INPUT -s %IP%/32 -j ACCEPT'],
  ['iptables -A INPUT -p tcp --dport 22 -j ACCEPT', 'iptables --delete INPUT --jump ACCEPT -p TCP -m tcp --dport ssh'],
  ['iptables -t nat -A PREROUTING -j DNAT', 'iptables -D PREROUTING -t nat -j DNAT'],
  ['iptables -I INPUT ! -i lo -j ACCEPT', 'iptables -D INPUT ! -i lo -j ACCEPT'],
  ['iptables -I INPUT -s%IP% -jACCEPT', 'iptables -D INPUT -s %IP% -j ACCEPT'],
  ['iptables -D INPUT -j DROP', 'iptables -A INPUT -j DROP'],
  ['iptables -D INPUT -s %IP%; iptables -I INPUT -s %IP%', 'iptables -D INPUT -s %IP%'],
  [
    'iptables -I INPUT -s %IP%; iptables -I OUTPUT -d %IP%',
    'iptables -D OUTPUT -d %IP% || true; iptables -D INPUT -s %IP%',
  ],
  [
    'ufw insert 1 allow proto tcp from %IP% to any port 22',
    'ufw --force delete allow from %IP% to any port 22 proto tcp',
  ],
  ['ufw allow from %IP%', 'ufw deny from %IP%'],
  ['ufw allow 22/tcp', 'ufw delete allow 22/tcp'],
  ['nft add element ip filter s { %IP% }', "nft 'delete element filter s {%IP%}'"],
  ['nft add element inet t s { %IP% timeout 30s }', 'logger closed'],
  [
    'firewall-cmd --zone=x --add-port=22/tcp --add-service=http',
    'firewall-cmd --remove-service http --remove-port=22/tcp --zone x',
  ],
  ['firewall-cmd --add-source=%IP% --timeout=30', 'logger closed'],
  ['firewall-cmd --add-source=%IP%', 'firewall-cmd --reload'],
  [
    'firewall-cmd --add-rich-rule=\'rule service name="ssh" accept\'',
    'firewall-cmd --remove-rich-rule="rule service name=ssh accept"',
  ],
  [
    'firewall-cmd --direct --add-rule ipv4 filter INPUT 0 -s %IP% -j ACCEPT',
    'firewall-cmd --direct --remove-rule ipv4 filter INPUT 0 -s %IP% -j ACCEPT',
  ],
  ['ipset -exist add s %IP%', 'ipset del s %IP% -q'],
  ['pfctl -t t -T add %IP%', 'pfctl -q -t t -T delete %IP%'],
  ['/usr/local/sbin/open %IP%', '/usr/local/sbin/close'],
  ['iptables -I INPUT -s %IP%', '/usr/local/sbin/close %IP%'],
  ['iptables -I INPUT -s %IP%', 'iptables -D INPUT $(cat /run/rule)'],
  ['iptables -I INPUT -s %IP%', 'iptables-restore /etc/iptables/rules.v4'],
  ['nft add rule inet t c ip saddr %IP% accept', 'nft delete rule inet t c handle 7'],
  ['systemctl start sshd', 'systemctl stop sshd'],
])('%s is undone by %s', (start, stop) => {
  expect(faults(start, stop)).toEqual([])
})

test('negation and the number of matches count', () => {
  expect(faults('iptables -I INPUT ! -i lo -j ACCEPT', 'iptables -D INPUT -i lo -j ACCEPT')).toEqual([
    '18: `-i lo` does not undo `! -i lo` of the start command (line 1)',
  ])
  expect(faults('iptables -I INPUT -m state --state NEW', 'iptables -D INPUT')).toEqual([
    '0: `iptables -D INPUT` lacks `-m state` of the start command (line 1), and 1 more word differs',
  ])
})

test('any one word changed, left out or put in is caught', () => {
  const options = ['-s %IP%', '-p tcp', '--dport 22', '-i eth0', '-m state', '--state NEW', '-j ACCEPT', '-t filter']
  const rule = fc.shuffledSubarray(options, { minLength: 2 })
  fc.assert(
    fc.property(rule, rule, fc.nat(), (given, order, pick) => {
      const start = `iptables -A INPUT ${given.join(' ')}`
      const same = [...given].sort((one, other) => order.indexOf(one) - order.indexOf(other))
      expect(faults(start, `iptables -D INPUT ${same.join(' ')}`)).toEqual([])
      const index = pick % given.length
      // The table `filter` is also what leaving it out means.
      if (given[index] !== '-t filter') {
        expect(faults(start, `iptables -D INPUT ${given.toSpliced(index, 1).join(' ')}`)).toHaveLength(1)
      }
      expect(faults(start, `iptables -D INPUT ${given.with(index, `${given[index]!}x`).join(' ')}`)).toHaveLength(1)
      expect(faults(start, `iptables -D INPUT -o eth1 ${given.join(' ')}`)).toHaveLength(1)
      expect(faults(start, `iptables -D INPUT2 ${given.join(' ')}`)).toHaveLength(1)
      expect(faults(start, `ip6tables -D INPUT ${given.join(' ')}`)).toHaveLength(1)
    }),
  )
})

test('any two commands are compared', () => {
  const word = fc.constantFrom(
    'iptables',
    '-A',
    '-D',
    'INPUT',
    '-s',
    '%IP%',
    '!',
    ';',
    'ufw',
    'delete',
    'allow',
    'nft',
    'add',
    'element',
    '{',
    '}',
    'firewall-cmd',
    '--add-x',
    '--remove-x',
    '=',
    'ipset',
    'pfctl',
    '-t',
    '-T',
  )
  const text = fc.array(word, { maxLength: 10 }).map((parts) => parts.join(' '))
  fc.assert(
    fc.property(text, text, (start, stop) => {
      for (const { offset } of undoFaults(splitCommand(start), splitCommand(stop), 1)) {
        expect(offset).toBeLessThanOrEqual(stop.length)
      }
    }),
    { numRuns: 500 },
  )
})
