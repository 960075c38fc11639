// Goal: what set-up proposes comes from the machine, its config is one that `postern check` has nothing to say to, and what
// it wrote it knows again: the same answers give the same bytes, and what anybody else wrote is never taken for its own.
import { PassThrough } from 'node:stream'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { UsageError } from '../../cli/fault.ts'
import { readCommand } from '../../cli/command.ts'
import { checkConfig } from '../../lint/lint.ts'
import { nmapPlace } from '../../config/nmap-ports.ts'
import { formatKey } from '../../spa/noise/key-text.ts'
import { parseNetwork } from '../../packet/network.ts'
import { parseAddress } from '../../packet/address.ts'
import { TCP, UDP } from '../../packet/packet.ts'
import { SETUP } from './arguments.ts'
import type { SetupArguments } from './arguments.ts'
import type { Plan } from './choices.ts'
import { clientLine, hostOf } from './client-line.ts'
import { configText, isEmpty, planIn, timeText } from './config-text.ts'
import { drawSequence } from './draw.ts'
import { firewallsIn } from './facts.ts'
import type { MachineFacts } from './facts.ts'
import { askForKey, choose, doubtsOf } from './questions.ts'
import { withStart } from './service.ts'
import { Terminal } from './terminal.ts'

const service = (port: number, protocol: 6 | 17 = TCP) => ({ protocol, first: port, last: port, host: undefined })
const PLAN: Plan = {
  door: 'ssh',
  interfaces: ['eth0'],
  hidden: [service(22)],
  secret: 'sequence',
  knocks: [24817, 8097, 41553, 17203].map((port) => ({ protocol: TCP, port })),
  path: undefined,
  alwaysAllow: [parseNetwork('192.0.2.7')!],
  openForMs: 30_000,
  user: undefined,
}
const link = (name: string, ...texts: readonly string[]) => ({
  name,
  addresses: texts.map((text) => ({ text, address: parseAddress(text)!, prefix: 24 })),
})
const FACTS: MachineFacts = {
  links: [link('eth0', '198.51.100.1', '2001:db8::1'), link('wg0', '10.0.0.1')],
  watched: link('wg0', '10.0.0.1'),
  listening: { [TCP]: new Set([22, 80, 2222]), [UDP]: new Set([53]) },
  session: { peer: '10.0.0.2', address: '10.0.0.1', port: 2222 },
  firewalls: [],
}
const asked = (...argv: readonly string[]): SetupArguments => {
  const reading = readCommand(SETUP, argv)
  if (reading.kind !== 'asked') throw new Error('no arguments')
  return reading.asked as SetupArguments
}

const nobody = (): boolean => false
const listens = (_: number, port: number): boolean => port % 3 === 0
const tables = (...names: readonly string[]) => names.map((name) => ({ name, text: '' }))
/** A terminal at which these lines are typed. */
const scripted = (...lines: readonly string[]) => {
  const [input, output] = [new PassThrough(), new PassThrough()]
  let said = ''
  output.setEncoding('utf8').on('data', (text: string) => (said += text))
  const terminal = new Terminal(input, output, false)
  input.write(lines.map((line) => `${line}\n`).join(''))
  return { terminal, input, said: () => said }
}

