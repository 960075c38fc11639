// Goal: an operator sees what changes before it does. Faulty files are never written, and nothing overwrites what
// somebody else has written meanwhile. A written version is complete, even if several operators push at the same time.
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FakeEtcd } from '../../../../test/fleet/etcd.ts'
import { FLEET_KEY, FleetHost, KEYSPACE, OPERATORS, PLACE, SEAL, signed } from '../../../../test/fleet/users.ts'
import type { Texts } from '../../../../test/fleet/users.ts'
import { publicKeyText } from '../../../fleet/hosts.ts'
import { signText } from '../../../fleet/signed.ts'
import { readUsersDocument } from '../../../fleet/users/users-document.ts'
import { push } from './push.ts'

const PASSPHRASE = 'correct horse'
/** The clock of a push runs faster by this factor, so that the wait for hosts is short. */
const CLOCK_RATE = 40
const USERS = 'alice 7431,8020,6001\nbob 7431,8020,6002\n'

let base: string
let folder: string
let etcd: FakeEtcd
let confirms: boolean
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'postern-push-'))
  folder = join(base, 'users.d')
  etcd = new FakeEtcd()
  confirms = true
  for (const name of ['alice', 'bob', 'mallory'] as const) operator(name)
})
afterEach(() => rmSync(base, { recursive: true }))

/** Writes the folder of an operator. The key of bob has a passphrase; mallory is not an operator. */
function operator(name: 'alice' | 'bob' | 'mallory'): void {
  const lines = (['alice', 'bob'] as const).map(
    (each) => `Operator = ${each} ${publicKeyText(OPERATORS[each].publicKey)}\n`,
  )
  const sealed = { cipher: 'aes-256-cbc', passphrase: PASSPHRASE }
  const key = OPERATORS[name].privateKey.export({
    format: 'pem',
    type: 'pkcs8',
    ...(name === 'bob' ? sealed : {}),
  }) as string
  const files = {
    'fleet.conf': `Fleet = home\nEtcd = https://192.0.2.1:2379\n${lines.join('')}`,
    'ca.crt': '',
    'host.crt': '',
    'host.key': '',
    'fleet.key': `${FLEET_KEY.toString('base64')}\n`,
    'sign.key': key,
  }
  mkdirSync(join(base, name), { mode: 0o700 })
  for (const [file, text] of Object.entries(files)) writeFileSync(join(base, name, file), text, { mode: 0o600 })
}

function write(texts: Texts): void {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { mode: 0o700 })
  for (const [name, text] of Object.entries(texts)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true, mode: 0o700 })
    writeFileSync(join(folder, name), text, { mode: 0o600 })
  }
}

/** Writes a sign of life, as hosts do. All have the same key. */
async function beat(name: string, more: object): Promise<void> {
  const place = KEYSPACE.beat(name)
  const body = { at: 1, version: '1', doors: 0, marks: [], refused: {}, ...more }
  await etcd.put(place, signText(place, body, { name, key: OPERATORS.mallory.privateKey }))
}

interface Result {
  readonly code: number
  readonly out: string
  readonly err: string
}

async function run(
  by: 'alice' | 'bob' | 'mallory',
  more: {
    readonly yes?: boolean
    readonly 'dry-run'?: boolean
    readonly key?: string
    readonly passphrase?: string
  } = {},
): Promise<Result> {
  const { passphrase = PASSPHRASE, ...given } = more
  let [out, err] = ['', '']
  const asked = { yes: false, 'dry-run': false, key: undefined, folder: join(base, by), users: folder, ...given }
  const output = { out: (text: string) => void (out += text), err: (text: string) => void (err += text) }
  try {
    const code = await push(asked, output, {
      connect: () => etcd,
      confirm: async () => await Promise.resolve(confirms),
      passphrase: async () => await Promise.resolve(passphrase),
      steady: () => performance.now() * CLOCK_RATE,
    })
    return { code, out, err }
  } catch (error) {
    const { message, hint } = error as Error & { readonly hint?: string }
    return { code: 1, out, err: `${err}${message}\n${hint ?? ''}` }
  }
}

