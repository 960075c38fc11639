// Goal: Postern opens what the real fwknop client sends, under every digest, mode and message type, with and without
// HMAC, and through GnuPG. Packets that say the same are remembered as the same.
import { execFile, execFileSync, spawnSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseAddress } from '../../packet/address.ts'
import { DIGEST_NAMES } from './digest.ts'
import type { DigestName } from './digest.ts'
import { encodeFields } from './fields.ts'
import { openSpa, readSpa } from './open.ts'
import { openEnvelope } from './envelope.ts'
import { readWire, sealGnupg, sealRijndael } from './packet.ts'
import { writeRequest } from './request.ts'
import type { Request } from './request.ts'
import { CIPHER_MODES } from './rijndael.ts'

const FWKNOP = 'fwknop'
// A run would leave files in the home folder of the user who runs the tests.
const installed = (program: string): boolean => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0

const KEY = new Uint8Array(32).map((_, index) => index)
const HMAC_KEY = new Uint8Array(64).map((_, index) => 64 + index)
const ascii = (text: string): Uint8Array => new TextEncoder().encode(text)
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')
const KEYS = ['--key-base64-rijndael', base64(KEY)]
const HMAC_KEYS = ['--use-hmac', '--key-base64-hmac', base64(HMAC_KEY)]
const SSH = ['-A', 'tcp/22', '-a', '192.0.2.7']

const home = mkdtempSync(join(tmpdir(), 'postern-fwknop-'))
afterAll(() => rmSync(home, { recursive: true, force: true }))

/** The one datagram that a run of the real client sends. */
async function packetOf(args: readonly string[]): Promise<Uint8Array> {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address()
  const got = once(socket, 'message')
  const words = ['-D', '127.0.0.1', '-p', String(port), '--no-rc-file', '--no-save-args', '-U', 'alice', ...args]
  try {
    const said = await new Promise<string>((resolve, reject) => {
      execFile(FWKNOP, words, { env: { ...process.env, HOME: home }, timeout: 20_000 }, (error, out, err) => {
        if (error === null) resolve(out + err)
        else reject(new Error(`${error.message}\n${out}${err}`))
      }).stdin?.end()
    })
    const [message] = (await Promise.race([
      got,
      new Promise((_, reject) => setTimeout(() => reject(new Error(`nothing came: ${said}`)), 5_000)),
    ])) as [Buffer]
    return new Uint8Array(message)
  } finally {
    socket.close()
  }
}

const ssh: Request = {
  kind: 'access',
  address: parseAddress('192.0.2.7'),
  ports: [{ protocol: 6, port: 22 }],
  nat: undefined,
  timeoutS: 0,
}
const nat = { host: '10.1.1.5', port: 2_222, local: false }

