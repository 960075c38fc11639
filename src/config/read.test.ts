// Goal: a config means the same in every spelling. Every fault is reported at once, at its place, with what would be
// right. No text does more than that, however odd. The fixtures are beside the expected reports.
import { readFileSync, readdirSync } from 'node:fs'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { anyText } from '../../test/any-text.ts'
import { SLOW } from '../../test/slow.ts'
import { formatAddress } from '../packet/address.ts'
import { formatNetwork } from '../packet/network.ts'
import { ACK, SYN, TCP, UDP } from '../packet/packet.ts'
import { DOORS_MAX, DOOR_NAME_MAX_CHARS } from './config.ts'
import { LINE_MAX_CHARS } from '../text/section.ts'
import { FAULTS_MAX, formatFault } from '../text/fault.ts'
import type { Config } from './config.ts'
import type { Facts } from '../lint/facts.ts'
import { OPTIONS_DEFAULT } from './options.ts'
import { readConfig } from './read.ts'
import { checkConfig } from '../lint/lint.ts'
import { formatService } from './service.ts'

const folder = new URL('../../test/fixtures/config/', import.meta.url)
const fixture = (name: string): string => readFileSync(new URL(name, folder), 'utf8')
const fixtures = readdirSync(folder).filter((name) => name.endsWith('.conf'))

/** The config of a text; the text has to be usable. */
function usable(text: string): Config {
  const { config, faults } = checkConfig(text, 'test.conf')
  if (config === undefined) throw new Error(faults.map((fault) => formatFault('test.conf', fault)).join('\n'))
  return config
}

function told(text: string, facts?: Facts): readonly string[] {
  return checkConfig(text, 'k', facts).faults.map((fault) => formatFault('k', fault).split('\n')[0]!)
}

const DOOR = '[ssh]\nSequence = 4021,811,3010\nCommand = /usr/local/sbin/open %IP%\n'

/** The IPv6 commands of a door with these extra lines. */
const commands = (more: string): unknown => usable(`${DOOR}Stop_Command = close\n${more}`).doors[0]!.commands6

/** A config with the given number of doors. */
const manyDoors = (count: number): string =>
  Array.from({ length: count }, (_, index) => `[${index}]\nOne_Time_Sequences = /${index}\nCommand = open\n`).join('')

/** A machine without any problem, except for the given facts. */
const facts = (more: Partial<Facts>): Facts => ({ listens: () => false, mode: 0o600, file: () => ({}), ...more })

/** A machine on which something listens on UDP port 811. */
const listens = (protocol: number, port: number): boolean => protocol === UDP && port === 811

/** Checks what holds for every text. */
function checkAny(text: string): void {
  const { config, faults } = checkConfig(text, 'k')
  expect(config === undefined).toBe(faults.some(({ severity }) => severity === 'error'))
  const lines = text.split('\n')
  for (const { line, column, message, hint } of faults) {
    expect(line).toBeLessThanOrEqual(Math.max(1, lines.length))
    expect(column).toBeGreaterThanOrEqual(1)
    expect(column).toBeLessThanOrEqual((lines[line - 1] ?? '').length + 1)
    // oxlint-disable-next-line no-control-regex
    expect(`${message}${hint}`).not.toMatch(/[\0-\x1F\x7F]/)
  }
  const places = faults.map(({ line, column }) => line * 100_000 + column)
  expect(places).toEqual([...places].sort((one, other) => one - other))
  for (const door of config?.doors ?? [])
    expect(door.secret.kind !== 'sequence' || door.secret.knocks.length > 0).toBe(true)
}

/** Doors as they are written in configs. */
const usualDoors = (count: number): string =>
  Array.from({ length: count }, (_, index) => {
    const knocks = [3, 1, 7, 2].map((knock) => 1 + ((index * 7919 + knock * 104_729) % 65_535))
    return `[${index}]\nSequence = ${knocks.join()}\nCommand = iptables -A INPUT -s %IP% -j ACCEPT\nCommand_6 =\nStop_Command = iptables -D INPUT -s %IP% -j ACCEPT\n`
  }).join('')

/** Microseconds of processor time that reading takes, however many other processes run. */
const time = (text: string): number => {
  const start = process.cpuUsage()
  expect(checkConfig(text, 'k').config).toBeDefined()
  const { user, system } = process.cpuUsage(start)
  return user + system
}

