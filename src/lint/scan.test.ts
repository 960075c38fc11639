// Goal: `postern check` says which sequences a port scan could open and which lines let everybody in. It also says
// which codes can be guessed or kept shut.
import { expect, test } from 'vitest'
import type { Facts } from './facts.ts'
import { checkConfig } from './lint.ts'

const told = (text: string, facts?: Facts): readonly string[] =>
  checkConfig(text, 'k', facts).faults.map(({ line, message }) => `${line}: ${message}`)

const door = (sequence: string): string => `[ssh]\nSequence = ${sequence}\nOpen_Ports = tcp/22\n`

const facts = (digits: number): Facts => ({
  listens: () => false,
  mode: 0o600,
  file: () => ({
    mode: 0o600,
    content: `otpauth://totp/x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&digits=${digits}\n`,
  }),
})
const coded = (more: string, options = ''): string =>
  `[ssh]\nTOTP_Secret_File = /s\n${more}Open_Ports = tcp/22\n${options}`

test.each([
  ['41552', /^2: one knock opens these ports/],
  ['24811,8093:udp', /^2: two knocks are few/],
  ['24817,24817,24817', /^2: every knock is at the same port/],
  ['24817,24820,24811', /^2: the ports are so near each other/],
  ['8080,8443,8500', /^2: a scan of nmap's default ports in order/],
  ['443,22,3389', /^2: nmap scans nearly all of its ports first/],
  ['7000,8000,9000', /^2: this sequence is published/],
  ['24817,8093:udp,41552', /^2: this sequence is published/],
  ['21741,9386:udp,40127', /^2: this sequence is published/],
  ['icmp/419', /^2: one ping opens these ports/],
  ['icmp/419,icmp/731', /^2: two knocks are few: a scan of ports and sizes/],
  ['icmp/419,icmp/419,icmp/419', /^2: every knock is the same ping/],
  ['icmp/56,icmp/32,icmp/56,icmp/32', /^2: ping sends each of these sizes by itself/],
  ['icmp/419,icmp/425,icmp/421', /^2: the ports, or the sizes of its pings, are so near/],
  ['icmp/419,icmp/731,icmp/1204', /^2: the sizes are in ascending order/],
  ['icmp/1377,icmp/731,icmp/1204,icmp/289,icmp/946,icmp/518', /^2: pings are easier to guess than ports/],
  ['24811,icmp/419,8095', /^2: pings are easier to guess than ports: there are some 6,330,000,000,000 such/],
  ['icmp/731,icmp/1204,icmp/289,icmp/946,icmp/518,icmp/1377,icmp/402', /^2: this sequence is published/],
  ['24811,8095,41557,icmp/56', /^2: knock 4: ping sends this size by itself \(Linux, macOS, the BSDs\)/],
  ['24811,8095,41557,icmp/32', /^2: knock 4: ping sends this size by itself \(Windows\)/],
  ['24811,8095,41557,icmp/1473', /^2: knock 4: a packet of this size is fragmented with the usual MTU of 1500/],
  ['24811,8095,41557,icmp/1453', /^2: knock 4: a packet of this size is fragmented over IPv6 .* and is no knock then/],
  ['24811,8095,41557:udp/1453', /^2: knock 3: a packet of this size .* over IPv6 .* many networks drop fragments/],
  ['31337,8022,24801', /^2: 2 of 3 knocks are among the thousand ports/],
])('the sequence %s is warned of', (sequence, message) => {
  expect(told(door(sequence))[0]).toMatch(message)
})

test('ports of its own, at random, are not warned of', () => {
  expect(told(door('24811,8095:udp,41557'))).toEqual([])
  expect(told(door('41557,24811,8095'))).toEqual([])
  expect(told(door('24811,8095,41557,icmp/1452'))).toEqual([])
  expect(told(door('24811,8095:udp/1452,icmp/419'))).toEqual([])
  expect(told(door('icmp/1377,icmp/731,icmp/1204,icmp/289,icmp/946,icmp/518,icmp/403'))).toEqual([])
})

test('a door with the sequence of another, but with sizes, opens both', () => {
  const other = '[all]\nSequence = 24811,8095:udp,41557\nOpen_Ports = tcp/80\n'
  const message = 'door `ssh` has the sequence of `all` (line 4) with sizes'
  expect(told(`${door('24811,8095:udp/32,41557')}${other}`)).toEqual([`2: ${message}`])
  expect(told(`${door('24811,8095:udp/32,41557')}${other.replace(':udp', ':udp/31')}`)).toEqual([])
})

test.each([
  ['0.0.0.0/0', /^2: `0\.0\.0\.0\/0` is everybody over IPv4/],
  ['192.0.2.0/24, ::/0', /^2: `::\/0` is everybody over IPv6/],
  ['0.0.0.0/1, 128.0.0.0/1', /^2: `0\.0\.0\.0\/1` is a large part of the internet/],
])('Always_Allow = %s is warned of', (networks, message) => {
  expect(told(`[options]\nAlways_Allow = ${networks}\n${door('24811,8095,41557')}`)[0]).toMatch(message)
})

test('networks of a size that somebody has are not', () => {
  expect(told(`[options]\nAlways_Allow = 10.0.0.0/8, 2001:db8::/32\n${door('24811,8095,41557')}`)).toEqual([])
})

test('codes alone, and codes of few digits without a guard', () => {
  expect(told(coded(''), facts(8))).toEqual([expect.stringMatching(/^2: codes alone/)])
  expect(told(coded('Sequence = 24811,8095,41557\n'), facts(6))).toEqual([])
  const off = '[options]\nScan_Ports = 0\n'
  expect(told(coded('Sequence = 24811,8095,41557\n', off), facts(6))).toEqual([
    expect.stringMatching(/^6: nothing limits guesses at the codes of door `ssh`, which have 6 digits/),
  ])
  expect(told(coded('', off), facts(8))).toHaveLength(2)
})