describe.skipIf(!installed(FWKNOP))('the real client', () => {
  test.each(DIGEST_NAMES)('digest %s, with and without HMAC', async (digest) => {
    for (const hmac of [undefined, { key: HMAC_KEY, digest: 'sha256' as const }]) {
      const packet = await packetOf([
        ...SSH,
        ...KEYS,
        '-m',
        digest.toUpperCase(),
        ...(hmac === undefined ? [] : HMAC_KEYS),
      ])
      const opened = openSpa(packet, { key: KEY, mode: 'cbc' }, hmac)
      expect(opened).toMatchObject({ spa: { user: 'alice', request: ssh } })
      if ('spa' in opened) expect(Math.abs(opened.spa.timestamp - Date.now() / 1_000)).toBeLessThan(60)
    }
  })

  test.each(DIGEST_NAMES)('HMAC %s, and no other', async (digest) => {
    const packet = await packetOf([...SSH, ...KEYS, ...HMAC_KEYS, '--hmac-digest-type', digest.toUpperCase()])
    for (const other of DIGEST_NAMES) {
      const opened = openSpa(packet, { key: KEY, mode: 'cbc' }, { key: HMAC_KEY, digest: other })
      expect(opened).toMatchObject(other === digest ? { spa: { request: ssh } } : { mismatch: 'wrong-hmac' })
    }
  })

  test.each(CIPHER_MODES)('mode %s', async (mode) => {
    const keys = mode === 'legacy' ? ['--key-rijndael', 'shortpw'] : KEYS
    const key = mode === 'legacy' ? ascii('shortpw') : KEY
    expect(openSpa(await packetOf([...SSH, ...keys, '-M', mode]), { key, mode }, undefined)).toMatchObject({
      spa: { request: ssh },
    })
  })

  test.each<[string, readonly string[], Partial<Request>]>([
    ['command', ['-C', '/bin/true -x y', '-a', '192.0.2.7'], { kind: 'command', command: '/bin/true -x y' }],
    [
      'several ports',
      ['-A', 'tcp/22,udp/53', '-a', '192.0.2.7'],
      { ports: [ssh.ports[0]!, { protocol: 17, port: 53 }] },
    ],
    ['with a time', [...SSH, '-f', '60'], { timeoutS: 60 }],
    ['NAT', [...SSH, '-N', '10.1.1.5:2222'], { nat }],
    ['NAT with a time', [...SSH, '-N', '10.1.1.5:2222', '-f', '60'], { nat, timeoutS: 60 }],
    [
      'local NAT',
      [...SSH, '--nat-local', '--nat-port', '2222'],
      { ports: [{ protocol: 6, port: 2_222 }], nat: { host: '127.0.0.1', port: 22, local: true } },
    ],
    [
      'local NAT with a time',
      [...SSH, '--nat-local', '--nat-port', '2222', '-f', '60'],
      { ports: [{ protocol: 6, port: 2_222 }], nat: { host: '127.0.0.1', port: 22, local: true }, timeoutS: 60 },
    ],
    ['for its own source', ['-A', 'tcp/22', '-s'], { address: undefined }],
  ])('%s', async (_, args, request) => {
    const packet = await packetOf([...args, ...KEYS, ...HMAC_KEYS])
    const opened = openSpa(packet, { key: KEY, mode: 'cbc' }, { key: HMAC_KEY, digest: 'sha256' })
    expect('spa' in opened && opened.spa.request).toMatchObject(request)
  })

  test('a passphrase and an HMAC passphrase are accepted', async () => {
    const packet = await packetOf([...SSH, '--key-rijndael', 'pass phrase', '--use-hmac', '--key-hmac', 'hmac phrase'])
    expect(
      openSpa(packet, { key: ascii('pass phrase'), mode: 'cbc' }, { key: ascii('hmac phrase'), digest: 'sha256' }),
    ).toMatchObject({ spa: { request: ssh } })
  })

  describe.skipIf(!installed('gpg'))('through GnuPG', () => {
    const gnupg = join(home, 'gnupg')
    const gpg = (args: readonly string[], input?: Uint8Array): Buffer =>
      execFileSync('gpg', ['--homedir', gnupg, '--batch', '--quiet', '--trust-model', 'always', ...args], {
        input: input ?? '',
        stdio: ['pipe', 'pipe', 'ignore'],
      })

    beforeAll(() => {
      execFileSync('mkdir', ['-m', '700', gnupg])
      for (const name of ['server', 'client']) {
        gpg(['--passphrase', '', '--quick-generate-key', `${name}@example.org`, 'rsa2048', 'default', 'never'])
        gpg(['--passphrase', '', '--quick-add-key', fingerprint(name), 'rsa2048', 'encr', 'never'])
      }
    })
    afterAll(() => execFileSync('gpgconf', ['--homedir', gnupg, '--kill', 'all']))

    const fingerprint = (name: string): string =>
      /^fpr:+([0-9A-F]+):/m.exec(gpg(['--with-colons', '--list-keys', `${name}@example.org`]).toString())![1]!

    test('its packet is opened, and gpg decrypts its content', async () => {
      const packet = await packetOf([
        ...SSH,
        '-g',
        '--gpg-home-dir',
        gnupg,
        '--gpg-no-signing-pw',
        '--gpg-recipient-key',
        fingerprint('server'),
        '--gpg-signer-key',
        fingerprint('client'),
        ...HMAC_KEYS,
      ])
      const envelope = openEnvelope(readWire(packet)!, 'gnupg', { key: HMAC_KEY, digest: 'sha256' })
      if ('mismatch' in envelope) throw new Error(envelope.mismatch)
      expect(readSpa(new Uint8Array(gpg(['--decrypt'], envelope.message)))).toMatchObject({
        spa: { user: 'alice', request: ssh },
      })
      // Sealed by Postern, the same message is the same packet.
      expect(sealGnupg(envelope.message, { key: HMAC_KEY, digest: 'sha256' })).toEqual(packet)
    })
  })
})

test('a packet is remembered by what it says, not by how it was wrapped', () => {
  const fields = {
    random: '1234567890123456',
    user: 'a longer user name',
    timestamp: 1_700_000_000,
    version: '3.0.0',
    serverAuth: undefined,
    ...writeRequest(ssh),
  }
  const hmac = { key: HMAC_KEY, digest: 'sha256' } as const
  const digestOf = (change: Partial<typeof fields>, digest: DigestName, salt: number): string => {
    const plain = encodeFields({ ...fields, ...change }, digest)
    const opened = openSpa(
      sealRijndael(plain, { key: KEY, mode: 'cbc' }, hmac, new Uint8Array(8).fill(salt)),
      { key: KEY, mode: 'cbc' },
      hmac,
    )
    if (!('spa' in opened)) throw new Error(JSON.stringify(opened))
    return opened.spa.replayDigest
  }
  const first = digestOf({}, 'sha256', 1)
  expect(first).toHaveLength(43)
  expect(digestOf({}, 'sha256', 2)).toBe(first)
  expect(digestOf({}, 'sha512', 3)).toBe(first)
  expect(digestOf({ random: '1234567890123457' }, 'sha256', 1)).not.toBe(first)
  expect(digestOf({ timestamp: 1_700_000_001 }, 'sha256', 1)).not.toBe(first)
})
