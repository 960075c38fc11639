// Goal: knockd's command lines mean what they always did, and an unknown word is an error before any knock.
import { describe, expect, test } from 'vitest'
import { readOptions } from '../cli/arguments.ts'
import { readCommand } from '../cli/command.ts'
import { UsageError } from '../cli/fault.ts'
import { TCP, UDP, type Protocol } from '../packet/packet.ts'
import { KNOCK, OPTIONS, requestOf, type Request } from './arguments.ts'
import type { PublishedSecret } from './knock-source.ts'
import { PLAIN_REQUEST } from './request-fake.ts'

const services = (name: string, protocol: Protocol): number | undefined =>
  name === 'ssh' && protocol === TCP ? 22 : undefined

const read = (argv: readonly string[]): Request => {
  const given = readOptions(OPTIONS, argv, true)
  if (given.kind !== 'given') throw new Error(`not a knock: ${argv.join(' ')}`)
  return requestOf(given.values, given.words, services)
}
const parse = (line: string): Request => read(line === '' ? [] : line.split(' '))

const published: PublishedSecret = {
  kind: 'published',
  from: new URL('https://w.example/k.age'),
  identities: [],
  passphraseFile: undefined,
}

describe('a command line', () => {
  test.each<[string, Partial<Request>]>([
    ['h 1', {}],
    ['-v h 1', { verbose: true }],
    ['h 1 --verbose', { verbose: true }],
    ['-4 h 1', { family: 4 }],
    ['--ipv6 h 1', { family: 6 }],
    ['-d500 h 1', { delayMs: 500 }],
    ['-d 500 h 1', { delayMs: 500 }],
    ['--delay=500 h 1', { delayMs: 500 }],
    ['-uvd 7 h 1', { verbose: true, delayMs: 7, knocks: [{ protocol: UDP, port: 1 }] }],
    ['-u h 1 2:tcp 3:udp', { knocks: [1, 2, 3].map((port) => ({ protocol: UDP, port })) }],
    [
      'h 1:UDP ssh 65535:tcp',
      {
        knocks: [
          { protocol: UDP, port: 1 },
          { protocol: TCP, port: 22 },
          { protocol: TCP, port: 65_535 },
        ],
      },
    ],
    ['--source eth0 h 1', { source: 'eth0' }],
    ['--verify tcp/22 h 1', { verify: 22 }],
    ['--verify tcp/ssh --retry 3 h 1', { verify: 22, retry: 3 }],
    ['-- h 1', {}],
    ['--code 12345678 h', { knocks: [], knockSource: { kind: 'code', code: '12345678' } }],
    ['--code=123456 h 1', { knockSource: { kind: 'code', code: '123456' } }],
    ['--code 123456 --verify tcp/22 h 1', { knockSource: { kind: 'code', code: '123456' }, verify: 22 }],
    ['-u --code 123456 h 1', { knocks: [{ protocol: UDP, port: 1 }], knockSource: { kind: 'code', code: '123456' } }],
    ['--totp-file f h', { knocks: [], knockSource: { kind: 'totp', file: 'f' } }],
    ['--totp-file f --verify tcp/22 --retry 4 h 1', { knockSource: { kind: 'totp', file: 'f' }, verify: 22, retry: 4 }],
    ['--from f h', { knocks: [], knockSource: { ...published, from: 'f' } }],
    ['--from https://w.example/k.age h', { knocks: [], knockSource: published }],
    ['--from HTTP://w.example h', { knocks: [], knockSource: { ...published, from: new URL('http://w.example/') } }],
    ['--from f --verify tcp/22 h', { knocks: [], knockSource: { ...published, from: 'f' }, verify: 22, retry: 2 }],
    [
      '--from f --verify tcp/22 --retry 0 h',
      { knocks: [], knockSource: { ...published, from: 'f' }, verify: 22, retry: 0 },
    ],
    [
      '--from f --identity a --identity b --passphrase-file p h',
      { knocks: [], knockSource: { ...published, from: 'f', identities: ['a', 'b'], passphraseFile: 'p' } },
    ],
  ])('%s', (line, difference) => {
    expect(parse(line)).toEqual({ ...PLAIN_REQUEST, ...difference })
  })

  test.each(['-h', '--help', '-h nothing', '-hV'])('%s asks for help', (line) => {
    expect(readCommand(KNOCK, line.split(' '))).toEqual({ kind: 'help' })
  })

  test.each(['-V', '--version'])('%s asks for the version', (line) => {
    expect(readCommand(KNOCK, [line])).toEqual({ kind: 'version' })
  })

  test.each([
    ['', 'no host given'],
    ['h', 'no port to knock at given'],
    ['-x h 1', "unknown option '-x'"],
    ['--delya 1 h 1', "unknown option '--delya'"],
    ['h 1 -d', "option '-d, --delay <value>' argument missing"],
    ['-d -1 h 1', 'argument is ambiguous'],
    ['-d 1.5 h 1', '--delay: not a number in range: 1.5'],
    ['-d 3600001 h 1', '--delay: not a number in range: 3600001'],
    ['-46 h 1', '-4 and -6 exclude each other'],
    ['h 0', 'knock 1: port below 1'],
    ['h 65536', 'knock 1: port above 65535'],
    ['h +7', 'knock 1: is not a port number'],
    ['h 1 :tcp', 'knock 2: is not a port number'],
    ['h 1 2:sctp', 'knock 2: unknown protocol `sctp`'],
    ['h 1 2:', 'knock 2: no protocol after the colon'],
    ['h 1 2:tcp:udp', 'knock 2: unknown protocol'],
    ['h 1 shs', 'knock 2: neither a port nor a known tcp service'],
    ['h 1 ssh:udp', 'knock 2: neither a port nor a known udp service'],
    ['-u h ssh:tcp', 'knock 1: neither a port nor a known udp service'],
    ['h ssh:sctp', 'knock 1: unknown protocol `sctp`'],
    ['h 7000,8000', 'knock 1: more than one in a word'],
    ['h 0x10', 'knock 1: neither a port nor a known tcp service'],
    ['--verify 22 h 1', '--verify: not a tcp/PORT'],
    ['--verify udp/53 h 1', '--verify: cannot verify UDP'],
    ['--verify tcp/0 h 1', '--verify: port below 1'],
    ['--verify tcp/1/2 h 1', '--verify: not a tcp/PORT'],
    ['--verify tcp/22:udp h 1', '--verify: not a tcp/PORT'],
    ['--retry 1 h 1', '--retry needs --verify'],
    ['--code 12345678', 'no host given'],
    ['--code 12345678 --totp-file f h', '--totp-file and --code exclude each other'],
    ['--from f --totp-file f h', '--totp-file and --from exclude each other'],
    ['--from f --code 12345678 h', '--code and --from exclude each other'],
    ['--code 12345 h', '--code: not a code'],
    ['--code 123456789 h', '--code: not a code'],
    ['--code=12a456 h', '--code: not a code'],
    ['--code= h', '--code: not a code'],
    ['--code 12345678 --verify tcp/1 --retry 1 h', '--retry and --code exclude each other'],
    ['-u --code 12345678 h', '-u without a port'],
    ['-u --totp-file f h', '-u without a port'],
    ['--totp-file= h', '--totp-file: no file given'],
    ['--totp-file f --retry 1 h', '--retry needs --verify'],
    ['--from= h', '--from: no file given'],
    ['--from f h 1', '--from and ports exclude each other'],
    ['-u --from f h', '--from and -u exclude each other'],
    ['--from f --identity= h', '--identity: no file given'],
    ['--from f --retry 1 h', '--retry needs --verify'],
    ['--from ftp://w/k h', '--from: cannot fetch by ftp'],
    ['--from file:///k h', '--from: cannot fetch by file'],
    ['--from http:// h', '--from: not an address'],
    ['--from http://me:you@w/k h', '--from: a user name or password in the address'],
    ['--identity k h 1', '--identity needs --from'],
    ['--passphrase-file k --totp-file f h', '--passphrase-file needs --from'],
    ['--verify tcp/1 --retry 1001 h 1', '--retry: not a number in range: 1001'],
  ])('"%s" is refused', (line, message) => {
    expect(() => parse(line)).toThrow(UsageError)
    expect(() => parse(line)).toThrow(message)
  })

  test.each([
    'h 51270',
    'h 5127,8841',
    'h 5127.8841',
    'h 5127:8841',
    'h 5127;8841',
    'h 5127-8841',
    'h 051270',
    'h 99999',
  ])('what is wrong with "%s" is said without the port', (line) => {
    let text = ''
    try {
      parse(`${line} 70000`)
    } catch (error) {
      text = `${(error as UsageError).message} ${(error as UsageError).hint}`
    }
    expect(text).toMatch(/^knock [12]: /)
    expect(text).not.toMatch(/5127|8841|70000|99999/)
  })
  test('a code may have a blank in it, and is in no message', () => {
    expect(read(['--code', '1234 5678', 'h'])).toMatchObject({ knockSource: { code: '12345678' } })
    for (const argv of [
      ['--code', '1234 56789', 'h'],
      ['--code', '1234', '5678', 'h'],
    ]) {
      expect(() => read(argv)).toThrow(UsageError)
      expect(() => read(argv)).not.toThrow(/1234|5678/)
    }
  })
})
