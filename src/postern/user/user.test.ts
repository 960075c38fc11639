// Goal: an added user can open the door and nobody else can; a removed user cannot. A command that fails leaves every
// byte of the files as it was. No message has a secret in it.
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { SLOW } from '../../../test/slow.ts'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { anyText } from '../../../test/any-text.ts'
import { runUser } from '../../../test/user/commands.ts'
import type { Action, Result } from '../../../test/user/commands.ts'
import { findAccount } from '../../file/account.ts'
import { shareWith } from '../../file/private-group.ts'
import { parseUsers } from '../../config/users.ts'
import type { OpeningStatus, Reply, Status } from '../../control/message.ts'
import { namesOf } from '../completion/names.ts'
import { keyPairOf } from '../../spa/noise/curve.ts'
import { formatKey, readKeyText } from '../../spa/noise/key-text.ts'
import { readUsers } from '../../spa/noise/users.ts'
import { readSecret, shortUri } from '../../totp/secret-text.ts'
import { drawQr } from '../card/qr-code.ts'
import type { AskAll, DoorReply } from './in-force.ts'
import type { Surroundings } from './surroundings.ts'

const KEY = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'
const SERVER = new Uint8Array(32).fill(11)
const publicKey = (byte: number): string =>
  formatKey('postern-user', keyPairOf(new Uint8Array(32).fill(byte)).publicKey)

let folder: string
/** The replies of daemons about a door, and the openings before a change. */
let replies: (door: string) => readonly DoorReply[]
let openings: readonly OpeningStatus[]
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-user-'))
  replies = () => []
  openings = []
  write('server.key', `${formatKey('postern-server-secret', SERVER)}\n`)
  write(
    'knockd.conf',
    `[options]
SPA_Key_File = ${path('server.key')}
[ssh]
Users = ${path('users')}
Sequence = 20111,9441:udp
Open_Ports = tcp/22
[web]
Users = ${path('web')}
Open_Ports = tcp/443
[vpn]
SPA = postern
SPA_Users = ${path('keys')}
SPA_Max_Age = 300
Open_Ports = udp/1194
[mail]
SPA = postern
SPA_Users = ${path('keys')}
Open_Ports = tcp/993
[old]
Sequence = 31041,22987,40127
Open_Ports = tcp/80
[fwknop]
SPA = fwknop
Access_File = ${path('access.conf')}
Open_Ports = tcp/25
`,
  )
  write('users', `# people\n\nbob   7431,8020,9123\n`)
  write('web', `bob ${KEY}\n`)
  write('keys', `# keys\ndoors=vpn ${publicKey(1)} bob, laptop\n`)
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const path = (name: string): string => join(folder, name)
const text = (name: string): string => readFileSync(path(name), 'utf8')
function write(name: string, content: string | Buffer): void {
  writeFileSync(path(name), content, { mode: 0o600 })
}

const answers: AskAll = async (request) => {
  await Promise.resolve()
  if (request.command === 'status') return [{ status: { openings } as unknown as Status }]
  if (request.command !== 'users') throw new Error(request.command)
  return replies(request.door).map((reply) => ('error' in reply ? reply : { users: reply }))
}

async function run(action: Action, words: readonly string[], more: Partial<Surroundings> = {}): Promise<Result> {
  return await runUser(action, ['-c', path('knockd.conf'), ...words], answers, more)
}

const files = (): readonly string[] =>
  readdirSync(folder)
    .sort()
    .map((name) => `${name}\n${text(name)}`)

/** Runs a command that must fail and leave all files as they were. */
async function refused(action: Action, words: readonly string[], code: number): Promise<string> {
  const before = files()
  const result = await run(action, words)
  expect([result.code, result.out, files()]).toEqual([code, '', before])
  return result.err
}

const failing = async (): Promise<never> => await Promise.reject(new Error('cannot write it: no space left'))

