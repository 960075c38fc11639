// Goal: the base ruleset has the intended rules, on trial and kept, with a guard and without.
import { expect, test } from 'vitest'
import { readConfig } from '../../config/read.ts'
import { TCP } from '../../packet/packet.ts'
import { basePlan, baseRuleset } from './ruleset.ts'

const { config } = readConfig(
  `[options]
Always_Allow = 203.0.113.0/24, 2001:db8:1::/48
[ssh]
Sequence = 7301,5401
Open_Ports = tcp/22, tcp/23@192.0.2.9
`,
  'knockd.conf',
)
const plan = basePlan(config!, [{ protocol: TCP, first: 80, last: 81, host: undefined }])

test('kept, beside a guard: guarded ports are left to it', () => {
  const text = baseRuleset(plan, { guardThere: true, trialS: undefined })
  expect(text).toContain('\t\ttcp dport 80-81 accept\n')
  expect(text).toContain('\t\ttcp dport 22 accept\n')
  // Ports of other hosts are forwarded, which is nothing of this ruleset's.
  expect(text).not.toContain('dport 23')
  expect(text).not.toContain('trial')
  expect(text.indexOf('established')).toBeLessThan(text.indexOf('reject'))
})

test('without a guard only who always may reaches guarded ports', () => {
  const text = baseRuleset(plan, { guardThere: false, trialS: 30 })
  expect(text).not.toContain('\t\ttcp dport 22 accept\n')
  expect(text).toContain('\t\tip saddr 203.0.113.0/24 tcp dport 22 accept\n')
  expect(text).toContain('\t\tip6 saddr 2001:db8:1::/48 tcp dport 22 accept\n')
})

test('on trial everything is let in as soon as the set is empty, before anything is refused', () => {
  const text = baseRuleset(plan, { guardThere: true, trialS: 70 })
  expect(text).toContain('elements = { ipv4 timeout 70s, ipv6 timeout 70s }')
  expect(text.indexOf('meta nfproto != @trial accept')).toBeGreaterThan(0)
  expect(text.indexOf('meta nfproto != @trial accept')).toBeLessThan(text.indexOf('reject'))
})

test('as Hide_With has it, the rest gets no answer', () => {
  const text = baseRuleset({ ...plan, hideWith: 'drop' }, { guardThere: true, trialS: undefined })
  expect(text).not.toContain('reject')
  expect(text).toMatch(/\t\tdrop\n\t\}\n/)
})
