// Goal: the one packet says what the command line and the client's files say. Nothing is sent if a file is open to
// others, a key is missing or a word is mistyped. The server's code opens the packets, on a socket of the test.
import { execFileSync, spawnSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import type { Socket } from 'node:dgram'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { readCommand } from '../../cli/command.ts'
import { formatAddress, parseAddress } from '../../packet/address.ts'
import { openSpa } from '../../peer/fwknop/open.ts'
import type { OpenedSpa } from '../../peer/fwknop/open.ts'
import type { DatedClaim } from '../../spa/noise/claim.ts'
import { keyPairOf } from '../../spa/noise/curve.ts'
import { formatKey } from '../../spa/noise/key-text.ts'
import { openClaim } from '../../spa/noise/packet.ts'
import { client } from '../client.ts'
import { KNOCK_SPA } from './arguments.ts'
import { readHostConfig } from './config-file.ts'
import { keysFromFile } from './key-file.ts'
import { judge } from './own-address.ts'
import { planPostern } from './postern.ts'
import type { PosternRequest } from './request.ts'

const KEY = new Uint8Array(32).map((_, index) => index)
const HMAC_KEY = new Uint8Array(64).map((_, index) => 64 + index)
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')
const STANZA = `KEY_BASE64 ${base64(KEY)}\nHMAC_KEY_BASE64: ${base64(HMAC_KEY)}\nUSE_HMAC Y\n`
const server = keyPairOf(new Uint8Array(32).fill(1))
const SERVER_KEY = formatKey('postern-server', server.publicKey)
const user = keyPairOf(new Uint8Array(32).fill(2))
const USER_SECRET = `# mine\n${formatKey('postern-user-secret', new Uint8Array(32).fill(2))}\n`

let home: string
let socket: Socket
let received: Uint8Array[]

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'postern-spa-'))
  vi.stubEnv('HOME', home)
  vi.stubEnv('XDG_CONFIG_HOME', undefined)
  vi.stubEnv('SPOOF_USER', undefined)
  received = []
  socket = createSocket('udp4').on('message', (message) => received.push(new Uint8Array(message)))
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
})
afterEach(() => {
  socket.close()
  vi.unstubAllEnvs()
  rmSync(home, { recursive: true, force: true })
})

function write(name: string, text: string, mode = 0o600): void {
  mkdirSync(dirname(join(home, name)), { recursive: true })
  writeFileSync(join(home, name), text)
  chmodSync(join(home, name), mode)
}

const port = (): number => socket.address().port

/** Runs `knock --spa …`; returns what it printed and how it ended. */
async function run(...argv: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  let out = ''
  let err = ''
  const code = await client(['--spa', ...argv], { out: (text) => (out += text), err: (text) => (err += text) })
  return { code, out, err }
}

/** The packet that a run sent. */
async function packet(...argv: readonly string[]): Promise<Uint8Array> {
  const { code, err } = await run(...argv)
  expect([code, err]).toEqual([0, ''])
  await vi.waitFor(() => expect(received.length).toBeGreaterThan(0))
  return received.pop()!
}

const opened = (bytes: Uint8Array, hmac = true): OpenedSpa =>
  openSpa(bytes, { key: KEY, mode: 'cbc' }, hmac ? { key: HMAC_KEY, digest: 'sha256' } : undefined)

async function claim(...argv: readonly string[]): Promise<DatedClaim> {
  const result = openClaim(server, await packet(...argv), (key) => base64(key) === base64(user.publicKey) || undefined)
  if (!('claim' in result)) throw new Error(JSON.stringify(result))
  return result.claim
}