describe('the config', () => {
  const PLANS: Readonly<Record<string, Plan>> = {
    sequence: PLAN,
    'nobody without a knock, several ports and interfaces': {
      ...PLAN,
      alwaysAllow: [],
      interfaces: ['eth0', 'wg0'],
      hidden: [service(22), service(51820, UDP), { ...service(8000), last: 8010 }],
      openForMs: 90_000,
    },
    'a code': { ...PLAN, secret: 'totp', knocks: PLAN.knocks.slice(1), path: '/etc/postern/totp/ssh' },
    'a daemon with a user': { ...PLAN, user: '_postern' },
    'single packets': { ...PLAN, secret: 'spa', knocks: [], path: '/etc/postern/users.spa' },
  }

  test.each(Object.entries(PLANS))('%s: it has no fault, and is known again', (_, plan) => {
    const text = configText(plan)
    expect(checkConfig(text, 'knockd.conf').faults).toEqual([])
    expect(planIn(text, 'knockd.conf')).toEqual(plan)
    expect(isEmpty(text, 'knockd.conf')).toBe(false)
  })

  test('whatever is changed in it, it is no longer taken for one that set-up wrote', () => {
    const text = configText(PLAN)
    for (const other of [
      text.replace('\tUseSyslog\n', ''),
      text.replace('# Hides', '#  Hides'),
      `${text}\n[other]\nSequence = 1,2,3\nCommand = true\n`,
      `${text} `,
      text.replace('\n', '\r\n'),
      text.replace('Open_Ports', 'Open_Prots'),
      text.replace('[options]', '[options]\n\tScan_Ports = 7'),
    ]) {
      expect(planIn(other, 'knockd.conf')).toBeUndefined()
    }
  })

  test('one without doors is empty; one that hides something, or has an error, is not', () => {
    for (const text of ['', '[options]\n\tUseSyslog\n', '# nothing\n', '[options]\nAlways_Allow = 192.0.2.0/24\n']) {
      expect(isEmpty(text, 'k')).toBe(true)
    }
    for (const text of ['[options]\nGuard = tcp/22\n', '[options]\nNonsense = 1\n', '[ssh]\n', '[a]\nSequence = 1\n']) {
      expect(isEmpty(text, 'k')).toBe(false)
    }
  })

  test('times are written as they are read', () => {
    expect([1_000, 30_000, 90_000, 600_000, 1_500].map(timeText)).toEqual(['1s', '30s', '90s', '10m', '1500ms'])
  })
})

describe('a drawn sequence', () => {
  test('has no fault, and no port that a scan or a program knows, whatever is drawn', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1 }), fc.constantFrom(3, 4), (seed, count) => {
        let state = BigInt(seed)
        const draw = (min: number, max: number): number => {
          // A generator with a period of 2^64 (Knuth, MMIX), of which the upper bits are used.
          state = BigInt.asUintN(64, state * 6364136223846793005n + 1442695040888963407n)
          return min + (Number(state >> 33n) % (max - min + 1))
        }
        const knocks = drawSequence(count, 'tcp/22', listens, draw)
        const ports = knocks.map(({ port }) => port)
        expect(new Set(ports).size).toBe(count)
        expect(ports.filter((port) => nmapPlace(port) !== undefined || port % 3 === 0 || port < 1024)).toEqual([])
        expect(ports.toSorted((one, other) => one - other)).not.toEqual(ports)
      }),
      { numRuns: 100 },
    )
  })

  test('has no port that a door opens', () => {
    const given = [8004, 30_011, 20_011, 9_997, 47_011, 8_531, 23_017, 12_011]
    const draw = (): number => given.shift()!
    const drawn = drawSequence(4, 'tcp/8000-8010', nobody, draw)
    expect(drawn.map(({ port }) => port)).toEqual([47_011, 8_531, 23_017, 12_011])
  })

  test('a source that gives nothing of use ends in an error, not in a weak sequence', () => {
    expect(() => drawSequence(4, 'tcp/22', nobody, (min) => min)).toThrow(/no sequence/)
  })
})

