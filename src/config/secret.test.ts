// Goal: one kind of secret opens a door. Every line about it is either used, or reported as wrong or without effect,
// with its place.
import { describe, expect, test } from 'vitest'
import { TCP } from '../packet/packet.ts'
import { checkConfig } from '../lint/lint.ts'

const COMMAND = 'Start_Command = /bin/true\n'
const read = (lines: string) => checkConfig(`[d]\n${lines}\n${COMMAND}`, 'k')
const secret = (lines: string) => {
  const { config, faults } = read(lines)
  expect(faults).toEqual([])
  return config!.doors[0]!.secret
}
const told = (lines: string): readonly string[] =>
  read(lines).faults.map(({ severity, line, column, message }) => `${line}:${column} ${severity}: ${message}`)
const AGE = `age1${'q'.repeat(58)}`

const keyOf = (index: number): string => `${'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'[index % 32]}ZDGNBVGY3TQOJQGEZDGNBVGY3TQ`
const usersOf = (digits: number): string =>
  Array.from({ length: 20 }, (_, index) => `u${index} otpauth://totp/x?secret=${keyOf(index)}&digits=${digits}\n`).join(
    '',
  )

const warned = (lines: string, digits: number): readonly string[] =>
  checkConfig(`[d]\nUsers = /u\n${lines}Start_Command = true\n`, 'k', {
    listens: () => false,
    mode: 0o600,
    file: () => ({ mode: 0o600, content: usersOf(digits) }),
  }).faults.map(({ line, message }) => `${line}: ${message}`)

/** The messages about guesses while the scan guard is off. */
const off = (lines: string, digits: number): readonly string[] =>
  warned(`${lines}[options]\nScan_Ports = 0\n[e]\nSequence = 9123,4021,811\n`, digits).filter((text) =>
    /guesses/.test(text),
  )

describe('what is read', () => {
  test('codes are read, alone and behind a sequence', () => {
    expect(secret('TOTP_Secret_File = /s')).toEqual({ kind: 'totp', path: '/s', code: { before: [], skew: 1 } })
    const before = [
      { protocol: TCP, port: 8123 },
      { protocol: TCP, port: 7456 },
    ]
    expect(secret('Sequence = 8123,7456\ntotp_secret_file = /s\nTOTP_Skew = 3')).toEqual({
      kind: 'totp',
      path: '/s',
      code: { before, skew: 3 },
    })
    expect(secret('Users = /u')).toEqual({ kind: 'users', path: '/u', code: { before: [], skew: 1 } })
  })

  test('lists that the daemon makes are read', () => {
    expect(secret('One_Time_Sequences = Generate')).toEqual({
      kind: 'generated',
      lowWater: 3,
      list: { count: 20, length: 4, ports: { first: 1024, last: 65535 }, publish: undefined },
    })
    const lines = [
      'one_time_sequences = generate',
      'sequence_count = 50',
      'sequence_length = 5',
      'sequence_ports = 20000 - 29999',
      'low_water = 10',
      'publish_to = /var/www/knock',
      `publish_for = ${AGE}, /etc/keys/a.asc`,
      `publish_for = ${AGE}`,
      'publish_host = Gate.Example.org',
      'publish_overlap = 1h',
    ]
    expect(secret(lines.join('\n'))).toEqual({
      kind: 'generated',
      lowWater: 10,
      list: {
        count: 50,
        length: 5,
        ports: { first: 20_000, last: 29_999 },
        publish: {
          folder: '/var/www/knock',
          recipients: [AGE, '/etc/keys/a.asc'],
          passphraseFile: undefined,
          host: 'gate.example.org',
          overlapMs: 3_600_000,
        },
      },
    })
  })
})

describe('what is wrong', () => {
  test.each([
    ['two kinds', 'Users = /u\nTOTP_Secret_File = /s', '3:1 error: door `d` has both TOTP_Secret_File and Users'],
    [
      'a sequence before a list',
      'One_Time_Sequences = /o\nSequence = 8123,7456',
      '3:1 error: door `d` has both Sequence and One_Time_Sequences',
    ],
    [
      'no reader of the list',
      'One_Time_Sequences = generate\nPublish_To = /w',
      '3:1 error: door `d` publishes its list to nobody',
    ],
    [
      'two ways to encrypt the list',
      `One_Time_Sequences = generate\nPublish_To = /w\nPublish_For = ${AGE}\nPublish_Passphrase_File = /p`,
      '5:1 error: a list is encrypted to age recipients or to a passphrase, not to both',
    ],
    [
      'an invalid range',
      'One_Time_Sequences = generate\nSequence_Ports = 20',
      '3:18 error: `20` is not a range of ports',
    ],
    [
      'a narrow range',
      'One_Time_Sequences = generate\nSequence_Ports = 20-99',
      '3:18 error: `20-99` has too few ports to choose from',
    ],
    [
      'a secret key in place of a recipient',
      `One_Time_Sequences = generate\nPublish_To = /w\nPublish_For = ${AGE},AGE-SECRET-KEY-1X`,
      '4:78 error: this is not a recipient of lists',
    ],
    [
      'an IPv6 address',
      `One_Time_Sequences = generate\nPublish_To = /w\nPublish_For = ${AGE}\nPublish_Host = 2001:db8::1`,
      '5:16 error: `2001:db8::1` is not the name of a host',
    ],
    ['skew', 'TOTP_Secret_File = /s\nTOTP_Skew = 11', '3:13 error: `11` is above the bound'],
  ])('%s', (_, lines, message) => {
    expect(told(lines)).toContain(message)
  })

  test('lines without effect get a warning', () => {
    expect(told('Sequence = 8123,7456,9124\nTOTP_Skew = 2')).toEqual([
      '3:1 warning: `TOTP_Skew` has no effect without TOTP_Secret_File or Users',
    ])
    expect(told('One_Time_Sequences = /o\nSequence_Count = 5\nPublish_Host = x')).toEqual([
      '3:1 warning: `Sequence_Count` has no effect without a list that the daemon makes',
      '4:1 warning: `Publish_Host` has no effect without Publish_To',
    ])
    expect(told('One_Time_Sequences = generate\nSequence_Count = 5\nLow_Water = 5')).toEqual([
      '4:1 warning: Low_Water is not below Sequence_Count: the list would be filled up after each use',
    ])
  })

  test('codes of so many users that guessing them becomes likely get a warning', () => {
    const alone = '2: codes alone: anyone who forges your address can use up its allowance of wrong codes'
    const message = '2: of all codes, one in 16667 opens this door at any moment'
    expect(warned('', 6).toSorted()).toEqual([alone, message])
    expect(warned('', 8)).toEqual([alone])
    expect(warned('Sequence = 8123,7456\n', 6)).toEqual([])
  })

  test('a scan guard that is off gets a warning at a door with codes', () => {
    expect(off('Start_Command = true\n', 8)).toEqual([expect.stringMatching(/^5: nothing limits guesses .*8 digits$/)])
    expect(off('Sequence = 8123,7456,901\nStart_Command = true\n', 6)).toEqual([
      expect.stringMatching(/^6: nothing limits guesses .*6 digits$/),
    ])
    expect(off('Sequence = 8123,7456,901\nStart_Command = true\n', 8)).toEqual([])
  })

  test('no secret is repeated', () => {
    expect(
      JSON.stringify(read('One_Time_Sequences = generate\nPublish_To = /w\nPublish_For = AGE-SECRET-KEY-1QQ')),
    ).not.toContain('1QQ')
  })
})
