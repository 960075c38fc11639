// Goal: `postern check` says which sequences a port scan could open, what of a config lets everybody in, and which codes
// can be guessed or kept shut.
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
  ['31337,8022,24801', /^2: 2 of 3 knocks are among the thousand ports/],
])('the sequence %s is warned of', (sequence, message) => {
  expect(told(door(sequence))[0]).toMatch(message)
})

test('ports of its own, at random, are not warned of', () => {
  expect(told(door('24811,8095:udp,41557'))).toEqual([])
  expect(told(door('41557,24811,8095'))).toEqual([])
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