describe('what is proposed', () => {
  const silent = { present: undefined, terminal: undefined, say: () => undefined }

  test('is the way by which the person came', async () => {
    const choices = await choose({ asked: asked('--yes'), facts: FACTS, ...silent })
    expect(choices).toMatchObject({ interfaces: ['wg0'], hidden: [service(2222)], secret: 'sequence' })
    expect(choices.alwaysAllow).toEqual([parseNetwork('10.0.0.2')])
    expect(hostOf(FACTS, choices.interfaces)).toBe('10.0.0.1')
  })

  test('at the console it is the ssh that listens, and nobody is let in without a knock', async () => {
    const facts = { ...FACTS, session: undefined, watched: FACTS.links[0]! }
    const choices = await choose({ asked: asked('--yes'), facts, ...silent })
    expect(choices).toMatchObject({ interfaces: ['eth0'], hidden: [service(22)], alwaysAllow: [] })
    expect(hostOf(facts, ['wg0'])).toBe('10.0.0.1')
  })

  test('without any ssh it has to be said', async () => {
    const facts = { ...FACTS, session: undefined, listening: { [TCP]: new Set<number>(), [UDP]: new Set<number>() } }
    await expect(choose({ asked: asked('--yes'), facts, ...silent })).rejects.toThrow(/no ssh was found/)
  })

  test('an option goes before the present config, and that before this machine', async () => {
    const present = { ...PLAN, openForMs: 60_000 }
    const from = asked('--yes', '--hide', 'tcp/443', '--always-allow', 'none')
    const choices = await choose({ asked: from, facts: FACTS, ...silent, present })
    expect(choices).toMatchObject({ interfaces: ['eth0'], hidden: [service(443)], alwaysAllow: [], openForMs: 60_000 })
  })

  test('an interface that is not there is refused with those that are', async () => {
    const wrong = choose({ asked: asked('--yes', '-i', 'eth9'), facts: FACTS, ...silent })
    await expect(wrong).rejects.toMatchObject({
      message: 'no such interface with an address: eth9',
      hint: expect.stringMatching(/eth0/) as string,
    })
    const any = await choose({ asked: asked('--yes', '-i', 'any'), facts: FACTS, ...silent })
    expect(any.interfaces).toEqual(['any'])
  })

  test('what is probably not meant is said', () => {
    expect(doubtsOf({ ...PLAN, alwaysAllow: [], hidden: [service(23)] }, FACTS)).toEqual([
      'no program listens at tcp/23',
      'tcp/2222, where you are logged in, stays open to everybody',
      expect.stringMatching(/nobody gets in without a knock/),
    ])
    expect(doubtsOf({ ...PLAN, hidden: [service(2222)] }, FACTS)).toEqual([])
  })
})

describe('the questions', () => {
  test('empty lines take what is proposed; what an option says is not asked', async () => {
    const { terminal, said } = scripted('', '', '', '')
    let told = ''
    const say = (text: string): void => void (told += text)
    const choices = await choose({ asked: asked(), facts: FACTS, present: undefined, terminal, say })
    expect(choices).toMatchObject({ interfaces: ['wg0'], hidden: [service(2222)], secret: 'sequence' })
    expect(said()).toBe(
      'interface on which knocks arrive [wg0]: ports to hide [tcp/2222]: secret [sequence]: let in without a knock [10.0.0.2]: ',
    )
    expect(told).toMatch(
      /wg0 {2}10\.0\.0\.1 {2}\(your ssh session\)[^]*tcp\/2222 \(yours\)[^]*you come from 10\.0\.0\.2/,
    )
    const all = asked('-i', 'eth0', '--hide', 'tcp/22', '--secret', 'spa', '--always-allow', 'none')
    const none = scripted()
    await choose({ asked: all, facts: FACTS, present: undefined, terminal: none.terminal, say })
    expect(none.said()).toBe('')
  })

  test('an answer that cannot be read is asked for again, with what would be right', async () => {
    const { terminal, said } = scripted('eth9', 'eth0', '22', 'tcp/22,tcp/80', 'code', 'totp', '192.0.2.7/24', 'none')
    const choices = await choose({ asked: asked(), facts: FACTS, present: undefined, terminal, say: () => undefined })
    expect(choices).toMatchObject({ interfaces: ['eth0'], hidden: [service(22), service(80)], secret: 'totp' })
    expect(choices.alwaysAllow).toEqual([])
    for (const hint of ['did you mean: eth0', 'write `tcp/22` or `udp/22`', 'sequence, totp, spa', '192.0.2.0/24']) {
      expect(said()).toContain(hint)
    }
  })

  test('single packets need a key: one of the client, or one that is made here', async () => {
    const line = `${formatKey('postern-user', new Uint8Array(32).fill(7))} alice`
    const { terminal, said } = scripted('no key', line)
    expect(await askForKey(terminal)).toBe(line)
    expect(said()).toMatch(/unknown option .no.[^]*options go before the key/)
    expect(await askForKey(scripted('').terminal)).toBeUndefined()
  })

  test('a terminal that closes, or that says nothing right, ends it', async () => {
    const { terminal, input } = scripted('eth0')
    input.end()
    const closed = choose({ asked: asked(), facts: FACTS, present: undefined, terminal, say: () => undefined })
    await expect(closed).rejects.toThrow('the terminal was closed: nothing has changed')
    const wrong = scripted('a', 'b', 'c', 'd', 'e', 'f')
    const answer = wrong.terminal.ask('number', undefined, (text) => {
      throw new UsageError(`not a number: ${text}`)
    })
    await expect(answer).rejects.toThrow(/too many invalid answers/)
  })
})

