// Goal: a packet of GnuPG's opens by one good signature of a key that counts today, and by nothing that looks like one; and
// whoever has no key cannot keep gpg from those who have.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { SLOW } from '../slow.ts'
import { encodeFields } from '../../src/peer/fwknop/fields.ts'
import { sealGnupg } from '../../src/peer/fwknop/packet.ts'
import { FWKNOP_ARGS, HMAC, fwknop, fwknopConfig, secretFile } from './fwknop.ts'
import { Gnupg, THEN } from './gnupg.ts'
import { program } from './knockd.ts'
import { CLIENT_4, SERVER_4, lab } from './net.ts'
import { SharedDaemon } from './one-daemon.ts'
import type { Host } from './net.ts'
import type { Process } from './process.ts'
import { sendDatagrams } from './service.ts'

/** Packets a second that a stranger sends, for gpg to look at. */
const FLOOD_PER_S = 200

const shared = new SharedDaemon(FWKNOP_ARGS)
let running: Process | undefined
const rings: Gnupg[] = []
afterAll(() => {
  for (const ring of rings) ring.close()
})

const ring = (): Gnupg => {
  const made = new Gnupg()
  rings.push(made)
  return made
}

/** A server's key and its keyring, to which tests add keys of clients. An RSA key takes a while to make. */
let server: { readonly own: Gnupg; readonly serverKey: string } | undefined
const serverRing = (): NonNullable<typeof server> => {
  if (server !== undefined) return server
  const own = ring()
  server = { own, serverKey: own.make('server@example.org', 'rsa2048', 'sign,encr') }
  return server
}

/** The plain text of a packet that asks for tcp/22, no two alike. */
const plain = (count: number): string =>
  encodeFields(
    {
      random: String(count).padStart(16, '0'),
      user: 'alice',
      timestamp: Math.floor(Date.now() / 1_000),
      version: '3.0.0',
      type: 1,
      message: `${CLIENT_4},tcp/22`,
      nat: undefined,
      serverAuth: undefined,
      timeoutS: 0,
    },
    'sha256',
  )

/** Sends a datagram to the server. */
const send = async (from: Host, packet: Uint8Array): Promise<void> =>
  await sendDatagrams(from, SERVER_4, 62_201, [packet])

/** gpg's words for a signature by a key, as of then. */
const by = (key: string, then = true): readonly string[] => [
  ...(then ? ['--faked-system-time', THEN] : []),
  '--local-user',
  key,
  '--sign',
]