describe('add', () => {
  test('codes: the URI on the screen, in the picture and in the file is the same', async () => {
    const { code, out, err } = await run('add', ['alice', '--totp', '--door', 'ssh'])
    expect([code, err]).toEqual([0, ''])
    const [, uri = ''] = /^ {4}(otpauth:\S+)$/m.exec(out) ?? []
    expect(uri).toMatch(/^otpauth:\/\/totp\/gate\.example:alice%40ssh\?/)
    expect(text('users')).toBe(`# people\n\nbob   7431,8020,9123\nalice ${uri}\n`)
    expect(out).toContain(await drawQr(shortUri(uri), false))
    expect(out).toMatch(new RegExp(`^alice can open ssh by codes: ${path('users')}:4\n`))
    expect(out).toContain('    knock --code CODE gate.example 20111 9441:udp\n')
    expect(out).toContain(`knockd is not running with ${path('knockd.conf')}`)
    expect(statSync(path('users')).mode & 0o777).toBe(0o600)
    const { users, faults } = parseUsers(text('users'))
    expect(faults).toEqual([])
    expect(users.find(({ name }) => name === 'alice')!.secret).toMatchObject({ totp: { digits: 8, periodS: 30 } })
  })

  test('codes have options, and the picture can be left out', async () => {
    const options = ['--digits', '6', '--algorithm', 'SHA256', '--period', '60', '--issuer', 'g', '--no-qr']
    const { out } = await run('add', ['alice', '--door', 'web', ...options])
    const read = readSecret(/otpauth:\S+/.exec(out)![0])
    expect(read).toMatchObject({ value: { digits: 6, algorithm: 'SHA256', periodS: 60 } })
    expect(out).toContain('not every app takes SHA256, a period of 60 s')
    expect(out).not.toMatch(/[█▀▄]/)
    expect(out).toContain('    knock --code CODE g\n')
  })

  test('a link that no page would accept is refused before anything is written', async () => {
    const door = '[a\u200Db]'
    write('knockd.conf', `${door}\nUsers = ${path('users')}\nOpen_Ports = tcp/22\n`)
    const page = ['--page', 'https://gate.example/x.html']
    expect(await refused('add', ['alice', ...page], 1)).toMatch(/no link can have the secret for .*: it names no door/)
  })

  test('a link names the host of its page; another host is refused, unless it is given by name', async () => {
    const page = ['--door', 'ssh', '--page', 'https://Knock.Example.org:8443/x.html']
    expect((await run('add', ['alice', ...page])).out).toContain('x.html#v=1&h=knock.example.org&')
    expect((await run('add', ['carol', ...page, '--issuer', 'inner.example'])).out).toContain('#v=1&h=inner.example&')
    const address = ['--door', 'ssh', '--page', 'https://[2001:db8::1]/x.html']
    expect((await run('add', ['dora', ...address])).out).toContain('#v=1&h=2001:db8::1&')
  })

  test('a link over plain http is printed with a warning', async () => {
    const { code, out, err } = await run('add', ['alice', '--door', 'ssh', '--page', 'http://gate.example/x.html'])
    expect([code, out]).toEqual([0, expect.stringContaining('http://gate.example/x.html#v=1')])
    expect(err).toMatch(/plain http: anybody on the way can change the page/)
  })

  test('a picture is not written where others could replace it', async () => {
    mkdirSync(path('open'))
    chmodSync(path('open'), 0o777)
    symlinkSync(path('open'), path('link'))
    for (const name of ['open', 'link']) {
      const words = ['alice', '--door', 'ssh', '--image', path(`${name}/alice.png`)]
      const { code, err } = await run('add', words)
      expect([code, readdirSync(path('open')), text('users')]).toEqual([1, [], '# people\n\nbob   7431,8020,9123\n'])
      expect(err).toMatch(/others can write its folder/)
    }
  })

  test.each(['a\u009B2Jb', 'a\u202Eb', 'a\nb', ''])('%j is an invalid name of a machine', async (host) => {
    expect(await refused('add', ['alice', '--door', 'ssh', '--issuer', host], 2)).toMatch(/invalid name/)
  })

  test('a sequence begins with the knocks of the door', async () => {
    const { code, out } = await run('add', ['alice', '--sequence', '--door', 'ssh'])
    expect(code).toBe(0)
    const [, ports = ''] = /^ {4}knock gate\.example 20111 9441:udp (\d+ \d+ \d+ \d+)$/m.exec(out) ?? []
    expect(text('users')).toBe(`# people\n\nbob   7431,8020,9123\nalice ${ports.replaceAll(' ', ',')}\n`)
  })

  test('a key: the secret half is shown, and only the public half is stored', async () => {
    const { code, out } = await run('add', ['alice, phone', '--spa', '--door', 'vpn', '--option', 'packet-source'])
    expect(code).toBe(0)
    const secret = readKeyText(/postern-user-secret:\S+/.exec(out)![0], 'postern-user-secret')
    if (!('value' in secret)) throw new Error(secret.message)
    const key = formatKey('postern-user', keyPairOf(secret.value).publicKey)
    expect(text('keys')).toBe(
      `# keys\ndoors=vpn ${publicKey(1)} bob, laptop\ndoors=vpn packet-source ${key} alice, phone\n`,
    )
    expect(files().join('')).not.toContain('postern-user-secret')
    const server = formatKey('postern-server', keyPairOf(SERVER).publicKey)
    expect(out).toContain(`    [gate.example]\n    Server_Key = ${server}\n    Door = vpn\n    SPA_Max_Age = 5m\n`)
  })

  test('a key that the client made is added for two doors of one file', async () => {
    const words = ['alice', '--spa', '--public-key', publicKey(2), '--door', 'vpn', '--door', 'mail']
    const { code, out } = await run('add', words)
    expect([code, out.includes('secret')]).toEqual([0, false])
    const { users, faults } = readUsers(text('keys'))
    expect([...users].at(-1)).toMatchObject({ name: 'alice', options: { doors: ['vpn', 'mail'] } })
    expect(faults).toEqual([])
  })

  test('several files: each gets a secret of its own, of a kind that it accepts', async () => {
    const { code, out } = await run('add', [
      'alice',
      '--totp',
      '--spa',
      '--door',
      'ssh',
      '--door',
      'web',
      '--door',
      'vpn',
    ])
    expect(code).toBe(0)
    const uris = [...out.matchAll(/^ {4}(otpauth:\S+)$/gm)].map(([, uri]) => uri)
    expect(new Set(uris).size).toBe(2)
    expect([text('users'), text('web')].map((each) => each.includes('alice otpauth:'))).toEqual([true, true])
    expect(text('keys')).toContain('doors=vpn postern-user:')
  })

  test('--json prints one document', async () => {
    const { out } = await run('add', ['alice', '--totp', '--door', 'ssh', '--json'])
    const { secrets, ...rest } = JSON.parse(out) as { secrets: Record<string, unknown>[] }
    expect(rest).toEqual({ user: 'alice', changed: true, knockd: 'none', problems: [] })
    expect(secrets).toEqual([
      { file: path('users'), line: 4, kind: 'totp', doors: ['ssh'], uri: expect.stringMatching(/^otpauth:/) },
    ])
  })

  test('a missing file is created, for its owner alone, with its folder', async () => {
    write('knockd.conf', `[ssh]\nUsers = ${path('made/deep/users')}\nOpen_Ports = tcp/22\n`)
    expect((await run('add', ['alice'])).code).toBe(0)
    expect(text('made/deep/users')).toMatch(/^alice otpauth:\S+\n$/)
    expect(statSync(path('made/deep/users')).mode & 0o777).toBe(0o600)
  })

  test.runIf(process.geteuid?.() === 0)('a new file can be read by the user that the daemon runs as', async () => {
    write('knockd.conf', `[options]\nUser = nobody\n[ssh]\nUsers = ${path('made/users')}\nOpen_Ports = tcp/22\n`)
    const before = process.umask(0o077)
    const { code } = await run('add', ['alice']).finally(() => process.umask(before))
    const { uid, gid, mode } = statSync(path('made/users'))
    expect([code, uid, gid, mode & 0o777]).toEqual([0, 0, findAccount('nobody')!.gid, 0o640])
    expect(statSync(path('made')).mode & 0o777).toBe(0o755)
    write('knockd.conf', text('knockd.conf').replace('nobody', 'nobody.here').replace('made/users', 'other'))
    expect((await run('add', ['alice'])).err).toContain('there is no user nobody.here')
  })

  // On every system the first group of this user has no other member.
  test.runIf(process.geteuid?.() === 0)(
    "a file that root shares with the daemon's user can be changed again, and read",
    async () => {
      write('knockd.conf', `[options]\nUser = bin\n[ssh]\nUsers = ${path('shared')}\nOpen_Ports = tcp/22\n`)
      try {
        for (const name of ['alice', 'carol']) expect(await run('add', [name])).toMatchObject({ code: 0, err: '' })
        expect(await run('remove', ['alice'])).toMatchObject({ code: 0, err: '' })
        expect((await run('list', [])).out).toMatch(/^carol /m)
        expect(await namesOf({ kind: 'user', config: path('knockd.conf'), interfaces: [] })).toEqual(['carol'])
        const { uid, gid, mode } = statSync(path('shared'))
        expect([uid, gid, mode & 0o777]).toEqual([0, findAccount('bin')!.gid, 0o640])
      } finally {
        shareWith(undefined)
      }
    },
  )

  test('a user who already exists has an exit code', async () => {
    expect(await refused('add', ['bob', '--door', 'ssh'], 3)).toBe(
      `postern: bob is there already: ${path('users')}:3\n  for a new secret, remove the user first\n`,
    )
    await run('disable', ['bob', '--door', 'ssh'])
    expect(await refused('add', ['bob', '--door', 'ssh'], 3)).toContain('bob is there already, disabled: ')
    // One of two files is enough: the other file stays as it is.
    expect(await refused('add', ['bob, laptop', '--spa', '--door', 'vpn'], 3)).toContain(`${path('keys')}:2`)
    const { code, out } = await run('add', ['bob', '--door', 'web', '--json'])
    expect([code, JSON.parse(out)]).toEqual([
      3,
      { user: 'bob', changed: false, file: path('web'), line: 1, disabled: false },
    ])
  })

  test('a file with faults is reported, and left as it is', async () => {
    write('users', 'bob 1,2\ncarol nonsense\ndan 1,2\n')
    const err = await refused('add', ['alice', '--door', 'ssh'], 1)
    expect(err).toContain(`${path('users')}:2:7: warning: the secret of \`carol\` is not a sequence`)
    expect(err).toContain(`${path('users')}:3:5: warning: user \`dan\` has the same secret as line 1`)
    write('keys', `${publicKey(1)} a\n${publicKey(1)} b\n`)
    expect(await refused('add', ['alice', '--spa', '--door', 'vpn'], 1)).toContain(':2:1: error: this key is already')
  })

  test.each([
    [
      'a key that is already there',
      ['alice', '--spa', '--door', 'vpn', '--public-key', publicKey(1)],
      1,
      'this key is already on line 2',
    ],
    [
      'a secret key',
      ['a', '--spa', '--public-key', formatKey('postern-user-secret', SERVER)],
      2,
      "the key is a user's secret key",
    ],
    ['an unknown option', ['a', '--spa', '--door', 'vpn', '--option', 'dors=x'], 1, 'unknown option `dors`'],
    ['a bad value', ['a', '--spa', '--door', 'vpn', '--option', 'expires=soon'], 1, '`soon` is not a day'],
    [
      'a key in place of an option',
      ['a', '--spa', '--door', 'vpn', '--option', publicKey(3)],
      2,
      '--option: not an option',
    ],
    [
      'packets at a door with codes',
      ['alice', '--spa', '--door', 'ssh'],
      2,
      'door ssh has no users with single packets',
    ],
    ['codes at a door with packets', ['alice', '--totp', '--door', 'vpn'], 2, 'door vpn has no users with codes'],
    ['two kinds', ['alice', '--totp', '--sequence', '--door', 'ssh'], 2, 'exclude each other'],
    ['several doors', ['alice', '--totp'], 2, 'several doors have users'],
    ['an unknown door', ['alice', '--door', 'shs'], 1, 'did you mean `ssh`?'],
    ['no name', [], 2, 'add takes one name'],
    ['a door with one sequence', ['alice', '--door', 'old'], 1, '      Users = /etc/postern/users/old\n'],
    ['the same for packets', ['alice', '--spa', '--door', 'old'], 1, 'without Sequence (line 20)'],
    ['a door of fwknop', ['alice', '--door', 'fwknop'], 1, `includes no folder of users`],
  ])('%s is refused', async (_, words, code, message) => {
    expect(await refused('add', words, code)).toContain(message)
  })

  test('a door with the same file has to be named as well', async () => {
    write('knockd.conf', text('knockd.conf').replace(path('web'), path('users')))
    expect(await refused('add', ['alice', '--door', 'web'], 1)).toContain('name them too: --door ssh')
    expect((await run('add', ['alice', '--door', 'web', '--door', 'ssh'])).code).toBe(0)
    expect(text('users').match(/alice/g)).toHaveLength(2)
  })

  test.each(['', '-x', '#a', 'a b', 'a\tb', 'a\nb 1,2', 'ä', '$(x)', 'a'.repeat(33), '../a', 'a\u0000', '"a"'])(
    'the name %j is refused in a file of users',
    async (name) => {
      expect(await refused('add', ['--door', 'ssh', '--totp', '--', name], 2)).toContain('invalid name')
    },
  )

  test.each(['', ' a', 'a ', 'a\nb', 'a\rb', 'a\u0000', 'a\u2028b', '\u200B', 'x'.repeat(128)])(
    'the name %j is refused in a file of keys',
    async (name) => {
      const before = files()
      const { code } = await run('add', ['--spa', '--door', 'vpn', '--', name])
      expect([code === 0, files()]).toEqual([false, before])
    },
  )

  test('without the key of the server nobody can send packets, so no user is added', async () => {
    rmSync(path('server.key'))
    expect(await refused('add', ['alice', '--spa', '--door', 'vpn'], 1)).toContain('postern keygen server makes')
  })

  test('a full disk is reported, and so is a file that others can read', async () => {
    const before = files()
    const { code, out, err } = await run('add', ['alice', '--door', 'ssh'], { replace: failing })
    expect([code, out, err, files()]).toEqual([1, '', 'postern: cannot write it: no space left\n', before])
    chmodSync(path('users'), 0o644)
    expect(await refused('add', ['alice', '--door', 'ssh'], 1)).toContain('others than its owner can read or write it')
  })

  test('users that are added at the same time are all there', async () => {
    const names = Array.from({ length: 8 }, (_, index) => `u${index}`)
    const results = await Promise.all(
      names.map(async (name) => await run('add', [name, '--sequence', '--door', 'ssh'])),
    )
    expect(results.map(({ code }) => code)).toEqual(names.map(() => 0))
    const { users, faults } = parseUsers(text('users'))
    expect([users.map(({ name }) => name).sort(), faults]).toEqual([['bob', ...names], []])
  })
})

