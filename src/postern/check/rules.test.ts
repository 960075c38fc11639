// Goal: with the machine's rules, a check reports what a rehearsal would find in them, and nothing else.
import { expect, test } from 'vitest'
import { readConfig } from '../../config/read.ts'
import { faultsOfRules } from './rules.ts'
import type { Rules } from '../../twin/rules.ts'

const RULE = '-s %IP% -p tcp --dport 22 -j ACCEPT'
const door = (start: string, stop: string): string =>
  `[d]\nSequence = 47301,58822,36103\nStart_Command = ${start}\nStart_Command_6 =\nStop_Command = ${stop}\n`
const ESTABLISHED = '-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n'

function rules(saved: string, tables = ''): Rules {
  const named = [...tables.matchAll(/^table (\S+ \S+) \{\n[\s\S]*?^\}/gm)].map(([text, name = '']) => ({ name, text }))
  return {
    nft: tables,
    tables: named,
    saved: { 'iptables-nft': saved, 'ip6tables-nft': '', 'iptables-legacy': '', 'ip6tables-legacy': '' },
    sets: '',
  }
}

const filter = (lines: string, policy = 'ACCEPT', output = 'ACCEPT'): string =>
  `*filter\n:INPUT ${policy} [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ${output} [0:0]\n:gate - [0:0]\n${lines}COMMIT\n`

const found = (start: string, seen: Rules, stop = '/bin/true'): readonly string[] => {
  const text = door(start, stop)
  return faultsOfRules(readConfig(text, 'k').config!, seen).map(
    ({ line, column, message, hint }) => `${line}:${column} ${message} | ${hint}`,
  )
}

const DROP = '-A INPUT -p tcp -m tcp --dport 22 -j DROP\n'

test('nothing, of rules that work', () => {
  expect(found(`iptables -I INPUT ${RULE}`, rules(filter(ESTABLISHED + DROP)))).toEqual([])
  expect(found(`iptables -A gate ${RULE}`, rules(filter(ESTABLISHED, 'DROP')))).toEqual([])
  expect(
    found(`iptables -A INPUT ${RULE}`, rules(filter(`${ESTABLISHED}-A INPUT -p tcp -m tcp --dport 23 -j DROP\n`))),
  ).toEqual([])
  expect(found(`iptables -I INPUT ${RULE}`, rules(''))).toEqual([])
})

test('a rule that would come behind one that drops', () => {
  expect(found(`iptables -A INPUT ${RULE}`, rules(filter(ESTABLISHED + DROP)))).toEqual([
    `3:26 the rule would come after \`${DROP.trim()}\` in chain INPUT of iptables, which takes the packets first | write \`-I\` for \`-A\`: it puts the rule first`,
  ])
})

test('a chain, a table or a set that is not there', () => {
  expect(found(`iptables -I gates ${RULE}`, rules(filter('')))).toEqual([
    '3:29 iptables has no chain `gates` | did you mean `gate`?',
  ])
  expect(found(`iptables -I door ${RULE}`, rules(filter('')))).toEqual([
    '3:29 iptables has no chain `door` | there are: INPUT, FORWARD, OUTPUT, gate',
  ])
  const table = 'table inet f {\n\tset let_in {\n\t\ttype ipv4_addr\n\t}\n\tchain in {\n\t}\n}'
  expect(found('nft add element inet f let_in { %IP% }', rules('', table))).toEqual([])
  expect(found('nft add element inet f letin { %IP% }', rules('', table))).toEqual([
    '3:17 table `inet f` has no set `letin` | did you mean `let_in`?',
  ])
  expect(found('nft add rule ip f in ip saddr %IP% tcp dport 22 accept', rules('', table))[0]).toMatch(
    /^3:17 nft has no table `ip f` \|/,
  )
})

test('a session that would die, and one that would not begin', () => {
  const start = `iptables -I INPUT ${RULE}`
  const untracked = '*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p tcp -m tcp --dport 22 -j CT --notrack\nCOMMIT\n'
  expect(found(start, rules(untracked))[0]).toMatch(
    /^1:1 `-A PREROUTING .*-j CT --notrack` in chain PREROUTING of iptables keeps/,
  )
  expect(found(start, rules(untracked.replace('22', '53')))).toEqual([])
  expect(found(start, rules(filter('', 'DROP')))[0]).toMatch(/^1:1 chain INPUT of iptables refuses what comes in/)
  expect(found(start, rules(filter('-A INPUT -s 203.0.113.9/32 -j DROP\n')))).toEqual([])
  expect(found(start, rules(filter('', 'ACCEPT', 'DROP')))[0]).toMatch(/^1:1 chain OUTPUT of iptables lets no answers/)
  const answers = '-A OUTPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT\n'
  expect(found(start, rules(filter(answers, 'ACCEPT', 'DROP')))).toEqual([])
  for (const rule of ['-p tcp -m tcp --dport 22', '-m owner --uid-owner 33', '-o eth7', '-d 203.0.113.9/32']) {
    expect(found(start, rules(filter(`-A OUTPUT ${rule} -j DROP\n`))), rule).toEqual([])
  }
  expect(found(start, rules(filter('-A OUTPUT -p tcp -m tcp --sport 22 -j DROP\n')))).toHaveLength(1)
  expect(found(start, rules(filter('', 'DROP')), '')).toEqual([])
})
