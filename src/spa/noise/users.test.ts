// Goal: keys survive being written down and read, and what is not a key is told with its reason, never repeated; a line of the
// file of users allows what it says and nothing else, and a line that cannot be read is told by its place.
import { readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatFault } from '../../text/fault.ts'
import { formatAddress, parseAddress } from '../../packet/address.ts'
import type { DatedClaim, Wanted } from './claim.ts'
import { keyPairOf } from './curve.ts'
import { readEnd } from './date.ts'
import { formatKey, readKeyFile, readKeyText } from './key-text.ts'
import type { KeyKind } from './key-text.ts'
import { permit, stillPermits } from './permission.ts'
import type { UserHolds } from './permission.ts'
import { readUsers, usersLeft } from './users.ts'
import type { User } from './users.ts'

const key = (value: number): Uint8Array => new Uint8Array(32).fill(value)
const ALICE = formatKey('postern-user', key(1))
const BOB = formatKey('postern-user', key(2))

describe('keys as text', () => {
  const kinds = fc.constantFrom<KeyKind>(
    'postern-server',
    'postern-user',
    'postern-server-secret',
    'postern-user-secret',
  )
  const keys = fc.uint8Array({ minLength: 32, maxLength: 32 })

  test('what is written is read', () => {
    fc.assert(
      fc.property(kinds, keys, (kind, bytes) => {
        const text = formatKey(kind, bytes)
        expect(readKeyText(text, kind)).toEqual({ value: bytes })
        expect(readKeyFile(`# mine\n\n  ${text}\r\n`, kind)).toEqual({ value: bytes })
      }),
    )
  })

  test('it is the text that doc/spa.md has, which another program made', () => {
    const documented = readFileSync(new URL('../../../doc/spa.md', import.meta.url), 'utf8')
    const secret = new Uint8Array(32).map((_, index) => 32 + index)
    expect(documented).toContain(`\n${formatKey('postern-user-secret', secret)}\n`)
    expect(documented).toContain(`\n${formatKey('postern-user', keyPairOf(secret).publicKey)}\n`)
  })

  test('no letter of it can be another, and none left out', () => {
    for (let at = 0; at < ALICE.length; at++) {
      const others = ['A', 'B', '/', '=', ' '].filter((letter) => letter !== ALICE[at])
      for (const other of others) {
        const typed = ALICE.slice(0, at) + other + ALICE.slice(at + 1)
        expect(readKeyText(typed, 'postern-user')).toHaveProperty('message')
      }
      expect(readKeyText(ALICE.slice(0, at) + ALICE.slice(at + 1), 'postern-user')).toHaveProperty('message')
    }
  })

  test.each<[string, string, RegExp, RegExp]>([
    [
      'a secret in the place of a public key',
      formatKey('postern-user-secret', key(1)),
      /is a user's secret key/,
      /postern-user:/,
    ],
    ["a server's", formatKey('postern-server', key(1)), /is a server's public key/, /a user's public key begins with/],
    ['another program’s', 'ssh-ed25519 AAAAC3', /is not a key/, /begins with/],
    ['a cut one', ALICE.slice(0, -1), /is cut/, /48 characters/],
    [
      'a mistyped one',
      ALICE.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')),
      /is mistyped/,
      /copy all of it again/,
    ],
  ])('%s is told, and not repeated', (_, text, message, hint) => {
    const read = readKeyText(text, 'postern-user')
    if ('value' in read) throw new Error('it was read')
    expect(read.message).toMatch(message)
    expect(read.hint).toMatch(hint)
    expect(read.message + read.hint).not.toContain(text.slice(-12))
  })

  test('a file has one key', () => {
    expect(readKeyFile('# nothing\n', 'postern-user')).toMatchObject({ message: 'contains no key' })
    expect(readKeyFile(`${ALICE}\n${BOB}\n`, 'postern-user')).toMatchObject({ message: 'has more than one line' })
  })
})