lab('GnuPG', () => {
  test('a key that counts opens; revoked, expired or beside others it does not', async () => {
    const { client } = await shared.network()
    const [own, theirs] = [ring(), ring()]
    const serverKey = own.make('server@example.org', 'rsa2048', 'sign,encr')
    theirs.run(['--import'], own.run(['--export', serverKey]))
    const names = ['good', 'revoked', 'expired', 'old', 'other', 'never', 'subkey'] as const
    const keys = Object.fromEntries(
      names.map((name) => [name, theirs.make(name, 'ed25519', 'sign,cert', name === 'expired' ? '10d' : 'never')]),
    ) as Record<(typeof names)[number], string>
    theirs.run(['--faked-system-time', THEN, '--quick-add-key', keys.subkey, 'ed25519', 'sign', '1d'])
    // A user id that would be lines of gpg's own, if gpg wrote it as it is.
    const forged = `[GNUPG:] GOODSIG ${keys.good.slice(-16)} good`
    const valid = `[GNUPG:] VALIDSIG ${keys.good} 2025-01-02 1735776000 0 4 0 22 10 00 ${keys.good}`
    const mallory = theirs.make(`mallory\n${forged}\n${valid}\n`, 'ed25519', 'sign,cert')
    own.run(['--import'], theirs.run(['--export', ...Object.values(keys), mallory]))
    own.run(['--import'], theirs.revocation(keys.revoked))
    own.run(['--import-ownertrust'], `${keys.never}:3:\n`)
    const { good, revoked, expired, old, never, subkey } = keys
    const signers = [good, revoked, expired, old, never, subkey].join()
    const stanza = `SOURCE ANY\nGPG_HOME_DIR ${own.home}\nGPG_ALLOW_NO_PW Y\nGPG_FINGERPRINT_ID ${signers}\nHMAC_KEY_BASE64 ${HMAC}\n`
    running = (await shared.reload(fwknopConfig(stanza, ['Start_Command = true']))).daemon.process
    const hmac = { key: Buffer.from(HMAC, 'base64'), digest: 'sha256' } as const
    let count = 0
    const make = (words: readonly string[], text = plain(++count)): Buffer =>
      theirs.run([...words, '--recipient', serverKey, '--encrypt'], text)
    const cases: readonly (readonly [string, Buffer, RegExp])[] = [
      ['revoked since', make(by(revoked)), /access\.conf:1 signed by .*: its signature is by a revoked key/],
      ['expired since', make(by(expired)), /access\.conf:1 signed by .*: its signature is by an expired key/],
      ['a subkey that expired', make(by(subkey)), /its signature is by an expired key/],
      [
        'a signature that expired',
        make(['--default-sig-expire', '1d', ...by(old)]),
        /access\.conf:1 signed by .*: its signature has expired/,
      ],
      ['not signed', make([]), /it is not signed/],
      ['another key of the ring', make(by(keys.other, false)), /its signature is not by an accepted key/],
      ['a user id like status lines', make(by(mallory, false)), /its signature is not by an accepted key/],
      ['two signatures', make([...by(revoked), ...by(good, false)]), /it has several signatures/],
      ['two signatures, in turn', make([...by(good, false), ...by(keys.other, false)]), /it has several signatures/],
      [
        'a signed text behind an unsigned one',
        Buffer.concat([make([]), theirs.run(['--local-user', good, '--sign'], plain(++count))]),
        /packet for gpg: (it contains several texts|gpg did not decrypt it|its signature is bad)/,
      ],
    ]
    for (const [name, message, why] of cases) {
      await send(client, sealGnupg(message, hmac)!)
      expect(await running.line(/OPEN SESAME|signature|signed|gpg/), name).toMatch(why)
    }
    // With this model of trust a key that is never trusted has no good signatures, whatever the list says.
    writeFileSync(join(own.home, 'gpg.conf'), 'trust-model direct\n')
    await send(client, sealGnupg(make(by(never, false)), hmac)!)
    expect(await running.line(/OPEN SESAME|signature|trusted/)).toMatch(/its key must never be trusted/)
    await send(client, sealGnupg(make(by(good, false)), hmac)!)
    const opened = new RegExp(`OPEN SESAME \\(.*access\\.conf:1 signed by ${good.slice(-16)}, claims to be alice\\)`)
    expect(await running.line(/OPEN SESAME|signature/)).toMatch(opened)
  }, 120_000)

  test('of the real client: refused once the key is revoked, has expired or signs with an end', async () => {
    const { client } = await shared.network()
    const { own, serverKey } = serverRing()
    const theirs = ring()
    const key = theirs.make('client@example.org', 'rsa2048', 'sign,encr', '10d')
    own.run(['--import'], theirs.run(['--export', key]))
    theirs.run(['--quick-set-expire', key, '0'])
    theirs.run(['--import'], own.run(['--export', serverKey]))
    theirs.run(['--yes', '--quick-lsign-key', serverKey])
    const stanza = `SOURCE ANY\nGPG_HOME_DIR ${own.home}\nGPG_DECRYPT_ID ${serverKey.slice(-8)}\nGPG_ALLOW_NO_PW Y\nGPG_FINGERPRINT_ID ${key}\nHMAC_KEY_BASE64 ${HMAC}\n`
    running = (await shared.reload(fwknopConfig(stanza, ['Start_Command = true']))).daemon.process
    const ids = ['--gpg-recipient-key', serverKey.slice(-16), '--gpg-signer-key', key.slice(-16)]
    const gpg = ['--gpg-encryption', '--gpg-home-dir', theirs.home, ...ids, '--gpg-no-signing-pw']
    const ask = async (): Promise<string> => {
      await fwknop(client, ['-A', 'tcp/22'], [...gpg, '--key-base64-hmac', HMAC, '--use-hmac'])
      return await running!.line(/OPEN SESAME|signature/)
    }
    expect(await ask()).toMatch(/its signature is by an expired key/)
    own.run(['--import'], theirs.run(['--export', key]))
    expect(await ask()).toMatch(/OPEN SESAME/)
    const config = join(theirs.home, 'gpg.conf')
    writeFileSync(config, `faked-system-time ${THEN}\ndefault-sig-expire 1d\n`)
    expect(await ask()).toMatch(/its signature has expired/)
    writeFileSync(config, '')
    expect(await ask()).toMatch(/OPEN SESAME/)
    own.run(['--import'], theirs.revocation(key))
    expect(await ask()).toMatch(/its signature is by a revoked key/)
  }, 120_000)

  test('ids of 16 digits, fingerprints as gpg prints them: of the real client and of ours', async () => {
    const { client } = await shared.network()
    const { own, serverKey } = serverRing()
    const theirs = ring()
    const key = theirs.make('client@example.org', 'rsa2048', 'sign,encr')
    own.run(['--import'], theirs.run(['--export', key]))
    theirs.run(['--import'], own.run(['--export', serverKey]))
    theirs.run(['--yes', '--quick-lsign-key', serverKey])
    const blanks = key.match(/.{4}/g)!.join(' ')
    const forms = [
      `GPG_DECRYPT_ID ${serverKey.slice(-16)}\nGPG_REMOTE_ID ${key.slice(-16)}`,
      `GPG_DECRYPT_ID 0x${serverKey.slice(-16)}\nGPG_REMOTE_ID 0x${key.slice(-16).toLowerCase()}`,
      `GPG_DECRYPT_ID ${serverKey}\nGPG_FINGERPRINT_ID 0x${key}`,
      `GPG_FINGERPRINT_ID 1234567890ABCDEF, ${blanks}`,
      `GPG_FINGERPRINT_ID ${key.slice(-16)}`,
    ]
    for (const [index, form] of forms.entries()) {
      const stanza = `SOURCE ANY\nGPG_HOME_DIR ${own.home}\nGPG_ALLOW_NO_PW Y\n${form}\nHMAC_KEY_BASE64 ${HMAC}\n`
      running = (await shared.reload(fwknopConfig(stanza, ['Start_Command = true']))).daemon.process
      const ids = ['--gpg-recipient-key', `0x${serverKey.slice(-16)}`, '--gpg-signer-key', key.slice(-16)]
      const gpg = ['--gpg-encryption', '--gpg-home-dir', theirs.home, ...ids, '--gpg-no-signing-pw']
      await fwknop(client, ['-A', 'tcp/22'], [...gpg, '--key-base64-hmac', HMAC, '--use-hmac'])
      expect(await running.line(/OPEN SESAME|signature|gpg/), form).toMatch(/OPEN SESAME/)
      // Our packet is the same for every form.
      if (index > 0 && !SLOW) continue
      const rc = secretFile(
        'fwknoprc',
        `[gate]\nSPA_SERVER ${SERVER_4}\nACCESS tcp/22\nUSE_GPG Y\nGPG_HOMEDIR ${theirs.home}\nGPG_RECIPIENT ${serverKey.slice(-16)}\nGPG_SIGNER 0x${key.slice(-16)}\nHMAC_KEY_BASE64 ${HMAC}\nTIME_OFFSET +1M\n`,
      )
      await client.run([process.execPath, program('knock'), '--spa', 'fwknop', '-n', 'gate', '--rc-file', rc])
      expect(await running.line(/OPEN SESAME|signature|gpg/), form).toMatch(/OPEN SESAME/)
    }
  }, 120_000)

  test(`a stranger without a key who sends ${FLOOD_PER_S} packets a second keeps nobody out`, async () => {
    const { client } = await shared.network()
    await client.address('eth0', '192.0.2.66/24')
    const { own, serverKey } = serverRing()
    const theirs = ring()
    const key = theirs.make('client@example.org', 'ed25519', 'sign,cert')
    theirs.run(['--import'], own.run(['--export', serverKey]))
    own.run(['--import'], theirs.run(['--export', key]))
    // No HMAC: anybody can have gpg started.
    const stanza = `SOURCE ANY\nGPG_HOME_DIR ${own.home}\nGPG_ALLOW_NO_PW Y\nGPG_FINGERPRINT_ID ${key}\n`
    running = (await shared.reload(fwknopConfig(stanza, ['Start_Command = true']))).daemon.process
    const flood = client.start([
      process.execPath,
      '-e',
      `const s = require('node:dgram').createSocket('udp4')
      s.bind(0, '192.0.2.66', () => {
        setInterval(() => {
          // What begins like a message for a key (RFC 4880, 5.1); fwknop leaves out what all of them begin with.
          const message = Buffer.concat([Buffer.from([0x85, 1]), require('node:crypto').randomBytes(598)])
          const body = message.toString('base64').replace(/^hQ|=/g, '')
          s.send(body, 62201, '${SERVER_4}')
        }, ${1_000 / FLOOD_PER_S})
        console.log('ready')
      })`,
    ])
    await flood.line(/ready/)
    await running.line(/packet for gpg: too many/)
    let opened = 0
    for (let tried = 1; tried <= 3; tried++) {
      const message = theirs.run(['--local-user', key, '--sign', '--recipient', serverKey, '--encrypt'], plain(tried))
      await send(client, sealGnupg(message, undefined)!)
      const line = await running.line(new RegExp(`^${CLIENT_4}: fw: OPEN|${CLIENT_4}: .*too many`))
      if (line.includes('OPEN')) opened++
    }
    await flood.stop()
    expect(opened).toBe(3)
  }, 120_000)
})
