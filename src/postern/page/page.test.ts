// Goal: a page has exactly the secret of the user that was named, encrypted; it is written whole, private if it has a secret, over no file that is
// something else; and a door that no browser opens is told.
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { readConfig } from '../../config/read.ts'
import { decodeProfile, encodeProfile } from '../../publish/client-profile.ts'
import { readKnockHost } from '../../publish/knock-host.ts'
import { NODE_CIPHER } from '../../publish/page/node-cipher.ts'
import { keyByPassphrase, parseSealed, unseal } from '../../publish/page/sealed.ts'
import { postern } from '../postern.ts'
import { page } from './page.ts'
import { checkDoor, profileOf } from './profile.ts'

const folder = mkdtempSync(join(tmpdir(), 'postern-page-'))
afterAll(() => rmSync(folder, { recursive: true }))
const at = (name: string): string => join(folder, name)
const KEY = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'
const HOST = readKnockHost('gate.example.org')!
const DIST = new URL('../../../dist/publish/page/client.js', import.meta.url)

beforeEach(() => {
  writeFileSync(at('users'), `alice otpauth://totp/x?secret=${KEY}&digits=7\nbob 7000,8000:udp\n`, { mode: 0o600 })
  writeFileSync(at('totp'), `${KEY}\n`, { mode: 0o600 })
  writeFileSync(at('identity'), '# of alice\nAGE-SECRET-KEY-1ABC\n', { mode: 0o600 })
})

const CONFIG = `
[users]
Users = ${at('users')}
Sequence = 5000,6000
Open_Ports = udp/53,tcp/22
[codes]
TOTP_Secret_File = ${at('totp')}
Open_Ports = tcp/443@192.0.2.9
[fixed]
Sequence = 1,2,3
Start_Command = true
[list]
One_Time_Sequences = generate
Publish_To = ${folder}
Publish_For = age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p
Start_Command = true
[unpublished]
One_Time_Sequences = generate
Start_Command = true
[packets]
SPA = postern
SPA_Users = ${at('users')}
Open_Ports = tcp/22
[flags]
Sequence = 1,2,3
TCPFlags = fin
Start_Command = true
`
const { config } = readConfig(CONFIG, 'knockd.conf')
const door = (name: string): Parameters<typeof checkDoor>[0] => config!.doors.find((each) => each.name === name)!

describe('the profile', () => {
  test.each([
    ['users', 'alice', undefined, `p=22&d=users&u=alice&k=codes&s=${KEY}&a=SHA1&n=7&t=30&b=5000,6000`],
    ['users', 'bob', undefined, 'p=22&d=users&u=bob&k=sequence&q=5000,6000,7000,8000:udp'],
    ['codes', 'carol', undefined, `d=codes&u=carol&k=codes&s=${KEY}&a=SHA1&n=8&t=30`],
    ['fixed', 'carol', undefined, 'd=fixed&u=carol&k=sequence&q=1,2,3'],
    ['list', 'carol', at('identity'), 'd=list&u=carol&k=list&f=list.age&i=AGE-SECRET-KEY-1ABC'],
  ])('of door %s for %s', (name, user, identity, text) => {
    const encoded = encodeProfile(profileOf(door(name), user, HOST, identity))
    expect(encoded).toBe(`v=1&h=gate.example.org&${text}`)
    expect(decodeProfile(encoded)).toHaveProperty('value')
  })

  test.each([
    ['users', 'carol', undefined, /there is no user carol/],
    ['list', 'carol', undefined, /encrypted to identities/],
    ['list', 'carol', at('users'), /has no age identity/],
    ['fixed', 'carol', at('identity'), /has no published list/],
  ])('of door %s for %s with %s: %s', (name, user, identity, message) => {
    expect(() => profileOf(door(name), user, HOST, identity)).toThrow(message)
  })

  test.each([
    ['packets', /which no browser can send/],
    ['unpublished', /not published/],
    ['flags', /packets that no browser sends/],
  ])('not of door %s: %s', (name, message) => {
    expect(() => checkDoor(door(name))).toThrow(message)
  })
})