describe('fwknop', () => {
  test('a stanza gives the host and the request; the command line overrides it', async () => {
    const common = `SPA_SERVER 127.0.0.1\nSPA_SERVER_PORT ${port()}\n${STANZA}`
    write(
      '.fwknoprc',
      `[default]\nSPOOF_USER nobody\n[gate]\n${common}SPOOF_USER alice\nACCESS tcp/22\nFW_TIMEOUT 60\n`,
    )
    expect(opened(await packet('fwknop', '-n', 'gate'))).toMatchObject({
      spa: {
        user: 'alice',
        request: { address: parseAddress('127.0.0.1'), ports: [{ protocol: 6, port: 22 }], timeoutS: 60 },
      },
    })
    const more = ['-A', 'udp/53', '-f', '2m', '-a', '192.0.2.9', '-U', 'bob']
    expect(opened(await packet('fwknop', '-n', 'gate', ...more))).toMatchObject({
      spa: {
        user: 'bob',
        request: { address: parseAddress('192.0.2.9'), ports: [{ protocol: 17, port: 53 }], timeoutS: 120 },
      },
    })
    expect(opened(await packet('fwknop', 'gate', '-a', 'source'))).toMatchObject({
      spa: { request: { address: undefined } },
    })
  })

  test("an IPv6 address is accepted, though only Postern's daemon understands it", async () => {
    const six = createSocket('udp6').on('message', (message) => received.push(new Uint8Array(message)))
    six.bind(0, '::1')
    await once(six, 'listening')
    try {
      write('.fwknoprc', `[::1]\n${STANZA}`)
      const request = { address: parseAddress('::1'), ports: [{ protocol: 6, port: 22 }] }
      expect(opened(await packet('fwknop', '::1', '-p', String(six.address().port), '-A', 'tcp/22'))).toMatchObject({
        spa: { request },
      })
    } finally {
      six.close()
    }
  })

  test('the output names the address that the packet asks for', async () => {
    write('.fwknoprc', `[127.0.0.1]\n${STANZA}`)
    const { out } = await run('fwknop', '127.0.0.1', '-p', String(port()), '-A', 'tcp/22', '-a', '192.0.2.9')
    expect(out).toBe(`asked 127.0.0.1 (udp ${port()}) for tcp/22, for 192.0.2.9\n`)
  })

  test('a file of keys can name a host of any name', () => {
    write('keys', 'constructor: secret\n')
    expect(keysFromFile(join(home, 'keys'), 'key', 'constructor')).toEqual({ key: new TextEncoder().encode('secret') })
  })

  test.skipIf(spawnSync('sh', ['-c', 'command -v fwknop']).status !== 0)(
    'it reads the keys that the real client makes',
    async () => {
      const keys = execFileSync('fwknop', ['--key-gen'], { env: { ...process.env, HOME: home } }).toString()
      write('keys', keys)
      const [, key = '', hmacKey = ''] = /^KEY_BASE64: (\S+)\nHMAC_KEY_BASE64: (\S+)$/m.exec(keys)!
      const args = ['--key-file', join(home, 'keys'), '-p', String(port()), '-A', 'tcp/22']
      const bytes = await packet('fwknop', '127.0.0.1', '--no-rc-file', ...args)
      const hmac = { key: Buffer.from(hmacKey, 'base64'), digest: 'sha256' as const }
      expect(openSpa(bytes, { key: Buffer.from(key, 'base64'), mode: 'cbc' }, hmac)).toHaveProperty('spa')
    },
  )

  test.each<[string, string, readonly string[], RegExp]>([
    ['no such stanza', '[gate]\n', ['-n', 'gaet'], /no stanza is called gaet\n {2}there are: gate/],
    ['nothing to ask for', `[gate]\n${STANZA}`, ['gate'], /nothing to ask for/],
    ['no key', '[gate]\nACCESS tcp/22\n', ['gate'], /there is no key/],
    ['an unknown directive', '[gate]\nHMAC_KEY_BAS64 x\n', ['gate'], /\.fwknoprc:2:1: error: unknown directive/],
    ['an invalid key', '[gate]\nKEY_BASE64 %%%\n', ['gate'], /KEY_BASE64: the key is not base64/],
    ['a placeholder', '[gate]\nKEY __CHANGEME__\n', ['gate'], /not a key yet/],
    ['a third party', '[gate]\nALLOW_IP resolve\n', ['gate'], /this would ask a third party/],
    ['a command that is too long', `[gate]\n${STANZA}`, ['gate', '-C', 'x'.repeat(180)], /packet too long for fwknopd/],
    // fwknop 2.6.10 refuses this too, even with USE_HMAC N or if only one key is in base64.
    [
      'one key twice',
      '[gate]\nKEY abc\nHMAC_KEY_BASE64 YWJj\nACCESS tcp/22\n',
      ['gate'],
      /the HMAC key is the same as the encryption key/,
    ],
    [
      'one key twice, and no HMAC',
      '[gate]\nKEY abc\nHMAC_KEY abc\nUSE_HMAC N\nACCESS tcp/22\n',
      ['gate'],
      /the HMAC key is the same as the encryption key/,
    ],
    [
      'the passphrase of gpg as HMAC key',
      '[gate]\nUSE_GPG Y\nGPG_RECIPIENT a\nGPG_SIGNING_PW abc\nHMAC_KEY abc\nACCESS tcp/22\n',
      ['gate'],
      /the HMAC key is the same as the encryption key/,
    ],
    ['no HMAC key', '[gate]\nUSE_HMAC Y\nKEY abc\nACCESS tcp/22\n', ['gate'], /there is no HMAC key/],
    ['an option of another kind', `[gate]\n${STANZA}`, ['gate', '--door', 'ssh'], /--door is not for fwknop/],
  ])('%s: nothing is sent', async (_, rc, args, message) => {
    write('.fwknoprc', `${rc}SPA_SERVER 127.0.0.1\nSPA_SERVER_PORT ${port()}\n`)
    const { code, out, err } = await run('fwknop', ...args)
    expect(err).toMatch(message)
    expect([code > 0, out]).toEqual([true, ''])
    for (const secret of [base64(KEY), '%%%', 'abc']) expect(err).not.toContain(secret)
    await pause(20)
    expect(received).toEqual([])
  })
})