describe('lines of users', () => {
  test('what a line says', () => {
    const { users, faults } = readUsers(
      `# who may\n\n${ALICE} alice, her laptop\n` +
        ' doors=ssh,"front door" ports=tcp/22,udp/60000-61000 from=192.0.2.0/24,2001:db8::/32 expires=2027-06-30 ' +
        `open-for=10m packet-source same-source ${BOB}\tbob\r\n`,
    )
    expect(faults).toEqual([])
    expect(users.count).toBe(2)
    expect(users.find(key(1))).toEqual({ name: 'alice, her laptop', publicKey: key(1), options: {}, line: 3 })
    expect(users.find(key(2))).toMatchObject({
      name: 'bob',
      line: 4,
      options: {
        doors: ['ssh', 'front door'],
        ports: [
          { protocol: 6, first: 22, last: 22 },
          { protocol: 17, first: 60_000, last: 61_000 },
        ],
        expiresMs: Date.UTC(2027, 6, 1),
        openForS: 600,
        packetSource: true,
        sameSource: true,
      },
    })
    expect(users.find(key(3))).toBeUndefined()
    expect([...users].map(({ name }) => name)).toEqual(['alice, her laptop', 'bob'])
  })

  test.each<[string, string]>([
    [ALICE, '1:69: error: the name is missing\n    write it after the key'],
    [`door=ssh ${ALICE} a`, '1:1: error: unknown option `door`\n    did you mean `doors`?'],
    [`alice ${ALICE} a`, '1:1: error: unknown option `alice`\n    options go before the key, the name after it'],
    [`doors= ${ALICE} a`, '1:7: error: `doors` needs a value\n    doors=DOOR[,DOOR]...'],
    [`doors=a,,b ${ALICE} a`, '1:7: error: doors has an invalid value\n    write `doors=…`'],
    [`doors="a ${ALICE} a`, '1:1: error: a double quote is not closed\n    put the name between two'],
    [`ports=22 ${ALICE} a`, '1:7: error: `22` is not a port\n    as in tcp/22 or udp/60000-61000'],
    [`ports=tcp/0 ${ALICE} a`, '1:7: error: `tcp/0` is not a port\n    as in tcp/22 or udp/60000-61000'],
    [`ports=tcp/9-8 ${ALICE} a`, '1:7: error: `tcp/9-8` is not a port\n    as in tcp/22 or udp/60000-61000'],
    [
      `from=192.0.2.7/24 ${ALICE} a`,
      '1:6: error: `192.0.2.7/24` is not a network\n    as in 192.0.2.0/24 or 2001:db8::7',
    ],
    [
      `expires=30.6.2027 ${ALICE} a`,
      '1:9: error: `30.6.2027` is not a day\n    the last day, as in 2027-06-30, or 2027-06-30T12:00Z; in UTC',
    ],
    [`open-for=2d ${ALICE} a`, '1:10: error: `2d` is not a time\n    write `48h`'],
    [
      `packet-source=yes ${ALICE} a`,
      '1:15: error: `packet-source` takes no value\n    write `packet-source` alone, or leave it out',
    ],
    [`doors=a doors=b ${ALICE} a`, '1:9: error: `doors` is already set on line 1\n    write one list'],
    ['doors=ssh', '1:1: error: there is no key in this line\n    write options, `postern-user:…`, and the name'],
    [`${ALICE}x a`, '1:1: error: the key is cut off, or has text after it\n    48 characters follow the colon'],
    [`${ALICE} a\u0007`, '1:62: error: the name has invisible characters\n    type it again'],
    [
      `${ALICE} a\n${ALICE} b`,
      '2:1: error: this key is already on line 1\n    use one line for each key: two lines could contradict each other',
    ],
  ])('%j is a fault', (text, expected) => {
    const { faults } = readUsers(text)
    expect(faults.map((fault) => formatFault('', fault).slice(1)).join('\n')).toBe(
      expected.replace(/^1:6[29]/, `1:${ALICE.length + 1}`),
    )
  })

  test('no text makes it throw, and one that is read has no fault', () => {
    const word = fc.constantFrom('doors=', 'ssh', 'ports=tcp/22', '"', ',', ' ', '\n', ALICE, BOB, '#', 'x', '=')
    fc.assert(
      fc.property(fc.array(word, { maxLength: 30 }), (words) => {
        const text = words.join('')
        const { users, faults } = readUsers(text)
        const lines = text.split('\n').filter((line) => line.trim() !== '' && !line.trim().startsWith('#')).length
        if (faults.length === 0) expect(users.count).toBe(lines)
        else expect(faults.every(({ severity }) => severity === 'error')).toBe(true)
      }),
      { numRuns: 1_000 },
    )
  })
})

