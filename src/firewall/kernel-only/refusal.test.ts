// Goal: nothing that the kernel cannot do is left out in silence: each such line is named, with what would be right.
import { expect, test } from 'vitest'
import { formatFault } from '../../text/fault.ts'
import { readConfig } from '../../config/read.ts'
import type { Service } from '../../config/config.ts'
import { planKernel } from './plan.ts'
import type { Dialect } from './dialect.ts'

const DOOR = '[ssh]\nSequence = 7301,8822\nOpen_Ports = tcp/22\n'

function faults(
  text: string,
  dialect: Dialect = 'nft',
  doors: readonly string[] = [],
  allowed: Service[] = [],
): string {
  const { config } = readConfig(text, 'k.conf')
  const planning = planKernel(config!, { dialect, doors, allowed })
  expect(planning.plan === undefined).toBe(planning.faults.some(({ severity }) => severity === 'error'))
  return planning.faults.map((fault) => formatFault('k.conf', fault)).join('\n')
}

test('what can be done is not refused', () => {
  expect(faults(DOOR)).toBe('')
  expect(faults(`${DOOR}Widen = /24\nAllow_From = 192.0.2.0/24\nTCPFlags = syn\n`, 'iptables')).toBe('')
})

test.each([
  ['one-time', '[x]\nOne_Time_Sequences = /etc/s\nOpen_Ports = tcp/22\n', /has one-time sequences/],
  ['a command', '[x]\nSequence = 1,2\nCommand = true\n', /opens by a command/],
  ['a command too', '[x]\nSequence = 1,2\nOpen_Ports = tcp/22\nCommand_6 = true\n', /a command beside Open_Ports/],
  ['a target', '[x]\nSequence = 1,2\nOpen_Ports = tcp/22\nTarget = 192.0.2.1\n', /has a Target/],
  ['extending', '[x]\nSequence = 1,2\nOpen_Ports = tcp/22\nExtend_While_Connected = yes\n', /Extend_While_Connected/],
  ['another host', '[x]\nSequence = 1,2\nOpen_Ports = tcp/22@192.0.2.9\n', /tcp\/22@192\.0\.2\.9, a port of another/],
  ['a ping', '[x]\nSequence = 1,icmp/99\nOpen_Ports = tcp/22\n', /has a ping in its sequence/],
  ['twice in a row', '[x]\nSequence = 1,2:udp,2:udp\nOpen_Ports = tcp/22\n', /has udp\/2 twice in a row/],
])('%s', (_, text, message) => {
  for (const dialect of ['nft', 'iptables'] as const) {
    const told = faults(`${DOOR}${text}`, dialect)
    expect(told).toMatch(/^k\.conf:4:1: error: door `x` .+\n {4}\S/)
    expect(told).toMatch(message)
  }
  expect(faults(`${DOOR}${text}`, 'nft', ['ssh'])).toBe('')
})

test('the same port twice in a row, but by another protocol or of another size, can be told', () => {
  expect(faults('[x]\nSequence = 1,2,2:udp,1\nOpen_Ports = tcp/22\n')).toBe('')
  expect(faults('[x]\nSequence = 1,2:udp,2:udp/9,1\nOpen_Ports = tcp/22\n')).toBe('')
})

test('times that the recent match cannot keep', () => {
  const text = `[options]\nScan_Ignore = 1500ms\n${DOOR}Seq_Timeout = 1500ms\nOpen_For = 5000000\n`
  expect(faults(text)).toBe('')
  expect(
    faults(text, 'iptables')
      .split('\n')
      .filter((line) => line.includes('error')),
  ).toEqual([
    'k.conf:3:1: error: door `ssh` has a Seq_Timeout that the recent match cannot keep',
    'k.conf:3:1: error: door `ssh` has an Open_For that the recent match cannot keep',
    'k.conf:1:1: error: the recent match cannot keep the time of Scan_Ignore',
  ])
})

test('ports that are to be hidden and open', () => {
  const told = faults(DOOR, 'nft', [], [{ protocol: 6, first: 20, last: 30, host: undefined }])
  expect(told).toMatch(/^k\.conf:1:1: error: tcp\/22 must be hidden, but --allow opens it to everybody/)
  expect(faults(DOOR, 'nft', [], [{ protocol: 17, first: 20, last: 30, host: undefined }])).toBe('')
})

test('hooks, and guarded ports of other hosts', () => {
  expect(faults(`[options]\nStart_Hook = true\n${DOOR}`)).toMatch(/warning: Start_Hook and Stop_Hook are not run/)
  expect(faults(`[options]\nOn_Event = open: true\n${DOOR}`)).toMatch(/warning: On_Event is told of nothing/)
  expect(faults(`[options]\nGuard = tcp/1@192.0.2.9\n${DOOR}`)).toMatch(/error: Guard names tcp\/1@192\.0\.2\.9/)
})

test('too many doors', () => {
  const doors = Array.from(
    { length: 65 },
    (_, index) => `[d${index}]\nSequence = 1,${index + 2}\nOpen_Ports = tcp/22\n`,
  )
  expect(faults(doors.slice(1).join(''))).toBe('')
  expect(faults(doors.join(''))).toMatch(/^k\.conf:193:1: error: too many doors for the kernel: at most 64/)
})
