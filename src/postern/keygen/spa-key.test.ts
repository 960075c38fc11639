// Goal: the key that is written is the one whose public half is printed, in the words that the other side reads; it is
// nobody else's, none that was there is lost, and one that others could have read is refused.
import { chmodSync, lstatSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { runCommand } from '../../cli/command.ts'
import type { Command } from '../../cli/command.ts'
import { runGroup } from '../../cli/group.ts'
import { readHostConfig } from '../../client/spa/config-file.ts'
import { keyPairOf } from '../../spa/noise/curve.ts'
import { formatKey, readKeyFile } from '../../spa/noise/key-text.ts'
import { readUsers } from '../../spa/noise/users.ts'
import { KEYGEN, SERVER, USER } from './arguments.ts'
import type { UserKeyArguments } from './arguments.ts'
import { drawQr } from '../card/qr-code.ts'
import { server } from './server.ts'
import { user } from './user.ts'

const SECRET = new Uint8Array(32).map((_, index) => index + 1)
const here = {
  random: (bytes: number): Uint8Array => SECRET.slice(0, bytes),
  hostname: (): string => 'gate',
  username: (): string => 'alice',
}

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-keygen-'))
  vi.stubEnv('HOME', folder)
  vi.stubEnv('XDG_CONFIG_HOME', undefined)
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true })
})

interface Run {
  readonly code: number
  readonly out: string
  readonly err: string
}

async function run(command: Command, ...args: readonly string[]): Promise<Run> {
  let [out, err] = ['', '']
  const code = await runCommand(
    command,
    args,
    { out: (text) => (out += text), err: (text) => (err += text) },
    (asked: UserKeyArguments, output) => (command === USER ? user : server)(asked, output, here),
  )
  return { code, out, err }
}

/** The indented lines: those that somebody copies. */
const copied = (out: string): string =>
  out
    .match(/^ {4}\S.*$/gm)!
    .map((line) => line.trim())
    .join('\n')
const modeOf = (path: string): number => lstatSync(path).mode & 0o777

test("a server's key: the file is private, and a client reads what is printed", async () => {
  const file = join(folder, 'server.key')
  const { code, out, err } = await run(SERVER, '--file', file)
  expect([code, err]).toEqual([0, ''])
  expect(modeOf(file)).toBe(0o600)
  expect(readKeyFile(readFileSync(file, 'utf8'), 'postern-server-secret')).toEqual({ value: SECRET })
  const { settings, found } = readHostConfig(copied(out).replace('…', 'ssh'), 'gate')
  expect([settings.serverKey, found]).toEqual([keyPairOf(SECRET).publicKey, true])
  expect(out).not.toContain(formatKey('postern-server-secret', SECRET).slice(-20))
  expect((await run(SERVER, '--show', '--file', file)).out).toBe(out)
})

test("a user's key: it stands where knock looks for it, and the server reads the line", async () => {
  const { code, out, err } = await run(USER)
  expect([code, err]).toEqual([0, ''])
  const file = join(folder, '.config/postern/key')
  expect([modeOf(file), modeOf(join(folder, '.config/postern'))]).toEqual([0o600, 0o700])
  expect(readKeyFile(readFileSync(file, 'utf8'), 'postern-user-secret')).toEqual({ value: SECRET })
  const { users, faults } = readUsers(`doors=ssh ${copied(out)}\n`)
  expect(faults).toEqual([])
  expect(users.find(keyPairOf(SECRET).publicKey)).toMatchObject({ name: 'alice@gate' })
  expect(copied((await run(USER, '--show', 'alice, her laptop')).out)).toMatch(/ alice, her laptop$/)
})

test('the public key as a QR code, where that is wanted', async () => {
  const file = join(folder, 'server.key')
  const { out } = await run(SERVER, '--file', file)
  const drawn = (await run(SERVER, '--show', '--qr', '--file', file)).out
  expect(drawn.startsWith(out)).toBe(true)
  expect(drawn).toContain(await drawQr(formatKey('postern-server', keyPairOf(SECRET).publicKey), false))
})

test('two keys are two', async () => {
  const outputs = await Promise.all(
    ['one', 'two'].map(async (name) => {
      let out = ''
      await runGroup(KEYGEN, ['user', '--file', join(folder, name), name], {
        out: (text) => (out += text),
        err: () => undefined,
      })
      return copied(out).split(' ')[0]
    }),
  )
  expect(new Set(outputs).size).toBe(2)
})

describe('what is there', () => {
  test('is never overwritten, not even through a link', async () => {
    const file = join(folder, 'key')
    writeFileSync(file, 'mine\n', { mode: 0o600 })
    symlinkSync(join(folder, 'nowhere'), join(folder, 'link'))
    for (const name of ['key', 'link']) {
      const { code, out, err } = await run(USER, '--file', join(folder, name))
      expect([code, out]).toEqual([1, ''])
      expect(err).toMatch(/file already exists\n {2}an existing file is never overwritten/)
    }
    expect(readFileSync(file, 'utf8')).toBe('mine\n')
  })

  test('is refused where others can read it, or where it is another key', async () => {
    const file = join(folder, 'key')
    await run(USER, '--file', file)
    expect((await run(SERVER, '--show', '--file', file)).err).toMatch(
      /is a user's secret key\n {2}a server's secret key/,
    )
    for (const mode of [0o640, 0o604, 0o620]) {
      chmodSync(file, mode)
      const { code, out, err } = await run(USER, '--show', '--file', file)
      expect([code, out]).toEqual([1, ''])
      expect(err).toMatch(/others than its owner can read or write it \(mode 06..\)\n {2}chmod 600/)
    }
  })

  test('is not there', async () => {
    expect((await run(USER, '--show')).err).toMatch(/no such file\n {2}to make a key, leave out --show/)
    expect((await run(USER, '--file', join(folder, 'no/such'))).err).toMatch(
      /no such file or directory\n {2}make its folder first/,
    )
  })
})

test.each<[Command, readonly string[], RegExp]>([
  [SERVER, ['gate'], /keygen server takes no arguments/],
  [USER, ['alice', 'bob'], /keygen user takes one name/],
  [USER, [''], /the name is missing/],
  [USER, ['x'.repeat(128)], /the name is too long/],
  [USER, ['a\nb'], /more than one line/],
  [USER, ['--fil', 'x'], /unknown option '--fil'/],
])('%o %j is a usage fault, and nothing is made', async (command, args, message) => {
  const { code, out, err } = await run(command, ...args)
  expect([code, out]).toEqual([2, ''])
  expect(err).toMatch(message)
  expect((await run(USER, '--show')).code).toBe(1)
})
