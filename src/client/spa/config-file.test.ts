// Goal: the first section that matches a host says how it is opened. Each fault of the file is reported with its place,
// and no message repeats a knock.
import { describe, expect, test } from 'vitest'
import { TCP, UDP } from '../../packet/packet.ts'
import { matches, readHostConfig } from './config-file.ts'

const KNOCKS = [
  { protocol: TCP, port: 5127 },
  { protocol: UDP, port: 8841 },
  { protocol: TCP, port: 2309 },
]

describe('hosts', () => {
  test.each<[string, string, boolean]>([
    ['gate', 'gate', true],
    ['gate', 'GATE', true],
    ['Gate', 'gate', true],
    ['gate', 'gate.example.org', false],
    ['gate', 'agate', false],
    ['*', 'anything', true],
    ['*', '', true],
    ['*.example.org', 'gate.example.org', true],
    ['*.example.org', 'example.org', false],
    ['gate*', 'gate', true],
    ['192.0.2.*', '192.0.2.17', true],
    ['g*t*e', 'gate', true],
    ['a*a', 'a', false],
    ['ab*ba', 'aba', false],
    ['*a*b*', 'xxbxa', false],
    ['*a*b*', 'xxaxb', true],
    ['g.te', 'gate', false],
    ['2001:db8::*', '2001:db8::7', true],
  ])('%s and %s: %s', (pattern, host, expected) => {
    expect(matches(pattern, host)).toBe(expected)
  })

  test('the first section that says something counts, [default] comes last wherever it stands', () => {
    const text = `
      [default]
      Wait = 9s
      Family = 6
      [gate other]
      Wait = 2s
      [*.lab ga*]
      Wait = 3s
      Try_First = yes
      [*]
      Try_First = no
      Retry = 4
    `
    expect(readHostConfig(text, 'gate')).toMatchObject({
      found: true,
      faults: [],
      settings: { waitMs: 2_000, tryFirst: true, retry: 4, family: 6 },
    })
    expect(readHostConfig(text, 'one.lab').settings.waitMs).toBe(3_000)
    expect(readHostConfig(text, 'else').settings).toEqual({ tryFirst: false, retry: 4, waitMs: 9_000, family: 6 })
  })

  test('[default] alone is no section for a host', () => {
    expect(readHostConfig('[default]\nKnock = 1,2\n', 'gate').found).toBe(false)
    expect(readHostConfig('[default]\nKnock = 1,2\n', 'default').found).toBe(false)
    expect(readHostConfig('[other]\nKnock = 1,2\n', 'gate').found).toBe(false)
  })
})

describe('ways', () => {
  test('a sequence, with a pause', () => {
    expect(readHostConfig('[gate]\nknock = 5127,8841:udp, 2309\nDelay = 50ms\nHost-Name = 192.0.2.1', 'gate')).toEqual({
      found: true,
      way: 'knocks',
      secretive: true,
      faults: [],
      settings: { knocks: KNOCKS, delayMs: 50, host: '192.0.2.1' },
    })
  })

  test('a code, with or without knocks in front', () => {
    expect(readHostConfig('[gate]\ntotp-file = ~/totp\n', 'gate')).toMatchObject({
      way: 'knocks',
      secretive: false,
      settings: { totpFile: '~/totp' },
    })
    expect(readHostConfig('[gate]\nTOTP_File = ~/totp\nKnock = 5127,8841:udp,2309', 'gate').settings).toEqual({
      totpFile: '~/totp',
      knocks: KNOCKS,
    })
  })

  test('a published list', () => {
    const text =
      '[gate]\nFrom = https://gate.example.org/ssh.age\nIdentity = ~/a\nIdentity = ~/b\nPassphrase_File = ~/p\n'
    expect(readHostConfig(text, 'gate')).toMatchObject({
      way: 'list',
      faults: [],
      settings: {
        from: new URL('https://gate.example.org/ssh.age'),
        identities: ['~/a', '~/b'],
        passphraseFile: '~/p',
      },
    })
    expect(readHostConfig('[gate]\nFrom = /srv/ssh.age', 'gate').settings.from).toBe('/srv/ssh.age')
  })

  test('what another section says of another way is left out', () => {
    const text =
      '[gate]\nKnock = 5127,8841:udp,2309\n[*]\nTOTP_File = ~/totp\nDelay = 1s\n[default]\nDoor = ssh\nOpen_For = 9s\n'
    // Nor is the code for all others knocked behind the sequence of this one.
    expect(readHostConfig(text, 'gate').settings).toEqual({ knocks: KNOCKS, delayMs: 1_000 })
    expect(readHostConfig(text, 'else').settings).toEqual({ totpFile: '~/totp', delayMs: 1_000 })
    expect(readHostConfig(text, 'gate', 'packet').settings).toEqual({ door: 'ssh', openS: 9 })
    expect(readHostConfig('[gate]\nDoor = ssh\n[*]\nKnock = 1,2\nDelay = 1s\n', 'gate')).toMatchObject({
      way: 'packet',
      settings: { door: 'ssh' },
    })
    expect(readHostConfig('[gate]\nHost = a\n', 'gate').way).toBeUndefined()
  })
})

test.each<[string, string, string, string | RegExp]>([
  ['two ways', '[gate]\nKnock = 1,2\nFrom = /a', '3:1', /^From does not go with knocks \(Knock, TOTP_File\)$/],
  ['an identity for knocks', '[gate]\nIdentity = a\nKnock = 1,2', '2:1', /^Identity does not go with knocks/],
  ['a door and a code', '[gate]\nDoor = ssh\n TOTP_File = /a', '3:2', /^TOTP_File does not go with the single packet/],
  ['two ways for all', '[default]\nDoor = ssh\nKnock = 1,2', '3:1', /^Knock does not go with/],
  ['a line twice', '[gate]\nKnock = 1,2\n[Gate]\nKnock = 3,4', '4:1', '`Knock` is already set on line 2'],
  ['a header without a name', '[gate]\n[ ]', '2:1', 'the section has no name'],
  ['a wrong knock', '[gate]\nKnock = 7123,81234,2309', '2:14', /^knock 2: /],
  ['an address of another kind', '[gate]\nFrom = ftp://a/b', '2:8', 'cannot fetch by ftp'],
  [
    'an address with a password',
    '[gate]\nFrom = https://u:secret@a/b',
    '2:8',
    'a user name or password in the address',
  ],
  ['too long a pause', '[gate]\nDelay = 200', '2:9', '`200` is too long'],
  ['too short a wait', '[gate]\nWait = 0', '2:8', '`0` is too short'],
  ['neither yes nor no', '[gate]\nTry_First = 1', '2:13', '`1` is not yes or no'],
  ['no count', '[gate]\nRetry = -1', '2:9', '`-1` is not a number'],
  ['a directive nobody knows', '[other]\nTotpfil = /a', '2:1', 'unknown directive `Totpfil`'],
])('%s', (_, text, place, message) => {
  const { faults } = readHostConfig(text, 'gate')
  expect(faults.map(({ line, column }) => `${line}:${column}`)).toEqual([place])
  expect(faults[0]!.message).toMatch(message)
  expect(faults[0]!.hint).not.toBeUndefined()
  expect(JSON.stringify(faults)).not.toMatch(/7123|81234|2309|secret/)
})

test('the nearest name is what is proposed', () => {
  expect(readHostConfig('[gate]\nTotpfil = /a', 'gate').faults[0]!.hint).toBe('did you mean `TOTP_File`?')
})