describe("Postern's own", () => {
  const config = (more = ''): string =>
    `[default]\nKey_File = ~/.config/postern/key\n\n[gate]\nHost = 127.0.0.1\nPort = ${port()}\nServer_Key = ${SERVER_KEY}\n${more}`

  test('the section of a host gives the host and the request; the command line overrides it', async () => {
    write('.config/postern/key', USER_SECRET)
    write('.config/postern/config', config('Door = ssh\nOpen_For = 10m\n'), 0o644)
    const before = Date.now()
    const said = await claim('gate')
    expect(said).toMatchObject({
      wanted: { kind: 'door', door: 'ssh' },
      address: parseAddress('127.0.0.1'),
      openS: 600,
    })
    expect(said.unixMs).toBeGreaterThanOrEqual(before)
    expect(said.unixMs).toBeLessThan(before + 10_000)
    expect(await claim('gate', '-A', 'tcp/22,udp/53', '-f', '30', '-a', '2001:db8::9')).toMatchObject({
      wanted: {
        kind: 'ports',
        ports: [
          { protocol: 6, port: 22 },
          { protocol: 17, port: 53 },
        ],
      },
      address: parseAddress('2001:db8::9'),
      openS: 30,
    })
    expect(await claim('gate', '--door', 'büro', '-a', 'source')).toMatchObject({
      wanted: { kind: 'door', door: 'büro' },
      address: undefined,
    })
  })

  test('without a config the command line says everything', async () => {
    write('mine', USER_SECRET)
    const args = ['--key', join(home, 'mine'), '--server-key', SERVER_KEY, '--door', 'ssh', '-p', String(port())]
    expect(await claim('127.0.0.1', ...args)).toMatchObject({ wanted: { kind: 'door', door: 'ssh' }, openS: 0 })
    vi.stubEnv('XDG_CONFIG_HOME', join(home, 'elsewhere'))
    write('elsewhere/postern/key', USER_SECRET)
    expect(await claim('127.0.0.1', ...args.slice(2))).toMatchObject({ wanted: { kind: 'door', door: 'ssh' } })
  })

  test('with -v the output names the files that were read, and no secret', async () => {
    write('.config/postern/key', USER_SECRET)
    write('.config/postern/config', config('Door = ssh\n'))
    const { out } = await run('-v', 'gate')
    const folder = join(home, '.config/postern')
    expect(out.split('\n').slice(0, 3)).toEqual([
      `section [gate] of ${folder}/config`,
      `secret key in ${folder}/key, its public key ${formatKey('postern-user', user.publicKey)}`,
      `the server's key ${SERVER_KEY}`,
    ])
    expect(out).toMatch(/^this machine's clock: 20..-..-..T/m)
    expect(out).not.toContain(USER_SECRET.slice(-14, -1))
  })

  test('a later packet has a later time, even in the same millisecond', async () => {
    write('.config/postern/key', USER_SECRET)
    write('.config/postern/config', config('Door = ssh\n'))
    const { asked } = readCommand(KNOCK_SPA, ['--spa', 'gate']) as { readonly asked: PosternRequest }
    const plan = planPostern(asked)
    vi.spyOn(Date, 'now').mockReturnValue(1_700_000_000_000)
    try {
      const destination = { family: 4, address: '127.0.0.1', source: undefined } as const
      await plan.deliver(destination, undefined)
      await plan.deliver(destination, undefined)
    } finally {
      vi.restoreAllMocks()
    }
    await vi.waitFor(() => expect(received).toHaveLength(2))
    const times = received
      .map((bytes) => openClaim(server, bytes, () => true))
      .map((each) => 'claim' in each && each.claim.unixMs)
    expect(times).toEqual([1_700_000_000_000, 1_700_000_000_001])
  })

  test.each<[string, string, readonly string[], RegExp]>([
    ['no server key', '[gate]\nDoor = ssh\n', [], /the public key of gate is not known/],
    ['nothing to ask for', `[gate]\nServer_Key = ${SERVER_KEY}\n`, [], /nothing to ask for/],
    [
      'both a door and ports',
      `[gate]\nServer_Key = ${SERVER_KEY}\nDoor = ssh\nAccess = tcp/22\n`,
      [],
      /both a door and ports for gate/,
    ],
    [
      'an unknown directive',
      '[gate]\nDor = ssh\n',
      [],
      /config:2:1: error: unknown directive `Dor`\n +did you mean `Door`\?/,
    ],
    ['no value', '[gate]\nDoor\n', [], /config:2:5: error: `Door` needs a value/],
    ['no section', 'Door = ssh\n', [], /config:1:1: error: `Door` is before the first section/],
    ['an invalid port', '[gate]\nPort = 0\n', [], /`0` is below the bound/],
    ['an invalid family', '[gate]\nFamily = 5\n', [], /`5` is not a family/],
    ['an invalid claim', '[gate]\nClaim = me\n', [], /`me` is not an address/],
    ['a mistyped server key', `[gate]\nServer_Key = ${SERVER_KEY.slice(0, -2)}AA\n`, [], /the key is mistyped/],
    [
      'a key of the wrong kind',
      '',
      ['--server-key', USER_SECRET.split('\n')[1]!],
      /--server-key is a user's secret key/,
    ],
    [
      'too long a name of a door',
      `[gate]\nServer_Key = ${SERVER_KEY}\n`,
      ['--door', 'x'.repeat(128)],
      /name of the door is too long/,
    ],
  ])('%s: nothing is sent', async (_, text, args, message) => {
    write('.config/postern/key', USER_SECRET)
    write('.config/postern/config', `${text}\n[gate]\nHost = 127.0.0.1\n`)
    const { code, out, err } = await run('gate', '-p', String(port()), ...args)
    expect([code, out]).toEqual([1, ''])
    expect(err).toMatch(message)
    expect(err).not.toContain(USER_SECRET.slice(-14, -1))
  })

  test('no text makes reading the config throw', () => {
    const word = fc.constantFrom(
      '[',
      ']',
      'gate',
      '=',
      ' ',
      '\n',
      'Door',
      'Port',
      'Server_Key',
      SERVER_KEY,
      '#',
      '5',
      'constructor',
    )
    fc.assert(
      fc.property(fc.array(fc.oneof(word, fc.string({ maxLength: 5 })), { maxLength: 40 }), (words) => {
        const { faults } = readHostConfig(words.join(''), 'gate')
        expect(faults.every(({ line }) => line >= 1)).toBe(true)
      }),
    )
    expect(readHostConfig('#'.repeat(1_048_577), 'gate').faults).toMatchObject([{ message: 'the file is too large' }])
  })

  test('a secret key that others can read and a config that others can write are refused', async () => {
    const args = ['gate', '--door', 'ssh']
    write('.config/postern/config', config(), 0o666)
    write('.config/postern/key', USER_SECRET, 0o644)
    expect((await run(...args)).err).toMatch(/config: others than its owner can change it \(mode 0666\)\n {2}chmod 644/)
    chmodSync(join(home, '.config/postern/config'), 0o644)
    expect((await run(...args)).err).toMatch(
      /key: others than its owner can read or write it \(mode 0644\)\n {2}chmod 600/,
    )
    expect(received).toEqual([])
  })
})

test('the claimed address is the one this machine sends from, unless it is private and the server is public', () => {
  expect(known('192.0.2.7', '198.51.100.1')).toBe('known 192.0.2.7')
  expect(known('10.0.0.2', '10.0.0.1')).toBe('known 10.0.0.2')
  expect(known('10.0.0.2', '198.51.100.1')).toBe('translated 10.0.0.2')
  expect(known('100.64.3.4', '198.51.100.1')).toBe('translated 100.64.3.4')
  expect(known('2001:db8::7', '2001:db8::1')).toBe('known 2001:db8::7')
  expect(known('fd00::7', '2001:db8::1')).toBe('translated fd00::7')
})

describe('knockknock', () => {
  const profile = '.knockknock/127.0.0.1'

  test.each<[string, Readonly<Record<string, string>>, readonly string[], RegExp]>([
    ['no profile', {}, [], /cipher\.key: there is no such file/],
    ['an invalid key', { 'cipher.key': 'AAAA\n' }, [], /cipher\.key: is not a key/],
    [
      'no knock port',
      { 'cipher.key': 'A'.repeat(22), 'mac.key': `${'A'.repeat(22)}==\n`, config: '[main]\n' },
      [],
      /config: has no knock port/,
    ],
    ['IPv6', {}, ['-6'], /knockknock has no IPv6/],
  ])('%s: nothing is sent', async (_, files, args, message) => {
    for (const [name, text] of Object.entries(files)) write(join(profile, name), text)
    const { code, err } = await run('knockknock', '127.0.0.1', '22', ...args)
    expect(err).toMatch(message)
    expect(code).toBe(1)
  })

  test.skipIf(process.getuid?.() !== 0)(
    'a counter is used up before its SYN is sent, and its file stays private',
    async () => {
      const key = `${'A'.repeat(22)}==\n`
      write(join(profile, 'cipher.key'), key)
      write(join(profile, 'mac.key'), key)
      write(join(profile, 'config'), '[main]\nknock_port = 9\n')
      write(join(profile, 'counter'), '41\n')
      const { code, out, err } = await run('knockknock', '127.0.0.1', '22')
      expect([code, err]).toEqual([0, ''])
      expect(out).toBe('asked 127.0.0.1 (tcp 9) for tcp/22, for the address that it seems to come from\n')
      const counter = join(home, profile, 'counter')
      expect(readFileSync(counter, 'utf8')).toBe('42\n')
      expect(statSync(counter).mode & 0o777).toBe(0o600)
      write(join(profile, 'counter'), '4294967295\n')
      expect((await run('knockknock', '127.0.0.1', '22')).err).toMatch(/all counters are used/)
    },
  )
})

/** Says whether an address is known as seen from a destination, or translated on the way. */
function known(own: string, to: string): string {
  const { kind, address } = judge(parseAddress(own)!, parseAddress(to)!)
  return `${kind} ${formatAddress(address)}`
}
