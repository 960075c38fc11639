// Goal: what was seen of a door is explained with the place in the config that is wrong. What works is not mentioned.
import { expect, test } from 'vitest'
import { REMEDIES } from '../../remedy/remedies.ts'
import { diagnose } from './diagnosis.ts'
import { NOTHING_SEEN } from './trial.ts'
import type { Observation } from '../../twin/observation.ts'
import { readConfig } from '../../config/read.ts'
import { placedDoors } from '../../lint/placed-door.ts'

const TEXT = `[ssh]
Sequence = 7301,8822,6103
Start_Command = /usr/sbin/iptables -A INPUT -s %IP% -p tcp --dport 22 -j ACCEPT
Stop_Command = /usr/sbin/iptables -D INPUT -s %IP% -p tcp --dport 22 -j ACCEPT
`
const doorTexts = (text: string): ReturnType<typeof placedDoors> => placedDoors(readConfig(text, 'k').config!)
const CONTEXT = {
  doors: doorTexts(TEXT),
  faults: [],
  programAt: () => undefined,
  allow: () => undefined,
  hide: () => REMEDIES.edit('knockd.conf', 1),
  scanPortsLine: undefined,
  watched: 'eth0',
}
const START = '/usr/sbin/iptables -A INPUT -s 192.0.2.7 -p tcp --dport 22 -j ACCEPT'
const GOOD: Observation = {
  ...NOTHING_SEEN,
  door: 'ssh',
  family: 4,
  ports: [{ protocol: 'tcp', port: 22, listensAt: 22 }],
  times: { cmdTimeoutMs: 2_000, seqTimeoutMs: 1_000, deadlineShortened: false },
  source: '192.0.2.7',
  meant: true,
  shutsItself: true,
  shuts: false,
  inside: false,
  before: ['silent'],
  seen: true,
  opened: [5],
  others: ['silent'],
  survived: true,
  closed: 10,
  wrongOrder: false,
  slowKnock: false,
  portScan: false,
  commands: [{ part: 'start', text: START, status: 0, output: [] }],
}

const found = (...seen: readonly Partial<Observation>[]): readonly string[] =>
  diagnose(
    seen.map((each) => Object.assign({}, GOOD, each)),
    CONTEXT,
  ).map(
    ({ line, column, families, message, hint }) => `${line}:${column} ${families.join()} ${message} | ${hint ?? ''}`,
  )

const start = (status: number, ...output: readonly string[]): Partial<Observation> => ({
  opened: [null],
  commands: [{ part: 'start', text: START, status, output }],
})

test('nothing, of what works or was not tried', () => {
  expect(found({}, { family: 6 })).toEqual([])
  expect(found({ notTried: 'no address', seen: false, opened: [] })).toEqual([])
})

test('a port that is open to all, over both or over one', () => {
  expect(found({ before: ['open'] }, { family: 6, before: ['open'] })).toEqual([
    '1:1 4,6 tcp/22 is open to everyone without any knock: no rule of this machine hides it | with `Open_Ports = tcp/22` in the door the guard hides it, and established connections stay: "${EDITOR:-vi}" +1 knockd.conf\n    if only neighbours of this machine are let in, knock from elsewhere: --from ADDRESS',
  ])
  expect(found({}, { family: 6, before: ['open'] })[0]).toMatch(/^1:1 6 tcp\/22 is open to everyone over IPv6 /)
})

test('one finding of two attempts over one family names it once', () => {
  const shown = found({ before: ['open'] }, { before: ['open'] })
  expect(shown).toHaveLength(1)
  expect(shown[0]).toMatch(/^1:1 4 /)
})

test('a knock that is not seen', () => {
  expect(found({ seen: false, opened: [null], commands: [] })[0]).toMatch(/^1:1 4 the daemon does not see the knock/)
  expect(found({ family: 6, seen: false, opened: [null], commands: [] })[0]).toMatch(/neighbour discovery/)
})

test('commands that fail', () => {
  expect(found(start(127, '/bin/sh: 1: /usr/sbin/iptables: not found'))).toEqual([
    '3:17 4 there is no program `/usr/sbin/iptables` on this machine | install it, or correct its path',
  ])
  expect(found(start(126))[0]).toMatch(/^3:17 4 `\/usr\/sbin\/iptables` cannot be run \| chmod \+x/)
  expect(found(start(4, 'Another app is currently holding the xtables lock'))).toEqual([
    '3:17 4 the start command fails with exit code 4: Another app is currently holding the xtables lock | ',
  ])
  expect(found({ ...start(2, "host/network `2001:db8::7' not found"), family: 6, source: '2001:db8::7' })[0]).toMatch(
    /^3:17 6 for knocks over IPv6 this command runs too, and iptables refuses their address/,
  )
})

const inForce = (text: string): Pick<Observation, 'rulesOpen'> => ({
  rulesOpen: {
    nft: '',
    tables: [],
    saved: { 'iptables-nft': text, 'ip6tables-nft': '', 'iptables-legacy': '', 'ip6tables-legacy': '' },
    sets: '',
  },
})