test.each(fixtures)('every fault of %s is reported', (name) => {
  const { config, faults } = checkConfig(fixture(name), name)
  const text = faults.map((fault) => `${formatFault(name, fault)}\n`).join('')
  expect(text).toBe(fixture(name.replace(/conf$/, 'txt')))
  expect(config === undefined).toBe(faults.some(({ severity }) => severity === 'error'))
})

test('there are fixtures for errors, for warnings and for a good config', () => {
  expect(fixtures.length).toBeGreaterThan(10)
  expect(fixture('good.txt')).toBe('')
})

describe('what is read', () => {
  const { options, doors } = usable(fixture('good.conf'))
  const door = (name: string): (typeof doors)[number] => doors.find((each) => each.name === name)!

  test('all options are read', () => {
    expect(options).toEqual({
      useSyslog: true,
      logFile: '/var/log/knockd.log',
      journalFields: true,
      logFormat: 'json',
      pidFile: '/run/knockd.pid',
      interfaces: ['eth0', 'wg0', 'ppp0'],
      stateDir: '/var/lib/postern',
      scanPorts: 0,
      scanIgnoreMs: 120_000,
      spaKeyFile: '/etc/postern/server.key',
      guard: [],
      hideWith: 'match',
      alwaysAllow: [],
      controlGroup: undefined,
      user: undefined,
      startHook: 'logger up',
      stopHook: 'logger down',
      onEvent: [
        { events: ['opened', 'scan'], command: 'mail -s "a: b" root' },
        { events: ['refused'], command: '/usr/local/bin/tell' },
      ],
      hooksAsRoot: false,
    })
  })

  test('a door with every directive is read', () => {
    const start = '/sbin/iptables -I INPUT 1 -s %IP% -p tcp -m tcp --dport 22 -j ACCEPT'
    const stop =
      'sudo -n /usr/sbin/iptables -w --delete INPUT --protocol TCP --source %IP%/32 --destination-port=ssh --jump ACCEPT'
    expect(door('ssh and sftp')).toEqual({
      name: 'ssh and sftp',
      line: 5,
      secret: {
        kind: 'sequence',
        knocks: [
          { protocol: TCP, port: 4021 },
          { protocol: UDP, port: 811 },
          { protocol: TCP, port: 3010 },
        ],
      },
      seqTimeoutMs: 15_000,
      tcpFlags: { mask: SYN | ACK, want: SYN },
      target: undefined,
      opens: [],
      allowFrom: [],
      widen: { 4: 32, 6: 128 },
      extendWhileConnected: false,
      commands4: { start, stop },
      commands6: { start: undefined, stop: undefined },
      cmdTimeoutMs: 60_000,
      cooldownMs: 0,
    })
  })

  test('one-time sequences and a door for IPv6 alone are read', () => {
    expect(door('OPEN').secret).toMatchObject({ kind: 'one-time', path: '/etc/knockd/open' })
    expect(door('OPEN').commands4).toEqual({ start: undefined, stop: undefined })
    expect(door('OPEN').commands6.start).toBe('/usr/local/sbin/open6 %IP% a=b # no comment')
  })

  test('a door without commands', () => {
    const { opens, allowFrom, widen, extendWhileConnected, cmdTimeoutMs } = door('guarded')
    expect(opens.map(formatService)).toEqual(['tcp/22', 'udp/60000-61000', 'tcp/443@2001:db8::7'])
    expect(allowFrom.map(formatNetwork)).toEqual(['192.0.2.0/24'])
    expect({ widen, extendWhileConnected, cmdTimeoutMs }).toEqual({
      widen: { 4: 24, 6: 64 },
      extendWhileConnected: true,
      cmdTimeoutMs: 600_000,
    })
  })

  test('units, aliases, targets and the cool-down are read', () => {
    expect(door("knockers' set").cmdTimeoutMs).toBe(500)
    expect(door('firewalld').seqTimeoutMs).toBe(7_200_000)
    expect(formatAddress(door('ufw').target!)).toBe('2001:db8::7')
    expect(door('wake').cooldownMs).toBe(60_000)
  })
})

test("a game server's config for a patched knockd", () => {
  const [door] = usable(
    '[resume-by-player]\n sequence = 8211:udp\n seq_cooldown = 5\n command = autopause resume "LOGIN from %IP%"\n',
  ).doors
  expect(door).toMatchObject({ secret: { knocks: [{ protocol: UDP, port: 8211 }] }, cooldownMs: 5_000 })
})