const name = fc.stringMatching(/^[A-Za-z0-9._][A-Za-z0-9._-]{0,12}$/)
const userFiles = fc
  .record({
    lines: fc.array(
      fc.oneof(
        fc.constantFrom('', '   ', '\t', '#', '#disabled', '# disabled users go here', '\f'),
        anyText().map((comment) => `# ${comment.replaceAll(/[\r\n\u0085\u2028\u2029]/g, '')}`),
        fc.record({
          indent: fc.constantFrom('', ' ', '\t', '    '),
          mark: fc.constantFrom('', '', '', '#disabled ', '# disabled\t'),
          name,
          gap: fc.constantFrom(' ', '\t', '      '),
        }),
      ),
      { maxLength: 12 },
    ),
    end: fc.constantFrom('\n', '\r\n'),
    closed: fc.boolean(),
    bom: fc.constantFrom('', '\uFEFF'),
  })
  .map(({ lines, end, closed, bom }) => {
    const texts = lines.map((line, index) => {
      if (typeof line === 'string') return line
      const secret =
        index % 2 === 0 ? `${20_000 + index},${30_000 + index}` : `${KEY.slice(0, -2)}${'ABCDEFGHIJKLM'[index]!}Q`
      return `${line.indent}${line.mark}${line.name}${index}${line.gap}${secret}`
    })
    // Half a character of UTF-16 is not valid text.
    return Buffer.from(`${bom}${texts.join(end)}${closed && texts.length > 0 ? end : ''}`).toString()
  })