test('a port that stays shut', () => {
  const rule = { where: 'iptables', text: '-A INPUT -s 192.0.2.7/32 -p tcp -m tcp --dport 22 -j ACCEPT' }
  const drop = '-A INPUT -p tcp -m tcp --dport 22 -j DROP'
  const culprit = { where: 'iptables', chain: 'INPUT', rule: drop }
  const shut = { opened: [null], others: [], survived: undefined, added: [rule], culprit }
  expect(found({ ...shut, ...inForce(`${drop}\n${rule.text}\n`) })[0]).toMatch(/^3:36 4 the rule never takes effect/)
  expect(found({ ...shut, ...inForce(`${rule.text}\n${drop}\n`) })[0]).toMatch(/^3:17 4 tcp\/22 stays shut: the rule/)
  expect(found({ ...shut, added: [], culprit: undefined })[0]).toMatch(/succeeds, but changes no rule/)
})

test.each([
  ['-i eth7 -p tcp --dport 22', /the rule is for packets on eth7, and the knock came in on eth0 \| write `-i eth0`/],
  ['-d 192.0.2.7 -p tcp --dport 22', /`-d %IP%` matches packets to the address that knocked, .* \| write `-s %IP%`$/],
  ['-p tcp --sport 22', /`--sport 22` matches packets from that port of the client, .* \| write `--dport 22`$/],
])('a rule that no packet fits: %s', (words, message) => {
  const text = `-A INPUT ${words} -j ACCEPT`
  const shut: Observation = {
    ...GOOD,
    opened: [null],
    others: [],
    survived: undefined,
    added: [{ where: 'iptables', text }],
    culprit: { where: 'iptables', chain: 'INPUT', rule: '-P INPUT DROP' },
    ...inForce(`*filter\n:INPUT DROP [0:0]\n${text}\nCOMMIT\n`),
  }
  const doors = doorTexts(TEXT.replace('-s %IP% -p tcp --dport 22', words))
  expect(diagnose([shut], { ...CONTEXT, doors }).map((each) => `${each.message} | ${each.hint}`)[0]).toMatch(message)
})

test('a stop command that leaves something, or takes something away', () => {
  const left = [{ where: 'iptables', text: '-A INPUT -s 192.0.2.7/32 -j ACCEPT' }]
  expect(found({ left, closed: null })).toEqual([
    '4:16 4 the stop command does not remove what the start command added: `-A INPUT -s %IP%/32 -j ACCEPT` stays in iptables | repeat the rule of the start command word by word, with -D',
  ])
  expect(found({ lost: left })[0]).toMatch(/^4:16 4 the stop command removes a rule of this machine/)
  expect(found({ closed: null })[0]).toMatch(/^4:16 4 tcp\/22 is still open after the deadline/)
})

test('a session that dies', () => {
  const sessionCulprit = { where: 'table inet f', chain: 'input', rule: 'policy drop' }
  expect(found({ survived: false, sessionCulprit })[0]).toMatch(
    /nft insert rule inet f input ct state established,related accept$/,
  )
})

test('what opens it and must not', () => {
  expect(
    found({ wrongOrder: true, slowKnock: true, portScan: true, others: ['open'] }).map((each) => each.slice(0, 6)),
  ).toEqual(['3:17 4', '2:12 4', '2:12 4', '2:12 4'])
})

test('a door that shuts what another one opened', () => {
  const shutter = { ...start(1, 'Bad rule'), shuts: true, shutsItself: false, closed: undefined, opened: [] }
  expect(found(shutter)).toEqual([])
  expect(found({ ...shutter, inside: true })[0]).toMatch(/^3:17 4 the start command fails/)
  expect(found({ ...shutter, commands: [], inside: true, closed: null })[0]).toMatch(/still open to the address/)
})

test('a wrapper that is not there is not the program that it runs', () => {
  const text = TEXT.replace('/usr/sbin/iptables -A', 'sudo -n /usr/sbin/iptables -A')
  const seen = { ...GOOD, ...start(127, '/bin/sh: 1: sudo: not found') }
  expect(diagnose([seen], { ...CONTEXT, doors: doorTexts(text) })).toMatchObject([
    {
      line: 3,
      column: 17,
      message: 'there is no program `sudo` on this machine',
      hint: 'remove it: the daemon runs as root already',
    },
  ])
})

test('no script of the same name is recommended', () => {
  const text = TEXT.replace('/usr/sbin/iptables -A', '/usr/local/sbin/open -A')
  const context = {
    ...CONTEXT,
    doors: doorTexts(text),
    programAt: (name: string) => (name === '' ? undefined : `/usr/bin/${name}`),
  }
  const seen = { ...GOOD, ...start(127, '/bin/sh: 1: /usr/local/sbin/open: not found') }
  expect(diagnose([seen], context)[0]!.hint).toBe('install it, or correct its path')
})
