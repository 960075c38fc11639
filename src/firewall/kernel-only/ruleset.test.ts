// Goal: the text for nft and iptables is what an administrator would write, and the real programs accept it.
import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { readConfig } from '../../config/read.ts'
import { iptablesRuleset } from './iptables.ts'
import { nftRuleset } from './nft.ts'
import { planKernel } from './plan.ts'
import type { Dialect } from './dialect.ts'
import type { KernelPlan } from './plan.ts'

const SMALL = '[ssh]\nSequence = 7301,8822:udp\nSeq_Timeout = 10\nOpen_Ports = tcp/22\nOpen_For = 30s\n'
const LARGE = `[options]
Guard = udp/53, tcp/5432
Always_Allow = 192.0.2.0/24, 2001:db8::/32
Interface = eth0, wg0
Hide_With = drop
[a door of "quotes"; and {more}]
Sequence = 7301,8822:udp/32,7301
Open_Ports = tcp/22, udp/60000-61000
Allow_From = 192.0.2.0/24
Widen = /24, /64
TCPFlags = fin,!ack
[a-door-of-quotes]
Sequence = 1
Open_Ports = tcp/23
TCPFlags = !syn,!ack
`

function planned(text: string, dialect: Dialect): KernelPlan {
  const { config } = readConfig(text, 'knockd.conf')
  const allowed = [{ protocol: 6, first: 80, last: 81, host: undefined }] as const
  return planKernel(config!, { dialect, doors: [], allowed }).plan!
}

function load(input: string, ...argv: readonly string[]): void {
  execFileSync('unshare', ['-n', ...argv], { input, stdio: 'pipe' })
}

const rules = (text: string): string => text.slice(text.search(/^(add table|\*filter)/m))

test('nft', () => {
  expect(rules(nftRuleset(planned(SMALL, 'nft')))).toMatchSnapshot()
})

test('iptables', () => {
  expect(rules(iptablesRuleset(planned(SMALL, 'iptables'), 4))).toMatchSnapshot()
})

test('ip6tables', () => {
  expect(rules(iptablesRuleset(planned(SMALL, 'iptables'), 6))).toMatchSnapshot()
})

test('the comment on top says what it does, and no line of it can be taken for a rule', () => {
  const name = 'a\rdoor'
  const { config } = readConfig(SMALL, 'knock\nd.conf')
  const doors = [{ ...config!.doors[0]!, name }]
  const { plan } = planKernel({ ...config!, doors }, { dialect: 'nft', doors: [], allowed: [] })
  const text = nftRuleset(plan!)
  const head = text.slice(0, text.indexOf('\nadd table')).trimEnd().split('\n')
  expect(head.every((line) => line.startsWith('#'))).toBe(true)
  expect(text).not.toContain('\r')
  expect(head).toContain('#   tcp/22 for 30 s after the knocks of door `a<U+000D>door`, made within 10 s')
})

test('names that come out alike are told apart', () => {
  const { doors } = planned(LARGE, 'nft')
  expect(doors.map(({ slug }) => slug)).toEqual(['a_door_of_qu', 'a_door_of__2'])
})

test.skipIf(process.getuid?.() !== 0).each([SMALL, LARGE])('the real programs take it', (text) => {
  load(nftRuleset(planned(text, 'nft')), 'nft', '-c', '-f', '-')
  for (const family of [4, 6] as const) {
    const restore = `ip${family === 6 ? '6' : ''}tables-restore`
    load(iptablesRuleset(planned(text, 'iptables'), family), restore, '--test', '--noflush')
  }
})

test('a datagram of a size is told by its length, which counts the headers that each program counts', () => {
  expect(nftRuleset(planned(LARGE, 'nft'))).toContain('udp dport 8822 udp length 40 ')
  expect(iptablesRuleset(planned(LARGE, 'iptables'), 4)).toContain('-p udp --dport 8822 -m length --length 60 ')
  const six = SMALL.replace('8822:udp', '8822:udp/32')
  expect(iptablesRuleset(planned(six, 'iptables'), 6)).toContain('-p udp --dport 8822 -m length --length 80 ')
})
