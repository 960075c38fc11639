// Goal: the rule that refuses a packet is found from counters that rose, and from the end of the kernel's trace.
import { setTimeout as pause } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { inShell } from '../shell-fake.ts'
import type { Twin } from '../twin.ts'
import { culpritOf, meet, risen, traced } from './culprit.ts'

const saved = (policy: number, accepted: number, dropped: number): string => `*filter
:INPUT DROP [${policy}:100]
:FORWARD ACCEPT [0:0]
[${accepted}:60] -A INPUT -p tcp -m tcp --dport 80 -j ACCEPT
[${dropped}:60] -A INPUT -p tcp -m tcp --dport 22 -j REJECT --reject-with tcp-reset
COMMIT
`

test('a rule that rejects and has counted more', () => {
  expect(risen('iptables-nft', saved(0, 1, 1), saved(0, 5, 2))).toEqual([
    { where: 'iptables', chain: 'INPUT', rule: '-A INPUT -p tcp -m tcp --dport 22 -j REJECT --reject-with tcp-reset' },
  ])
})

test('a policy that has counted more', () => {
  expect(risen('ip6tables-legacy', saved(0, 1, 1), saved(3, 1, 1))).toEqual([
    { where: 'ip6tables-legacy', chain: 'INPUT', rule: '-P INPUT DROP' },
  ])
})

test('rules that accept, and rules that are others by now, say nothing', () => {
  expect(risen('iptables-nft', saved(0, 1, 1), saved(0, 5, 1))).toEqual([])
  expect(risen('iptables-nft', saved(0, 1, 1).replace('--dport 22', '--dport 23'), saved(0, 1, 2))).toEqual([])
})

const TRACE = [
  'trace id dfad71bd inet postern_rehearsal in rule ip saddr 192.0.2.7 tcp dport 22 meta nftrace set 1 (verdict continue)',
  'trace id dfad71bd ip filter INPUT rule tcp dport 22  counter packets 0 bytes 0 accept (verdict accept)',
  'trace id dfad71bd inet f input rule tcp dport 22 drop (verdict drop)',
]

test('a rule of nftables', () => {
  expect(traced(TRACE)).toEqual({ where: 'table inet f', chain: 'input', rule: 'tcp dport 22 drop' })
  expect(traced(TRACE.slice(0, 2))).toBeUndefined()
})

test('a policy, by the name of who keeps the chain', () => {
  expect(traced([...TRACE.slice(0, 2), 'trace id dfad71bd inet f input policy drop '])).toMatchObject({
    where: 'table inet f',
    rule: 'policy drop',
  })
  expect(traced(['trace id dfad71bd ip6 filter INPUT policy drop '])).toEqual({
    where: 'ip6tables',
    chain: 'INPUT',
    rule: '-P INPUT DROP',
  })
})

test('tables and chains come in whatever order', () => {
  const nat = '*nat\n:PREROUTING ACCEPT [9:540]\nCOMMIT\n'
  const [chain, drop] = [':gate - [0:0]\n', '-A gate -j DROP\n']
  const before = `${nat}*filter\n:INPUT ACCEPT [1:60]\n${chain}[4:240] ${drop}COMMIT\n`
  const after = `*filter\n${chain}:INPUT ACCEPT [1:60]\n[5:300] ${drop}COMMIT\n${nat}`
  expect(risen('iptables-nft', before, after)).toEqual([{ where: 'iptables', chain: 'gate', rule: drop.trim() }])
})

test('counters of other packets say nothing where the trace knows better', () => {
  const counted = [
    { where: 'iptables', text: ':INPUT DROP' },
    { where: 'iptables', text: ':OUTPUT DROP' },
  ]
  expect(culpritOf(counted, traced(['trace id 1 ip filter OUTPUT policy drop ']))).toEqual({
    where: 'iptables',
    chain: 'OUTPUT',
    rule: '-P OUTPUT DROP',
  })
  expect(culpritOf(counted, undefined)?.rule).toBe('-P INPUT DROP')
  const own = [...counted, { where: 'iptables', text: '-A ufw-x -j DROP' }]
  expect(
    culpritOf(own, traced(['trace id 1 ip filter ufw-x rule counter packets 1 bytes 60 drop (verdict drop)']))?.rule,
  ).toBe('-A ufw-x -j DROP')
})

/** A copy whose trace shows these lines; iptables-save counts a packet more each time that `sent` is called. */
function copyWith(trace: readonly string[]) {
  const asked: string[] = []
  let count = 0
  const server = {
    lines: () => (asked.includes('start') ? trace : []),
    start: async () => void asked.push('start'),
    ask: async (order: string) => void asked.push(order),
    line: async (_: string, __: number, isWanted: (line: string) => boolean) => trace.find(isWanted),
  }
  const run = inShell(([program]) => ({
    code: 0,
    stdout: program === 'iptables-nft-save' ? saved(count, 0, 0) : '',
    stderr: '',
  }))
  return { asked, sent: () => void count++, twin: { server, run } as unknown as Twin }
}

const ENDPOINT = { protocol: 'tcp', host: '192.0.2.1', port: 22, source: '192.0.2.7' } as const

test('nobody waits for an answer that the trace shows to be taken', async () => {
  const { asked, twin } = copyWith(TRACE)
  const { culprit } = await meet(twin, ENDPOINT, async () => await new Promise(() => undefined))
  expect(culprit?.rule).toBe('tcp dport 22 drop')
  expect(asked).toEqual(['start', 'stop'])
})

test('without a trace, the counters are read after the packets', async () => {
  const { sent, twin } = copyWith([])
  const send = async (): Promise<void> => {
    await pause(50)
    sent()
  }
  expect((await meet(twin, ENDPOINT, send)).culprit?.rule).toBe('-P INPUT DROP')
})