/** Returns a host that has taken the version in etcd. */
async function taken(): Promise<FleetHost> {
  const host = new FleetHost('', { etcd }, mkdtempSync(join(base, 'state-')))
  await host.tell((await etcd.get(PLACE))!.value)
  host.users.close()
  return host
}

test('the first push lists everybody, and every host takes the files', async () => {
  write({ 'ssh.users': USERS, 'codes.totp': 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\n', 'empty.users': '' })
  const { code, out, err } = await run('alice')
  expect([code, err]).toEqual([0, ''])
  expect(out).toBe(
    'there are no users yet; new: version 1\ncodes.totp: file added; added 1 secret\nempty.users: file added\n' +
      'ssh.users: file added; added alice, bob\nversion 1 is in etcd, signed by alice\n' +
      'no host is running yet: each takes it when it starts\n',
  )
  const host = await taken()
  expect(host.text('ssh.users')).toBe(USERS)
  expect(host.text('empty.users')).toBe('')
  const all = (await etcd.list('/')).kvs.map(
    ({ key, value }) => `${key} ${value} ${Buffer.from(value, 'base64').toString('latin1')}`,
  )
  expect(all.join('\n')).not.toMatch(/bob|7431|GEZDG/)
})

test('a push compares with etcd; a second operator, with a passphrase, continues from it', async () => {
  write({ 'ssh.users': USERS })
  await run('alice')
  write({ 'ssh.users': 'bob 7431,8020,6009\ncarol 7431,8020,6003\n' })
  expect(await run('bob', { 'dry-run': true })).toEqual({
    code: 0,
    out:
      'present: version 1, by alice; new: version 2\nssh.users: added carol; changed bob; removed alice\n' +
      'who is removed loses access, and what is open, on every host\n',
    err: '',
  })
  expect((await taken()).text('ssh.users')).toBe(USERS)
  expect((await run('bob', { passphrase: 'wrong' })).err).toContain('the passphrase is wrong')
  confirms = false
  expect(await run('bob')).toMatchObject({ code: 1, err: 'nothing has changed\n' })
  expect((await taken()).users.status.version).toBe(1)
  expect((await run('bob', { yes: true })).out).toContain('version 2 is in etcd, signed by bob')
  expect((await taken()).text('ssh.users')).toContain('carol')
  expect(await run('alice')).toEqual({ code: 3, out: 'present: version 2, by bob; nothing has changed\n', err: '' })
})

test('--key names another key, whose operator is found; a key without operator is refused', async () => {
  write({ 'ssh.users': USERS })
  expect((await run('mallory')).err).toMatch(/no operator has this key\n {2}add the line to .*: Operator = NAME /)
  expect(await etcd.get(PLACE)).toBeUndefined()
  expect((await run('mallory', { key: join(base, 'alice', 'sign.key') })).out).toContain('signed by alice')
})

describe('nothing is written', () => {
  const cases: readonly (readonly [string, Texts, RegExp])[] = [
    [
      'a faulty line',
      { 'ssh.users': `${USERS}carol 7431,x\n` },
      /users\.d\/ssh\.users:3:\d+: error: the secret of `carol` .*\n {4}/,
    ],
    ['a faulty key', { 'a.spa': 'postern-user:zz bob\n' }, /a\.spa:1:\d+: error: /],
    ['a faulty secret', { 'a.totp': 'x\n' }, /a\.totp:1:1: error: the file /],
    ['a faulty list', { 'a.list': ' 1,x\n' }, /a\.list:1:\d+: error: /],
    ['a faulty stanza', { 'a.access': 'KEY x\n' }, /a\.access:1:\d+: error: KEY is before the first stanza/],
    [
      'a stanza that includes what is elsewhere',
      { 'a.access': 'SOURCE ANY\n%include_keys /etc/x\n' },
      /a\.access:2:\d+: error: %include_keys: \/etc\/x is not one of the files of the fleet\n/,
    ],
    [
      'a faulty profile',
      { 'p.knockknock/bob/counter': 'x\n' },
      /p\.knockknock\/bob\/cipher\.key:1:1: error: cipher\.key is missing/,
    ],
    ['a name with a blank', { 'my users': '' }, /users\.d\/my users:1:1: error: `my users` is not a name for a file/],
    ['a folder that is not a profile', { 'x/y': '' }, /`x\/y` is not a name for a file/],
    ['no files', {}, /there are no files\nto revoke the access of everybody, leave the files there, empty/],
  ]
  test.each(cases)('%s', async (_, texts, fault) => {
    write(texts)
    const { code, err } = await run('alice', { yes: true })
    expect(code).toBe(1)
    expect(err).toMatch(fault)
    expect(err).not.toMatch(/7431|zz/)
    expect(etcd.puts).toEqual([])
  })

  test('a file that others can read or write is refused', async () => {
    write({ 'ssh.users': USERS })
    chmodSync(join(folder, 'ssh.users'), 0o644)
    expect((await run('alice')).err).toMatch(
      /ssh\.users:1:1: error: others than its owner can read or write it .*\n.*chmod 600/,
    )
    expect(etcd.puts).toEqual([])
  })

  test('no answer from etcd is reported', async () => {
    write({ 'ssh.users': USERS })
    etcd.isAway = true
    expect((await run('alice')).err).toMatch(/^fleet unavailable: no majority of etcd answers\n/)
    expect(etcd.isClosed).toBe(true)
  })
})

test('included files are files of the fleet, and a file of an unknown kind is reported', async () => {
  const stanza = `SOURCE ANY\nREQUIRE_USERNAME bob\n%include_keys /var/lib/postern/fleet/home/users.d/bob.keys\n`
  const keys = `KEY_BASE64 ${Buffer.alloc(32, 1).toString('base64')}\nHMAC_KEY_BASE64 ${Buffer.alloc(64, 2).toString('base64')}\n`
  write({ 'vpn.access': stanza, 'bob.keys': keys })
  const first = await run('alice')
  expect(first.out).toContain('vpn.access: file added; added `bob`')
  expect(first.err).toMatch(
    /bob\.keys:1:1: warning: not checked here: the kind of this file is unknown\n {4}names end with \.users/,
  )
  write({ 'vpn.access': stanza, 'bob.keys': keys.replace('AQEB', 'AQEC') })
  expect((await run('alice')).out).toContain('bob.keys: no user has changed')
})

test('if somebody pushes meanwhile, nothing is written, and the other change is shown', async () => {
  write({ 'ssh.users': USERS })
  await run('alice')
  write({ 'ssh.users': `${USERS}carol 7431,8020,6003\n` })
  etcd.beforeTxn = async () => {
    etcd.beforeTxn = () => undefined
    write({ 'ssh.users': `${USERS}dave 7431,8020,6004\n` })
    await run('bob', { yes: true })
  }
  const { code, err } = await run('alice', { yes: true })
  expect(code).toBe(1)
  expect(err).toBe(
    'bob (version 2) has pushed meanwhile: nothing of yours was put\n  ssh.users: added dave\npush again',
  )
  expect((await taken()).text('ssh.users')).toContain('dave')
})

test('if the answer is lost, the transaction is tried again, and the output says that the version is in etcd', async () => {
  write({ 'ssh.users': USERS })
  etcd.losesAnswer = true
  expect((await run('alice')).out).toContain('version 1 is in etcd')
})

test('unused parts are removed; parts that somebody else removed meanwhile are written again', async () => {
  write({ 'ssh.users': USERS })
  await run('alice')
  const [old] = (await etcd.list(KEYSPACE.part(''))).kvs
  write({ 'ssh.users': 'carol 7431,8020,6003\n' })
  const fresh = KEYSPACE.part(SEAL.idOf(readFileSync(join(folder, 'ssh.users'))))
  etcd.beforeTxn = () => {
    etcd.beforeTxn = () => undefined
    etcd.delete(fresh)
  }
  await run('alice')
  expect((await etcd.list(KEYSPACE.part(''))).kvs.map(({ key }) => key)).toEqual([fresh])
  expect(old?.key).not.toBe(fresh)
  expect((await taken()).text('ssh.users')).toContain('carol')
})

test('an unusable document is reported and replaced, above all versions that hosts have', async () => {
  write({ 'ssh.users': USERS })
  await etcd.put(PLACE, signed({ version: Number.MAX_SAFE_INTEGER, files: [] }, 'mallory'))
  await beat('web1', { versions: { users: 57, hosts: 2 } })
  await etcd.put(KEYSPACE.beat('web2'), 'damaged')
  const { code, out, err } = await run('alice', { yes: true, 'dry-run': true })
  expect([code, err]).toEqual([
    0,
    'postern: the users in etcd are unusable: it is signed by somebody who may not\n  all of them are put anew\n',
  ])
  expect(out).toContain('new: version 58\n')
})

test('a forged sign of life cannot use up the versions', async () => {
  write({ 'ssh.users': USERS })
  await beat('web1', { versions: { users: Number.MAX_SAFE_INTEGER } })
  expect((await run('alice', { 'dry-run': true })).out).toContain(`new: version ${2 ** 40 + 1}\n`)
})

test('hosts that have the version, refuse it or are behind are told apart', async () => {
  write({ 'ssh.users': USERS })
  const key = publicKeyText(OPERATORS.mallory.publicKey)
  const hosts = ['db1', 'web1', 'web2'].map((name) => ({ name, groups: [], key }))
  const place = KEYSPACE.document('hosts')
  const signer = { name: 'alice', key: OPERATORS.alice.privateKey }
  await etcd.put(place, signText(place, { version: 1, hosts }, signer))
  await beat('web1', { versions: { users: 9 } })
  await beat('db1', { versions: { users: 8 }, refused: { users: 'a file has an error' } })
  await beat('gone', { versions: { users: 8 } })
  // An attacker who hides the version from web2 says that web2 has it.
  const forged = signText(KEYSPACE.beat('web2'), { at: 1, version: '1', doors: 0, versions: { users: 10 } }, signer)
  await etcd.put(KEYSPACE.beat('web2'), forged)
  etcd.beforeTxn = async () => await beat('web1', { versions: { users: 10 } })
  const { code, out, err } = await run('alice')
  expect(code).toBe(4)
  expect(out).toContain('version 10 is in etcd, signed by alice\nin force on web1\n')
  expect(err).toBe(
    'postern: db1 refuses it: a file has an error\npostern: not in force after 10 s: web2\n' +
      '  they take it as soon as they can; postern fleet status shows who is behind\n',
  )
})

test('hosts whose signs of life were removed are behind', async () => {
  write({ 'ssh.users': USERS })
  const place = KEYSPACE.document('hosts')
  const hosts = [{ name: 'web1', groups: [], key: publicKeyText(OPERATORS.mallory.publicKey) }]
  await etcd.put(place, signText(place, { version: 1, hosts }, { name: 'alice', key: OPERATORS.alice.privateKey }))
  const { code, err } = await run('alice', { yes: true })
  expect([code, err]).toEqual([4, expect.stringContaining('not in force after 10 s: web1')])
})

test('a document that a host would refuse is never signed: the bounds are those of the reader', async () => {
  const lines = Array.from(
    { length: 20_001 },
    (_, at) => `u${at} 7431,${1_024 + (at % 60_000)},6001,${30_000 + (at % 3_000)}\n`,
  )
  write({ 'ssh.users': lines.join('') })
  expect((await run('alice')).err).toContain('too many users')
  write(Object.fromEntries(Array.from({ length: 1_201 }, (_, at) => [`f${at}.users`, ''])))
  expect((await run('alice')).err).toContain('too many files\nat most 1200')
  expect(readUsersDocument({ version: 1, files: [] })).toEqual({ version: 1, files: [] })
})
