// Goal: knockd's command lines mean what they always did, and a word that means nothing is an error before any knock.
import { describe, expect, test } from 'vitest'
import { TCP, UDP, type Protocol } from '../packet/packet.ts'
import { parseCommand, type Request } from './arguments.ts'
import { UsageError } from './fault.ts'

const services = (name: string, protocol: Protocol): number | undefined =>
  name === 'ssh' && protocol === TCP ? 22 : undefined

const parse = (line: string): Request => {
  const command = parseCommand(line === '' ? [] : line.split(' '), services)
  if (command.kind !== 'knock') throw new Error(`not a knock: ${line}`)
  return command.request
}

const plain: Request = {
  host: 'h',
  knocks: [{ protocol: TCP, port: 1 }],
  secret: { kind: 'ports' },
  family: undefined,
  delayMs: 0,
  verbose: false,
  source: undefined,
  verify: undefined,
  retry: 0,
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
  ])('%s', (line, difference) => {
    expect(parse(line)).toEqual({ ...plain, ...difference })
  })

  test.each(['-h', '--help', '-h nothing', '-hV'])('%s asks for help', (line) => {
    expect(parseCommand(line.split(' '), services)).toEqual({ kind: 'help' })
  })

  test.each(['-V', '--version'])('%s asks for the version', (line) => {
    expect(parseCommand([line], services)).toEqual({ kind: 'version' })
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
})