test('whatever is in a file, an added user is in force beside all others; a removal leaves every other byte as it was', async () => {
  await fc.assert(
    fc.asyncProperty(userFiles, name, fc.constantFrom('--totp', '--sequence'), async (content, who, kind) => {
      write('users', content)
      const before = parseUsers(content)
      expect(before.faults).toEqual([])
      const { code, err } = await run('add', ['--door', 'ssh', kind, '--no-qr', `new.${who}`])
      expect([code, err]).toEqual([0, ''])
      const after = parseUsers(text('users'))
      expect(after.faults).toEqual([])
      expect(after.users.slice(0, -1)).toEqual(before.users)
      expect(after.users.at(-1)!.name).toBe(`new.${who}`)
      expect((await run('disable', [`new.${who}`, '--door', 'ssh'])).code).toBe(0)
      expect(parseUsers(text('users')).users).toEqual(before.users)
      expect((await run('enable', [`new.${who}`, '--door', 'ssh'])).code).toBe(0)
      expect(parseUsers(text('users')).users).toEqual(after.users)
      expect((await run('remove', [`new.${who}`, '--door', 'ssh'])).code).toBe(0)
      expect(text('users')).toBe(content)
    }),
    { numRuns: SLOW ? 60 : 25 },
  )
})

test('invalid UTF-8 stays as it is', async () => {
  const bytes = Buffer.from([0x23, 0xff, 0xfe, 0x80, 0x0a, ...Buffer.from('bob 1,2\n')])
  write('users', bytes)
  await run('add', ['alice', '--sequence', '--door', 'ssh'])
  await run('remove', ['alice', '--door', 'ssh'])
  expect(readFileSync(path('users')).equals(bytes)).toBe(true)
})