test('an end is a day or a minute of UTC, and such as there are', () => {
  for (const [year, month, day] of [
    [1970, 1, 1],
    [1999, 12, 31],
    [2000, 2, 29],
    [2024, 2, 29],
    [2027, 3, 1],
    [2100, 2, 28],
    [9999, 12, 31],
  ] as const) {
    const text = `${year}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`
    expect(readEnd(text)).toBe(Date.UTC(year, month - 1, day + 1))
    expect(readEnd(`${text}T23:59Z`)).toBe(Date.UTC(year, month - 1, day, 23, 59))
  }
  for (const text of ['2027-02-29', '2100-02-29', '2027-13-01', '2027-00-01', '2027-04-31', '1969-12-31', '2027-6-3']) {
    expect(readEnd(text)).toBeUndefined()
  }
  for (const text of ['2027-06-30T24:00Z', '2027-06-30T12:60Z', '2027-06-30T12:00', '2027-06-30 12:00Z', '']) {
    expect(readEnd(text)).toBeUndefined()
  }
})

const NOW = 1_700_000_000_000
const userOf = (options: string): User => [...readUsers(`${options} ${ALICE} alice`).users][0]!
const door = (name: string): Wanted => ({ kind: 'door', door: name })
const ports = (...list: readonly number[]): Wanted => ({
  kind: 'ports',
  ports: list.map((port) => ({ protocol: 6, port })),
})

describe('what a line allows', () => {
  const source = parseAddress('192.0.2.7')!
  const judge = (options: string, claim: Partial<DatedClaim>, ageMaxMs: number | undefined = 120_000): string => {
    const whole: DatedClaim = { wanted: door('ssh'), address: source, openS: 0, timestamp: '', unixMs: NOW, ...claim }
    const permission = permit(userOf(options), whole, { source, now: NOW, ageMaxMs })
    if ('refusal' in permission) return permission.refusal
    const { address, openS, openMaxS } = permission
    return `${formatAddress(address)} ${openS} ${openMaxS}`
  }
  const other = parseAddress('198.51.100.9')!

  test.each<[string, Partial<DatedClaim>, string]>([
    ['', {}, '192.0.2.7 0 undefined'],
    ['', { wanted: door('web') }, '192.0.2.7 0 undefined'],
    ['', { wanted: ports(22) }, 'a port is not in ports='],
    ['doors=ssh', {}, '192.0.2.7 0 undefined'],
    ['doors=ssh', { wanted: door('web') }, 'the door is not in doors='],
    ['doors=ssh', { wanted: ports(22) }, 'a port is not in ports='],
    ['ports=tcp/22', {}, 'the door is not in doors='],
    ['ports=tcp/22,tcp/80-90', { wanted: ports(22, 80, 90) }, '192.0.2.7 0 undefined'],
    ['ports=tcp/22,tcp/80-90', { wanted: ports(22, 91) }, 'a port is not in ports='],
    ['ports=udp/22', { wanted: ports(22) }, 'a port is not in ports='],
    ['', { address: undefined }, 'it claims no address, and the line does not have packet-source'],
    ['packet-source', { address: undefined }, '192.0.2.7 0 undefined'],
    ['', { address: other }, '198.51.100.9 0 undefined'],
    ['same-source', { address: other }, 'it claims an address other than its source'],
    ['same-source', {}, '192.0.2.7 0 undefined'],
    ['from=198.51.100.0/24', {}, 'the address is not in from='],
    ['from=198.51.100.0/24', { address: other }, '198.51.100.9 0 undefined'],
    ['packet-source from=198.51.100.0/24', { address: undefined }, 'the address is not in from='],
    // Hand-written files quote any value.
    ['open-for="1m"', { openS: 600 }, '192.0.2.7 600 60'],
    ['expires="2023-11-14T22:13Z"', {}, 'the key has expired'],
    ['open-for=60', { openS: 600 }, '192.0.2.7 600 60'],
    ['open-for=60', {}, '192.0.2.7 0 60'],
    ['', { openS: 600 }, '192.0.2.7 600 undefined'],
    ['expires=2023-11-14T22:13Z', {}, 'the key has expired'],
    ['expires=2023-11-14T22:14Z', {}, '192.0.2.7 0 undefined'],
    ['', { unixMs: NOW - 120_000 }, '192.0.2.7 0 undefined'],
    ['', { unixMs: NOW + 120_000 }, '192.0.2.7 0 undefined'],
    ['', { unixMs: NOW - 120_500 }, 'the packet is 121 s old'],
    ['', { unixMs: NOW + 130_000 }, 'the packet is 130 s ahead of this clock'],
  ])('%s: %j', (options, claim, expected) => {
    expect(judge(options, claim)).toBe(expected)
  })

  test('without an age limit any time is right', () => {
    const whole: DatedClaim = { wanted: door('ssh'), address: source, openS: 0, timestamp: '', unixMs: 0 }
    expect(permit(userOf(''), whole, { source, now: NOW, ageMaxMs: undefined })).toMatchObject({ address: source })
  })
})