describe.runIf(existsSync(DIST))('the command', () => {
  const run = async (words: readonly string[]): Promise<{ code: number; out: string; err: string }> => {
    let [out, err] = ['', '']
    writeFileSync(at('knockd.conf'), CONFIG.replace(/\[packets\][^]*/, ''), { mode: 0o600 })
    const argv = ['page', '-c', at('knockd.conf'), '--host', 'gate.example.org', ...words]
    const code = await postern(argv, { out: (text) => (out += text), err: (text) => (err += text) })
    return { code, out, err }
  }

  test.each([
    [['--door', 'users', at('config')], 2, /not the name of a page/],
    [[at('a.html')], 2, /no door given/],
    [['--door', 'users', '--mode', '666', at('a.html')], 2, /invalid mode/],
    [['--door', 'user', at('a.html')], 1, /did you mean `users`/],
    [['--door', 'users', '--host', 'a b', at('a.html')], 1, /neither a DNS name nor an address/],
    [['--door', 'users', '--user', 'alice', at('a.html')], 1, /no terminal to ask/],
    [['--door', 'users', '--user', 'alice', '--passphrase-file', at('none'), at('a.html')], 1, /none: /],
  ])('%j', async (words, code, message) => {
    const result = await run(words)
    expect([result.code, result.out]).toEqual([code, ''])
    expect(result.err).toMatch(message)
    expect(existsSync(at('a.html'))).toBe(false)
  })

  test('writes a page that opens by its passphrase, for its owner alone, and says that one is weak', async () => {
    writeFileSync(at('passphrase'), 'hunter2\n', { mode: 0o600 })
    await run([])
    let err = ''
    const output = { out: (): void => undefined, err: (text: string): void => void (err += text) }
    const place = {
      config: at('knockd.conf'),
      door: 'users',
      host: HOST.name,
      identity: undefined,
      file: at('ssh.html'),
    }
    const built = new URL('.', DIST)
    const own = { ...place, user: 'alice', 'passphrase-file': at('passphrase'), mode: 0o600 }
    const code = await page(own, output, built)
    expect([code, err]).toEqual([
      0,
      'postern: the passphrase is weak\n  it is short; 12 characters or more are better\n',
    ])
    const text = readFileSync(at('ssh.html'), 'utf8')
    expect(text).not.toContain(KEY)
    const sealed = parseSealed(/data-sealed="([^"]*)"/.exec(text)![1]!)!
    const inside = unseal(sealed, (await keyByPassphrase(sealed, 'hunter2', NODE_CIPHER))!, NODE_CIPHER)
    expect(inside).toBe(encodeProfile(profileOf(door('users'), 'alice', HOST, undefined)))
    const modes = ['ssh.html', 'ssh-worker.js', 'ssh.webmanifest', 'ssh-icon.png'].map(
      (name) => statSync(at(name)).mode & 0o777,
    )
    expect(modes).toEqual([0o600, 0o644, 0o644, 0o644])
    // Again, over itself, and without a secret.
    expect(await page({ ...place, user: undefined, 'passphrase-file': undefined, mode: 0o644 }, output, built)).toBe(0)
    expect(readFileSync(at('ssh.html'), 'utf8')).not.toContain('data-sealed')
    expect(statSync(at('ssh.html')).mode & 0o777).toBe(0o644)
  })

  test('leaves a file alone that is no page of its own', async () => {
    writeFileSync(at('mine.html'), '<p>mine</p>')
    expect((await run(['--door', 'users', at('mine.html')])).err).toMatch(/is no page of postern/)
    expect(readFileSync(at('mine.html'), 'utf8')).toBe('<p>mine</p>')
    expect(existsSync(at('mine-worker.js'))).toBe(false)
  })
})
