// Goal: a user of a door with fwknop's packets has a file of their own that the daemon reads, is shown what fwknop's app scans,
// and is gone with it; whatever fails leaves no file.
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { runUser } from '../../../test/user/commands.ts'
import type { Action, Result } from '../../../test/user/commands.ts'
import { readAccessFile } from '../../peer/fwknop/authenticator/access-file.ts'
import { drawQr } from '../card/qr-code.ts'

let folder: string
const path = (name: string): string => join(folder, name)
const write = (name: string, text: string): void => writeFileSync(path(name), text, { mode: 0o600 })
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-fwknop-'))
  write('knockd.conf', `[ssh]\nSPA = fwknop\nAccess_File = ${path('access.conf')}\nOpen_Ports = tcp/22\n`)
  write('access.conf', `%include_folder ${path('people')}\n`)
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const run = async (action: Action, ...words: readonly string[]): Promise<Result> =>
  await runUser(action, ['-c', path('knockd.conf'), ...words], async () => await Promise.resolve([]))

test('the keys that are scanned are those of the stanza; removed, it is gone', async () => {
  const { code, out, err } = await run('add', 'alice', '--door', 'ssh')
  expect([code, err]).toEqual([0, ''])
  const [, scan = '', key = '', hmac = ''] = /^ {4}(KEY_BASE64:(\S{44}) HMAC_KEY_BASE64:(\S{44}))$/m.exec(out) ?? []
  expect(out).toContain(await drawQr(scan, false))
  expect(out).toContain('knock --spa fwknop -A tcp/22')
  const file = path('people/alice.conf')
  expect(statSync(file).mode & 0o777).toBe(0o600)
  const { stanzas, faults } = readAccessFile(path('access.conf'), 'fwknop')
  expect(faults).toEqual([])
  expect(stanzas.map(({ rijndael, hmac: own }) => [rijndael!.key, own!.key])).toEqual([
    [key, hmac].map((text) => new Uint8Array(Buffer.from(text, 'base64'))),
  ])
  expect((await run('add', 'alice', '--door', 'ssh')).code).toBe(3)
  expect((await run('add', 'bob', '--door', 'ssh')).code).toBe(0)
  const removed = await run('remove', 'alice')
  expect(removed).toEqual({
    code: 0,
    out: `alice is removed and can no longer open ssh by packets of fwknop: ${file}:2\n`,
    err: '',
  })
  expect(readdirSync(path('people'))).toEqual(['bob.conf'])
})

test('a user of other doors too loses both', async () => {
  write(
    'knockd.conf',
    `${readFileSync(path('knockd.conf'), 'utf8')}[web]\nUsers = ${path('users')}\nOpen_Ports = tcp/443\n`,
  )
  expect((await run('add', 'alice', '--door', 'ssh')).code).toBe(0)
  expect((await run('add', 'alice', '--door', 'web', '--sequence')).code).toBe(0)
  const { code, out, err } = await run('remove', 'alice')
  expect([code, out, err]).toEqual([
    0,
    expect.stringContaining('web by a sequence'),
    expect.stringContaining('ssh by packets'),
  ])
  expect(readdirSync(path('people'))).toEqual([])
  expect(readFileSync(path('users'), 'utf8')).toBe('')
})

test('without a folder in access.conf the line for it is shown, and nothing is written', async () => {
  write('access.conf', 'SOURCE ANY\nKEY_BASE64 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n')
  const { code, out, err } = await run('add', 'alice', '--door', 'ssh')
  expect([code, out]).toEqual([1, ''])
  expect(err).toMatch(/includes no folder of users\n.*%include_folder \/etc\/postern\/fwknop$/m)
  expect(readdirSync(folder).toSorted()).toEqual(['access.conf', 'knockd.conf'])
})

test('a stanza that would not be read is taken back, with its picture', async () => {
  mkdirSync(path('people'), { mode: 0o700 })
  write('people/bad.conf', 'SOURCE nowhere\n')
  const { code, err } = await run('add', 'alice', '--door', 'ssh', '--image', path('a.png'))
  expect([code, err]).toEqual([1, expect.stringContaining('nothing was changed')])
  expect([readdirSync(path('people')), readdirSync(folder).toSorted()]).toEqual([
    ['bad.conf'],
    ['access.conf', 'knockd.conf', 'people'],
  ])
})

test.each([
  [['../x'], 'invalid name'],
  [['alice', '--totp'], 'are not for a door with packets of fwknop'],
  [['alice', '--page', 'https://gate/x'], 'are not for a door with packets of fwknop'],
])('%j is refused', async (words, message) => {
  const { code, err } = await run('add', ...words, '--door', 'ssh')
  expect([code, err]).toEqual([2, expect.stringContaining(message)])
})