const opening = (user: string, source: string, users?: readonly string[]): OpeningStatus => ({
  door: 'ssh',
  source,
  user,
  ...(users === undefined ? {} : { users }),
  claimedUser: undefined,
  services: ['tcp/22'],
  leftMs: 90_000,
})

describe('remove', () => {
  test('a user is removed everywhere, and the output says what was revoked', async () => {
    const { code, out, err } = await run('remove', ['bob'])
    expect([code, err]).toEqual([0, ''])
    expect(out).toBe(`bob is removed and can no longer open ssh by a sequence: ${path('users')}:3
bob is removed and can no longer open web by codes: ${path('web')}:1
knockd is not running with ${path('knockd.conf')}: the change counts from its next start
left as they are, because they have no file of users: old, fwknop
`)
    expect([text('users'), text('web')]).toEqual(['# people\n\n', ''])
    expect(text('keys')).toContain('bob, laptop')
  })

  test('a user can be removed at one door', async () => {
    expect((await run('remove', ['bob', '--door', 'web'])).code).toBe(0)
    expect([text('users').includes('bob'), text('web')]).toEqual([true, ''])
  })

  test('openings of the user are named, as closed or as still open for others', async () => {
    const others = opening('al', '192.0.2.3')
    const elsewhere = { ...opening('bob', '192.0.2.1'), door: 'web' }
    const slow = opening('bob', '192.0.2.4')
    openings = [opening('bob', '192.0.2.1'), opening('al', '192.0.2.2', ['bob', 'al']), others, elsewhere, slow]
    replies = () => [{ file: path('users'), users: [], openings: [opening('al', '192.0.2.2'), others, slow] }]
    const { code, out } = await run('remove', ['bob', '--door', 'ssh'])
    expect([code, out]).toEqual([
      0,
      `bob is removed and can no longer open ssh by a sequence: ${path('users')}:3
knockd has taken the change
closed: ssh for 192.0.2.1 (tcp/22)
still open for others: ssh for 192.0.2.2 (tcp/22)
still being closed: ssh for 192.0.2.4 (tcp/22)
`,
    ])
  })

  test.each<[string, DoorReply, string]>([
    [
      'a daemon that cannot read the file',
      { file: '', users: [], openings: [], fault: 'x: too large' },
      'ssh: knockd has another config',
    ],
    [
      'a daemon that still knows the user',
      { file: 'users', users: [{ name: 'bob' }], openings: [] },
      'ssh: bob is still known',
    ],
    [
      'a daemon with a faulty file',
      { file: 'users', users: [], openings: [], fault: 'users: is too large' },
      'ssh: users: is too large',
    ],
    ['a daemon that does not answer', { error: 'knockd does not answer' }, 'ssh: knockd does not answer'],
  ])('%s is reported, with an exit code', async (_, reply, message) => {
    replies = () => ['file' in reply && reply.file !== '' ? { ...reply, file: path('users') } : reply]
    openings = [opening('bob', '192.0.2.1')]
    const { code, out, err } = await run('remove', ['bob', '--door', 'ssh'])
    expect([code, text('users')]).toEqual([4, '# people\n\n'])
    expect(err).toContain('postern: the file is changed, but knockd has not taken it\n')
    // Only a daemon that answers knows that the door is closed.
    expect(out).toContain(`${'error' in reply ? 'perhaps still open' : 'closed'}: ssh for 192.0.2.1 (tcp/22)\n`)
    expect(err).toContain(message)
  })

  test.each<unknown>([
    null,
    7,
    { status: null, users: null },
    { status: {}, users: {} },
    { status: { openings: [null, {}] }, users: { file: 1, users: [null], openings: 7 } },
    { status: { openings: [{ services: [], users: 7 }] }, users: { file: '', fault: 7, users: [], openings: [] } },
  ])(
    'whatever a daemon answers, the access is revoked, and the output says that it is not yet in force: %j',
    async (answer) => {
      const asksAll: Surroundings['asksAll'] = () => async () => await Promise.resolve([answer as Reply])
      const { code, out, err } = await run('remove', ['bob', '--door', 'ssh'], { asksAll })
      expect([code, text('users')]).toEqual([4, '# people\n\n'])
      expect(out).toMatch(/^bob is removed and can no longer open ssh/)
      expect(err).toContain('the file is changed, but knockd has not taken it')
    },
  )

  test('a daemon that hangs does not delay a revocation', async () => {
    const limits: unknown[] = []
    const asksAll: Surroundings['asksAll'] = () => async (_, limitMs) => {
      limits.push([limitMs, text('users').includes('bob')])
      return await Promise.resolve([])
    }
    await run('remove', ['bob', '--door', 'ssh'], { asksAll })
    expect(limits).toEqual([
      [2_000, true],
      [undefined, false],
    ])
  })

  test('an unknown user has an exit code, and a suggestion', async () => {
    expect(await refused('remove', ['bbo'], 3)).toContain('did you mean: bob')
    expect(await refused('disable', ['bbo'], 1)).toContain('did you mean: bob')
    expect(await refused('enable', ['bob'], 3)).toBe('postern: bob is not disabled\n')
    expect(JSON.parse((await run('remove', ['zoe', '--json'])).out)).toEqual({
      user: 'zoe',
      changed: false,
      action: 'removed',
    })
  })

  test('all lines of a user are removed: otherwise a faulty second one would come into force', async () => {
    write('users', 'bob 1,2\ncarol 5,6\nbob 3,4\n#disabled bob 7,8\n')
    const { code, out, err } = await run('remove', ['bob', '--door', 'ssh'])
    expect([code, text('users')]).toEqual([0, 'carol 5,6\n'])
    expect(out).toContain(`${path('users')}:1, ${path('users')}:3, ${path('users')}:4`)
    expect(err).toContain(':3:1: warning: user `bob` is already on line 1')
  })

  test('a secret that another line would take over is not left in force', async () => {
    write('users', 'bob 1,2\ncarol 1,2\n')
    expect(await refused('remove', ['bob', '--door', 'ssh'], 1)).toContain('carol would get in with a secret of bob')
    write('users', 'bob 1,2\ndan 3,4\rbob 5,6\n')
    expect(await refused('remove', ['bob', '--door', 'ssh'], 1)).toContain('a faulty line may be that of bob')
    write('keys', `${publicKey(1)} bob\ndors=x ${publicKey(2)} bob\n`)
    expect(await refused('remove', ['bob', '--door', 'vpn', '--door', 'mail'], 1)).toContain(
      'a faulty line may be that of bob',
    )
    write('keys', `dors=x ${publicKey(2)} bob\n`)
    expect(await refused('disable', ['bob', '--door', 'vpn', '--door', 'mail'], 1)).toContain('a faulty line may be')
  })

  test('faults of other users do not prevent a revocation', async () => {
    write('users', 'bob 1,2\ncarol nonsense\n')
    const { code, err } = await run('remove', ['bob', '--door', 'ssh'])
    expect([code, text('users')]).toEqual([0, 'carol nonsense\n'])
    expect(err).toContain(':2:7: warning')
  })

  test('at a door that shares its file, the other doors are named', async () => {
    expect(await refused('remove', ['bob, laptop', '--door', 'vpn'], 1)).toContain('name them too: --door mail')
  })
})

