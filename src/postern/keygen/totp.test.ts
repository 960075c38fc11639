// Goal: the secret that is written, the one that is shown and the one in the picture are one, read by knockd and knock; it
// is nobody else's, and none that was there is lost.
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { runCommand } from '../../cli/command.ts'
import { runGroup } from '../../cli/group.ts'
import { readSecret, secretUri, shortUri } from '../../totp/secret-text.ts'
import { KEYGEN, TOTP } from './arguments.ts'
import type { KeygenArguments } from './arguments.ts'
import { drawQr } from '../card/qr-code.ts'
import { totp, type Surroundings } from './totp.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-keygen-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const MODE_BITS = 0o777
const modeOf = (path: string): number => lstatSync(path).mode & MODE_BITS

interface Run {
  readonly code: number
  readonly out: string
  readonly err: string
}

const run = async (line: string, how: Partial<Surroundings> = {}): Promise<Run> => {
  let [out, err] = ['', '']
  const here: Surroundings = {
    random: (bytes) => Uint8Array.from({ length: bytes }, (_, index) => index + 1),
    hostname: () => 'gate.example',
    folder: join(folder, 'made', 'totp'),
    terminal: false,
    viewer: () => undefined,
    config: () => undefined,
    listening: () => new Set(),
    ...how,
  }
  const output = { out: (text: string) => (out += text), err: (text: string) => (err += text) }
  const code = await runCommand(TOTP, line === '' ? [] : line.split(' '), output, (asked: KeygenArguments) =>
    totp(asked, output, here),
  )
  return { code, out, err }
}