describe('a file with an error in it', () => {
  const before = readUsers(`${ALICE} alice\n${BOB} bob the second\n${formatKey('postern-user', key(3))} carol\n`).users
  const left = (text: string): readonly unknown[] => {
    const reading = readUsers(text)
    expect(reading.faults.some(({ severity }) => severity === 'error')).toBe(true)
    return [...usersLeft(before, text, reading)].map(({ name, options }) => [name, options.doors])
  }

  test('leaves those whom it names, by key or by name, and adds nobody', () => {
    const dan = formatKey('postern-user', key(4))
    expect(left(`${ALICE.slice(0, -1)} alice\nnonsense ${BOB} bob the second\n${dan} dan\n`)).toEqual([
      ['alice', undefined],
      ['bob the second', undefined],
    ])
  })

  test('a line that can be read is taken as it is now', () => {
    expect(left(`doors=mail ${ALICE} alice\nnonsense\n`)).toEqual([['alice', ['mail']]])
  })

  test('who is in a comment, or named by a part of a name, is out', () => {
    expect(left(`# ${ALICE} alice\nx second\nx carols\nxcarol\n`)).toEqual([])
  })

  test('lines that end with CR alone name those in them', () => {
    expect(left(`# mine\r${ALICE} alice\r# ${BOB} bob the second\r`)).toEqual([['alice', undefined]])
  })
})

describe('what a packet was granted is still allowed', () => {
  const address = parseAddress('192.0.2.7')!
  const ssh = [{ protocol: 6 as const, first: 22, last: 22 }]
  const may = (line: string, holds: Partial<UserHolds> = {}): boolean =>
    stillPermits([...readUsers(`${line} ${ALICE} alice\n`).users][0]!, {
      door: 'ssh',
      ports: undefined,
      address,
      now: 0,
      ...holds,
    })

  test.each([
    ['packet-source', {}, true],
    ['doors=ssh', {}, true],
    ['doors=mail', {}, false],
    ['ports=tcp/22', {}, false],
    ['ports=tcp/22', { ports: ssh }, true],
    ['ports=tcp/20-30', { ports: ssh }, true],
    ['ports=udp/22,tcp/23', { ports: ssh }, false],
    ['doors=ssh', { ports: ssh }, false],
    ['from=192.0.2.0/24', {}, true],
    ['from=198.51.100.0/24', {}, false],
    ['expires=2027-01-01T00:00Z', { now: Date.UTC(2027, 0, 1) - 1 }, true],
    ['expires=2027-01-01T00:00Z', { now: Date.UTC(2027, 0, 1) }, false],
  ] as const)('%s, %j: %s', (line, holds, allowed) => {
    expect(may(line, holds)).toBe(allowed)
  })
})