describe('disable and enable', () => {
  test('a disabled line stays, behind a mark, and is enabled as it was', async () => {
    const before = text('users')
    expect((await run('disable', ['bob', '--door', 'ssh'])).out).toContain('bob is disabled and can no longer open ssh')
    expect(text('users')).toBe('# people\n\n#disabled bob   7431,8020,9123\n')
    expect(await refused('disable', ['bob', '--door', 'ssh'], 3)).toBe('postern: bob is disabled already\n')
    expect((await run('enable', ['bob', '--door', 'ssh'])).out).toContain(
      'bob is enabled and can open ssh by a sequence',
    )
    expect(text('users')).toBe(before)
  })

  test('a mark that was written or removed by hand counts', async () => {
    write('keys', `  #  disabled doors=vpn ${publicKey(1)} bob\n# disabled keys: none\n`)
    expect((await run('enable', ['bob', '--door', 'vpn', '--door', 'mail'])).code).toBe(0)
    expect(text('keys')).toBe(`  doors=vpn ${publicKey(1)} bob\n# disabled keys: none\n`)
  })

  test('a user who would not be in force is not enabled', async () => {
    write('users', 'carol 1,2\n#disabled bob 1,2\n')
    expect(await refused('enable', ['bob', '--door', 'ssh'], 1)).toContain('has the same secret as line 1')
    write('users', 'carol nonsense\n#disabled bob 1,2\n')
    expect(await refused('enable', ['bob', '--door', 'ssh'], 1)).toContain('correct this first')
  })

  test('if the daemon does not know the user after enabling, there is an exit code', async () => {
    await run('disable', ['bob', '--door', 'ssh'])
    replies = () => [{ file: path('users'), users: [], openings: [] }]
    expect((await run('enable', ['bob', '--door', 'ssh'])).code).toBe(4)
  })
})