describe('keygen totp', () => {
  test('writes a secret for the door and shows the same one, in a picture too', async () => {
    const { code, out, err } = await run('ssh')
    const file = join(folder, 'made', 'totp', 'ssh')
    expect([code, err]).toEqual([0, ''])
    const text = readFileSync(file, 'utf8')
    const read = readSecret(text)
    if (!('value' in read)) throw new Error(read.message)
    expect(read.value).toMatchObject({ algorithm: 'SHA1', digits: 8, periodS: 30 })
    expect(read.value.key).toHaveLength(20)
    const uri = secretUri(read.value, 'gate.example', 'ssh')
    expect(text).toMatch(/^# .*\[ssh\].*\n/)
    expect(text.split('\n').slice(1)).toEqual([uri, ''])
    expect(out).toContain(`    TOTP_Secret_File = ${file}\n`)
    expect(out).toContain(`    ${uri}\n`)
    expect(out).toContain(await drawQr(shortUri(uri), false))
    expect(out).not.toContain('\u001B')
  })

  test('its file and folder are its owner’s alone', async () => {
    await run('ssh')
    expect(modeOf(join(folder, 'made', 'totp', 'ssh'))).toBe(0o600)
    expect(modeOf(join(folder, 'made', 'totp'))).toBe(0o700)
    expect(modeOf(join(folder, 'made'))).toBe(0o700)
  })

  test('a folder that is there is left as it is', async () => {
    mkdirSync(join(folder, 'made', 'totp'), { recursive: true, mode: 0o755 })
    expect((await run('ssh')).code).toBe(0)
    expect(modeOf(join(folder, 'made', 'totp'))).toBe(0o755)
  })

  test.each([
    ['SHA1', 20],
    ['SHA256', 32],
    ['sha-512', 64],
  ])('%s has a key of %i bytes', async (algorithm, bytes) => {
    const file = join(folder, 'secret')
    await run(`ssh --algorithm ${algorithm} --period 60 --digits 7 --file ${file}`)
    const read = readSecret(readFileSync(file, 'utf8'))
    expect(read).toMatchObject({ value: { digits: 7, periodS: 60 } })
    expect('value' in read && read.value.key.length).toBe(bytes)
  })

  test('keys come out of the random source, and so differ', async () => {
    const [one, other] = [join(folder, 'one'), join(folder, 'other')]
    const output = { out: () => undefined, err: () => undefined }
    await runGroup(KEYGEN, ['totp', 'ssh', '--file', one, '--no-qr'], output)
    await runGroup(KEYGEN, ['totp', 'ssh', '--file', other, '--no-qr'], output)
    expect(readFileSync(one, 'utf8')).not.toBe(readFileSync(other, 'utf8'))
  })

  test('what is there is never overwritten, nor what a link leads to', async () => {
    const file = join(folder, 'secret')
    writeFileSync(file, 'precious')
    const link = join(folder, 'link')
    symlinkSync(file, link)
    symlinkSync(join(folder, 'nowhere'), join(folder, 'dangling'))
    for (const path of [file, link, join(folder, 'dangling')]) {
      expect(await run(`ssh --file ${path}`)).toEqual({
        code: 1,
        out: '',
        err: `postern: cannot create ${path}: file already exists\n  an existing file is never overwritten: move it away, or name another: --file FILE\n`,
      })
    }
    expect(readFileSync(file, 'utf8')).toBe('precious')
    expect(readdirSync(folder).sort()).toEqual(['dangling', 'link', 'secret'])
  })

  test('no secret is shown that could not be written', async () => {
    const file = join(folder, 'none', 'secret')
    expect(await run(`ssh --file ${file}`)).toEqual({
      code: 1,
      out: '',
      err: `postern: cannot create ${file}: no such file or directory\n  make its folder first, or name another file: --file FILE\n`,
    })
    writeFileSync(join(folder, 'made'), '')
    expect(await run('ssh')).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringContaining('cannot create the folder '),
    })
  })

  test('a user’s is a line to be put into the file of users, and nothing is written', async () => {
    const { code, out } = await run('ssh --user alice --issuer gate2 --no-qr')
    const uri = /^ {4}alice (otpauth:\S+)$/m.exec(out)?.[1] ?? ''
    expect(code).toBe(0)
    expect(uri).toMatch(/^otpauth:\/\/totp\/gate2:alice%40ssh\?/)
    expect(readSecret(uri)).toHaveProperty('value')
    expect(out).not.toContain('TOTP_Secret_File')
    expect(readdirSync(folder)).toEqual([])
  })

  test('unless a file for the user is named', async () => {
    const file = join(folder, 'alice')
    const { out } = await run(`ssh --user alice --no-qr --file ${file}`)
    const uri = /^ {4}alice (otpauth:\S+)$/m.exec(out)?.[1] ?? ''
    expect(readFileSync(file, 'utf8').split('\n')).toEqual([expect.stringMatching(/^# .*alice/), uri, ''])
    expect(modeOf(file)).toBe(0o600)
  })

  test('a terminal gets the picture in colours, and none if there is to be none', async () => {
    expect((await run('ssh', { terminal: true })).out).toContain('\u001B[30;47')
    const { out } = await run('web --no-qr', { terminal: true })
    expect(out).not.toContain('\u001B')
    expect(out).not.toMatch(/[█▀▄]/)
  })

  test.each([
    ['', '8 digits: check', '--digits 6'],
    ['--digits 6 --algorithm SHA256', 'SHA256: check', '--algorithm SHA1'],
    ['--period 60', '8 digits, a period of 60 s: check', '--digits 6 --period 30'],
  ])('what apps may not take is said: %s', async (options, doubts, remedy) => {
    const { out } = await run(`ssh ${options}`.trim())
    expect(out).toContain(`not every app takes ${doubts}`)
    expect(out).toContain(`  for those that do not: ${remedy}\n`)
  })

  test('and where there is no doubt, nothing is', async () => {
    expect((await run('ssh --digits 6')).out).not.toContain('not every app')
  })

  test.each([
    ['', 'keygen totp takes one door'],
    ['ssh web', 'keygen totp takes one door'],
    ['../ssh', 'invalid door name for a file'],
    ['.ssh', 'invalid door name for a file'],
    ['n'.repeat(128), 'invalid door name'],
    ['ssh --digits 9', '--digits: not a number in range'],
    ['ssh --digits 06x', '--digits: not a number in range'],
    ['ssh --period 4', '--period: not a number in range'],
    ['ssh --algorithm MD5', '--algorithm: unknown algorithm'],
    ['ssh --user a:b', '--user: invalid name'],
    ['ssh --user #a', '--user: invalid name'],
    ['ssh --issuer a:b', '--issuer: invalid name'],
    ['ssh --issuer=', '--issuer: invalid name'],
    ['ssh --file=', '--file: missing file name'],
    ['ssh --fiel x', "unknown option '--fiel'"],
  ])('"%s" is refused, and nothing made', async (line, message) => {
    const { code, out, err } = await run(line)
    expect([code, out]).toEqual([2, ''])
    expect(err).toContain(`postern: ${message}`)
    expect(readdirSync(folder)).toEqual([])
  })
})