test('the line for the client', () => {
  const key = { made: [], serverKey: 'postern-server:KEY' }
  expect(clientLine(PLAN, '192.0.2.1', key)).toBe(
    'knock --verify tcp/22 --retry 2 192.0.2.1 24817 8097 41553 17203 && ssh 192.0.2.1',
  )
  expect(clientLine({ ...PLAN, hidden: [service(2222)] }, 'gate', key)).toMatch(/ tcp\/2222 .* && ssh -p 2222 gate$/)
  for (const hidden of [[service(22), service(80)], [service(51820, UDP)], [{ ...service(8000), last: 8010 }]]) {
    expect(clientLine({ ...PLAN, hidden }, 'gate', key)).toBe('knock gate 24817 8097 41553 17203')
  }
  expect(clientLine({ ...PLAN, secret: 'totp' }, 'gate', key)).toMatch(
    /^knock --code CODE --verify tcp\/22 gate 24817 /,
  )
  expect(clientLine({ ...PLAN, secret: 'spa', knocks: [] }, 'gate', key)).toBe(
    'knock --spa --door ssh --server-key postern-server:KEY --verify tcp/22 --retry 2 gate && ssh gate',
  )
})

test('the firewalls are named by who manages them', () => {
  const saved = { 'iptables-nft': '', 'ip6tables-nft': '', 'iptables-legacy': '', 'ip6tables-legacy': '' }
  expect(firewallsIn({ saved, tables: [] })).toEqual([])
  expect(firewallsIn({ saved, tables: tables('inet filter', 'inet postern_base') })).toEqual(['nftables (inet filter)'])
  expect(firewallsIn({ saved, tables: tables('inet firewalld') })).toEqual(['firewalld'])
  const ufw = { ...saved, 'iptables-nft': '*filter\n:INPUT DROP [0:0]\n:ufw-user-input - [0:0]\n' }
  expect(firewallsIn({ saved: ufw, tables: [] })).toEqual(['ufw'])
  expect(firewallsIn({ saved: { ...saved, 'iptables-legacy': ':INPUT DROP [0:0]\n' }, tables: [] })).toEqual([
    'iptables',
  ])
})

test('the defaults of the init script keep every other line', () => {
  expect(withStart('# a\nSTART_KNOCKD=0\nKNOCKD_OPTS="-i eth1"\n')).toBe('# a\nSTART_KNOCKD=1\nKNOCKD_OPTS="-i eth1"\n')
  expect(withStart('KNOCKD_OPTS=x')).toBe('KNOCKD_OPTS=x\nSTART_KNOCKD=1\n')
  expect(withStart('')).toBe('START_KNOCKD=1\n')
  expect(withStart('#START_KNOCKD=0\n')).toBe('#START_KNOCKD=0\nSTART_KNOCKD=1\n')
})

test.each([
  [['--sequence', '1,99999'], /--sequence: knock 2/],
  [['--sequence', '7301,5401,8822', '--secret', 'spa'], /--sequence does not go with/],
  [['--user-key', 'x'], /--user-key belongs to --secret spa/],
  [['--hide', 'tcp/22@192.0.2.1'], /only ports of this host/],
  [['--always-allow', '192.0.2.7/24'], /--always-allow/],
  [['--secret', 'password'], /--secret is sequence or totp or spa/],
  [['--door', 'a/b'], /invalid door name/],
  [['--door', 'Options'], /invalid door name/],
  [['--host=-oProxyCommand=id'], /invalid host/],
  [['--host', 'gate\nid'], /invalid host/],
  [['--confirm-within', '1s'], /--confirm-within/],
  [['undo'], /unknown word undo/],
  [['confirm', 'cancel'], /one word/],
])('%j is refused', (argv, message) => {
  expect(() => readCommand(SETUP, argv)).toThrow(message)
})