describe('list', () => {
  test('the list says who can open what, and shows no secret', async () => {
    await run('disable', ['bob', '--door', 'web'])
    replies = (door) => [
      {
        file: path('x'),
        users: [{ name: 'bob', ...(door === 'ssh' ? { lastUsedMs: 1_700_000_000_000 } : {}) }],
        openings: door === 'ssh' ? [opening('bob', '192.0.2.1')] : [],
      },
    ]
    const { code, out, err } = await run('list', [])
    expect([code, err]).toEqual([0, ''])
    expect(out).toBe(`name         doors  by        state         last used (UTC)   open
bob          ssh    sequence  enabled       2023-11-14 22:13  ssh for 192.0.2.1, 1m 30s
bob          web    codes     disabled      -                 -
bob, laptop  vpn    packets   not in force  -                 -
`)
    const { out: json } = await run('list', ['bob', '--json', '--door', 'ssh'])
    expect(JSON.parse(json)).toEqual({
      users: [
        {
          name: 'bob',
          kind: 'sequence',
          doors: ['ssh'],
          disabled: false,
          file: path('users'),
          line: 3,
          expires: null,
          inForce: true,
          lastUsed: '2023-11-14T22:13:20.000Z',
          open: [{ door: 'ssh', source: '192.0.2.1', services: ['tcp/22'], leftMs: 90_000 }],
        },
      ],
    })
    for (const each of [out, json]) {
      for (const secret of ['7431', KEY, 'postern-user:']) expect(each).not.toContain(secret)
    }
  })

  test('an unreadable file is reported, beside the rest', async () => {
    write('users', 'bob 1,2\ncarol nonsense\n')
    chmodSync(path('web'), 0o666)
    const { code, out, err } = await run('list', [])
    expect(code).toBe(1)
    expect(out).toMatch(/^bob +ssh +sequence +enabled/m)
    expect(err).toContain(':2:7: warning')
    expect(err).toContain(`${path('web')}: others than its owner`)
    expect((await run('list', ['zoe'])).err).toContain('there is no user zoe')
  })

  test('a config without users has an empty list', async () => {
    for (const file of ['users', 'web', 'keys']) write(file, '# nobody\n')
    expect((await run('list', [])).out).toBe(`no users in ${path('users')}, ${path('web')}, ${path('keys')}\n`)
    expect(JSON.parse((await run('list', ['--json'])).out)).toEqual({ users: [] })
  })
})

test('an unusable config is reported', async () => {
  write('knockd.conf', '[ssh]\nUsres = /x\n')
  expect(await refused('add', ['alice'], 1)).toContain('unknown directive `Usres`')
})