test('defaults are used for what is missing', () => {
  const { options, doors } = usable(DOOR)
  expect(options).toEqual(OPTIONS_DEFAULT)
  expect(options).toMatchObject({ scanPorts: 5, scanIgnoreMs: 60_000, interfaces: [], logFormat: 'knockd' })
  expect(doors[0]).toMatchObject({ seqTimeoutMs: 25_000, cmdTimeoutMs: 10_000, cooldownMs: 0 })
  expect(doors[0]!.tcpFlags).toBeUndefined()
})

test('an absent IPv6 command is a copy of the IPv4 one, an empty one does nothing', () => {
  const start = '/usr/local/sbin/open %IP%'
  expect(commands('')).toEqual({ start, stop: 'close' })
  expect(commands('Start_Command_6 = open6\n')).toEqual({ start: 'open6', stop: 'close' })
  expect(commands('Stop_Command_6 =\n')).toEqual({ start, stop: undefined })
  expect(commands('Stop_Command_6 = close6\n')).toEqual({ start, stop: 'close6' })
  expect(commands('Command_6 =\n')).toEqual({ start: undefined, stop: undefined })
})

test('line ends, byte order mark and blanks change nothing', () => {
  const plain = usable(DOOR)
  expect(usable(DOOR.replaceAll('\n', '\r\n'))).toEqual(plain)
  expect(usable(`\uFEFF${DOOR}`)).toEqual(plain)
  expect(usable(DOOR.trimEnd())).toEqual(plain)
  expect(usable(DOOR.replaceAll(' = ', '\t=')).doors).toEqual(plain.doors)
  expect(usable(DOOR.replaceAll(/^(?!\[)/gm, ' \t ')).doors).toEqual(plain.doors)
})

test('the last of several values counts', () => {
  const { doors } = usable(`${DOOR}Seq_Timeout = 1\nTimeout = 2\n`)
  expect(doors[0]!.seqTimeoutMs).toBe(2_000)
})

test('a config may have no doors', () => {
  for (const text of ['', '\n', '# nothing\n', '[options]\nUseSyslog\n']) {
    expect(told(text)).toEqual(['k:1:1: error: the config has no door'])
  }
})

test('values at and beyond the bounds', () => {
  const long = 'x'.repeat(LINE_MAX_CHARS)
  expect(told(`${DOOR}Stop_Command = ${long}\n`)).toEqual([`k:4:${LINE_MAX_CHARS + 1}: error: the line is too long`])
  expect(told(`# ${long}${long}\n${DOOR}`)).toEqual([])
  const name = 'n'.repeat(DOOR_NAME_MAX_CHARS)
  expect(told(DOOR.replace('ssh', name))).toEqual([])
  expect(told(DOOR.replace('ssh', `${name}n`))).toEqual(['k:1:1: error: the name of the section is too long'])
})

test('too many doors are refused', () => {
  const max = SLOW ? DOORS_MAX : 1_000
  expect(readConfig(manyDoors(max), 'k', max).config!.doors).toHaveLength(max)
  // The doors before the first one too many were accepted.
  const { faults } = readConfig(manyDoors(max + 2), 'k', max)
  expect(faults).toMatchObject([{ severity: 'error', line: 3 * max + 1, message: 'too many doors' }])
})

test('faults beyond the longest list are counted, and an error among them still makes the config unusable', () => {
  const bogus = Array.from({ length: FAULTS_MAX + 5 }, (_, index) => `bogus${index} = 1`).join('\n')
  const { config, faults } = checkConfig(`${DOOR}${bogus}\n`, 'k')
  expect(config).toBeUndefined()
  expect(faults).toHaveLength(FAULTS_MAX + 1)
  expect(faults.at(-1)!.message).toBe('too many faults to list: 5 more')
})

test('no part of a sequence is repeated in a message, right or wrong', () => {
  const wrong =
    '[a]\nSequence = 61111;62222;63333, 64444/udp, 65555:61111, 60001 60002\n60003,60004\n60005,6 = 7\nCommand = c\n'
  const machine = { listens: () => true, mode: 0o644, file: () => ({}) }
  for (const text of [wrong, DOOR, DOOR.replace('4021,811,3010', '7000,8000,9000')]) {
    const said = JSON.stringify(checkConfig(text, 'k', machine).faults.map(({ message, hint }) => [message, hint]))
    expect(said).not.toMatch(/6[0-5][0-9]{3}(?<!65535)|4021|811|3010|[789]000/)
  }
})

describe('facts from outside', () => {
  const once = '[a]\nOne_Time_Sequences = /seq\nCommand = open\n'

  test('a program that listens on a knock port is reported', () => {
    expect(told(DOOR, facts({ listens }))).toEqual([])
    const text = DOOR.replace('811', ' 811:udp')
    expect(told(text, facts({ listens }))).toEqual([
      'k:2:18: warning: knock 2: a program listens on this port, so its visitors knock too',
    ])
    expect(told(`${text}Target = 192.0.2.7\n`, facts({ listens }))).toEqual([])
  })

  test('a file mode that lets others read is reported', () => {
    expect(told(DOOR, facts({ mode: 0o640 }))).toEqual([])
    expect(told(DOOR, facts({ mode: 0o644 }))).toEqual([
      'k:1:1: warning: everyone on this machine can read the sequences in this file (mode 0644)',
    ])
    expect(told(once, facts({ mode: 0o644, file: () => ({ mode: 0o600, content: ' 1,2\n' }) }))).toEqual([])
    expect(told(once, facts({ mode: 0o666, file: () => ({ mode: 0o644, content: ' 1,2\n' }) }))).toEqual([
      '/seq:1:1: warning: everyone on this machine can read the sequences in this file (mode 0644)',
    ])
  })

  test('faults of one-time files are reported', () => {
    const file = (content: string): Facts => facts({ file: () => ({ content }) })
    expect(told(once, file('# a\n 3,2,1\n#1,2\n\n 3,2\n'))).toEqual([])
    expect(told(once, file(' 3,2,1\n 3,x,1\n 3:tcp,2,1\n'))).toEqual([
      '/seq:2:4: warning: knock 2: is not a port number',
      '/seq:3:1: warning: the same sequence as in line 1',
    ])
    expect(told(once, file('#3,2,1\n'))).toEqual(['k:2:22: warning: `/seq` has no sequence left'])
    expect(told(once, facts({ file: () => ({ failure: 'cannot be read: no such file or directory' }) }))).toEqual([
      'k:2:22: warning: `/seq` cannot be read: no such file or directory',
    ])
    expect(told(`${once}${once.replace('[a]', '[b]')}`, file(' 3,2\n'))).toEqual([
      'k:5:22: warning: door `a` (line 1) uses sequences of the same file',
    ])
  })
})

describe('odd texts', () => {
  const good = fixture('good.conf')
  const words = [
    '[',
    ']',
    '=',
    '#',
    '\n',
    '\r\n',
    ' ',
    '\t',
    '/*',
    '*/',
    "'",
    '"',
    '`',
    '$(',
    ',',
    ':',
    '!',
    '%IP%',
    '\0',
  ]
  const keys = [
    'Sequence',
    'Command',
    'Stop_Command',
    'TCPFlags',
    'options',
    'Target',
    'Interface',
    'iptables',
    '-I',
    '-D',
  ]
  const odd = fc.array(fc.oneof(fc.constantFrom(...words, ...keys), anyText(), fc.nat().map(String)))

  test('random text is read or refused', () => {
    fc.assert(fc.property(odd, (parts) => checkAny(parts.join(''))))
    fc.assert(fc.property(odd, (parts) => checkAny(`[a]\nCommand = ${parts.join('').replaceAll('\n', '')}\n`)))
  })

  test('a good config with text inserted, deleted or swapped is read or refused', () => {
    const at = fc.nat(good.length)
    fc.assert(
      fc.property(at, fc.nat(20), fc.constantFrom(...words, ...keys, ''), (start, length, put) =>
        checkAny(good.slice(0, start) + put + good.slice(start + length)),
      ),
    )
  })

  test('a sequence followed by a shorter, invalid one is read or refused', () => {
    const { config, faults } = checkConfig(`${DOOR}Sequence = x\nOpen_Ports = tcp/3010\n`, 'k')
    expect(config).toBeUndefined()
    expect(faults.map(({ message }) => message)).toContain('knock 1: is not a port number')
  })

  test('an unclosed comment of another language on every line costs one search', () => {
    const start = performance.now()
    checkConfig('/*\n'.repeat(200_000), 'k')
    expect(performance.now() - start).toBeLessThan(5_000)
  })
})

test('time and faults grow in proportion to the number of doors', () => {
  const [small, large] = [usualDoors(125), usualDoors(2_500)]
  time(large)
  const best = (text: string): number => Math.min(...Array.from({ length: 3 }, () => time(text)))
  // Twenty times the doors: comparing every door with every other would take four hundred times as long.
  expect(best(large)).toBeLessThan(100 * best(small))
})
