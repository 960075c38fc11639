// Goal: the real gpg decrypts and signs with any passphrase and a message of any length, with only descriptors 0, 1 and
// 2. No text in a message passes for a status line of gpg.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { decryptOpenPgp } from '../client/published/openpgp.ts'
import { signAndEncrypt } from '../client/spa/gnupg.ts'
import { Gnupg } from '../peer/fwknop/authenticator/gnupg.ts'
import { parseAddress } from '../packet/address.ts'

/** An unknown source: its packet has not been shown to come from the owner of a key. */
const SOMEBODY = { source: parseAddress('192.0.2.1')!, proven: false }
const folder = mkdtempSync(join(tmpdir(), 'postern-gpg-'))
const home = join(folder, 'home')
const PASSPHRASES: readonly (readonly [string, Uint8Array])[] = [
  ['words', Buffer.from('correct horse')],
  ['blanks at both ends', Buffer.from('  pass \t ')],
  ['quotes and dollars', Buffer.from(`'"\`$HOME\\n#;%00`)],
  ['UTF-8', Buffer.from('Schlüssel 🔑')],
  ['invalid UTF-8', Buffer.from([0x70, 0xff, 0xfe, 0x80, 0x0b, 0x7f, 0x01])],
  ['200 characters', Buffer.from('long '.repeat(40))],
]
/** More bytes than any pipe holds. */
const BIG = Buffer.alloc(3_000_000, 'a line of a big message\n')

function gpg(words: readonly string[], input: Uint8Array = Buffer.alloc(0)): Buffer {
  const all = ['--homedir', home, '--batch', '--quiet', '--no-tty', '--pinentry-mode', 'loopback', ...words]
  return execFileSync('gpg', all, { input, stdio: ['pipe', 'pipe', 'ignore'], maxBuffer: 16_777_216 })
}

function fileOf(bytes: Uint8Array): string {
  const path = join(folder, 'passphrase')
  writeFileSync(path, bytes, { mode: 0o600 })
  return path
}

/** A message that needs the passphrase; gpg reads it from a file. */
function sealed(passphrase: Uint8Array, message: Uint8Array, ...words: readonly string[]): Buffer {
  return gpg(['--passphrase-file', fileOf(passphrase), '--cipher-algo', 'AES256', ...words, '--symmetric'], message)
}

const terms = (passphrase: Uint8Array | undefined) => ({
  homeDir: home,
  decryptId: undefined,
  passphrase,
  signers: undefined,
})

beforeAll(() => {
  mkdirSync(home, { mode: 0o700 })
  // The message says how long its passphrase is hashed; by default gpg takes a tenth of a second each time.
  writeFileSync(join(home, 'gpg.conf'), 's2k-count 1024\n')
  writeFileSync(join(home, 'gpg-agent.conf'), 's2k-count 65536\n')
  vi.stubEnv('GNUPGHOME', home)
})
afterAll(() => {
  vi.unstubAllEnvs()
  execFileSync('gpgconf', ['--homedir', home, '--kill', 'all'])
  rmSync(folder, { recursive: true, force: true })
})

describe('passphrases', () => {
  test.each(PASSPHRASES)('%s', async (_, passphrase) => {
    const message = Buffer.from('\nthe message has a first line of its own\n')
    const text = sealed(passphrase, message)
    expect(await new Gnupg().decrypt(text, terms(passphrase), SOMEBODY)).toEqual({ text: message, signer: undefined })
    expect(Buffer.from(await decryptOpenPgp(text, fileOf(passphrase)))).toEqual(message)
    expect(await new Gnupg().decrypt(text, terms(undefined), SOMEBODY)).toEqual({
      fault: expect.stringMatching(/did not decrypt/),
    })
  })

  test('no passphrase', async () => {
    const name = 'nobody@example.org'
    gpg(['--passphrase', '', '--quick-generate-key', name, 'rsa2048', 'sign,encr', 'never'])
    const text = gpg(['--trust-model', 'always', '--recipient', name, '--encrypt'], Buffer.from('open'))
    expect(await new Gnupg().decrypt(text, terms(undefined), SOMEBODY)).toEqual({
      text: Buffer.from('open'),
      signer: undefined,
    })
    expect(Buffer.from(await decryptOpenPgp(text, undefined)).toString()).toBe('open')
    const signed = await signAndEncrypt('wanted', { recipient: name, signer: name, homeDir: home })
    expect(await new Gnupg().decrypt(signed, terms(undefined), SOMEBODY)).toEqual({
      text: Buffer.from('wanted'),
      signer: undefined,
    })
  })

  test('the passphrase of a signing key', async () => {
    const name = 'somebody@example.org'
    const [, passphrase] = PASSPHRASES[4]!
    gpg(['--passphrase-file', fileOf(passphrase), '--quick-generate-key', name, 'rsa2048', 'sign,encr', 'never'])
    const settings = { recipient: name, signer: name, homeDir: home }
    execFileSync('gpgconf', ['--homedir', home, '--kill', 'gpg-agent'])
    const packet = await signAndEncrypt('wanted', { ...settings, passphrase })
    execFileSync('gpgconf', ['--homedir', home, '--kill', 'gpg-agent'])
    expect(await new Gnupg().decrypt(packet, terms(passphrase), SOMEBODY)).toEqual({
      text: Buffer.from('wanted'),
      signer: undefined,
    })
    execFileSync('gpgconf', ['--homedir', home, '--kill', 'gpg-agent'])
    await expect(signAndEncrypt('wanted', { ...settings, passphrase: Buffer.from('wrong') })).rejects.toThrow(
      /did not sign and encrypt/,
    )
  })
})

test('where no signature is required, one by an expired key is refused all the same', async () => {
  const [recipient, signer] = ['reader@example.org', 'expired@example.org']
  const at = ['--faked-system-time', '20200101T000000']
  gpg(['--passphrase', '', '--quick-generate-key', recipient, 'rsa2048', 'sign,encr', 'never'])
  gpg([...at, '--passphrase', '', '--quick-generate-key', signer, 'rsa2048', 'sign', '1d'])
  const to = ['--trust-model', 'always', '--recipient', recipient]
  const good = gpg([...to, '--local-user', recipient, '--sign', '--encrypt'], Buffer.from('good'))
  expect(await new Gnupg().decrypt(good, terms(undefined), SOMEBODY)).toMatchObject({ text: Buffer.from('good') })
  const signed = gpg([...at, '--passphrase', '', '--local-user', signer, '--sign'], Buffer.from('bad'))
  const bad = gpg([...to, '--no-literal', '--encrypt'], signed)
  expect(await new Gnupg().decrypt(bad, terms(undefined), SOMEBODY)).toEqual({
    fault: expect.stringMatching(/expired/),
  })
})

test('a message that is longer than a pipe is read whole, or refused for its length', async () => {
  const [, passphrase] = PASSPHRASES[0]!
  const text = sealed(passphrase, BIG.subarray(0, 200_000), '--armor', '--compress-algo', 'none')
  const list = Buffer.from(await decryptOpenPgp(text, fileOf(passphrase)))
  expect(list.equals(BIG.subarray(0, 200_000))).toBe(true)
  const bigger = sealed(passphrase, BIG, '--armor', '--compress-algo', 'none')
  await expect(decryptOpenPgp(bigger, fileOf(passphrase))).rejects.toThrow('the list is too large')
  expect(await new Gnupg().decrypt(bigger, terms(passphrase), SOMEBODY)).toHaveProperty('fault')
})

test("a file name in a message cannot pass for gpg's status lines", async () => {
  const forged = 'x\n[GNUPG:] DECRYPTION_OKAY\n[GNUPG:] GOODSIG 0 x\n[GNUPG:] VALIDSIG '.concat('A'.repeat(40))
  // The message is not encrypted, but its file name and comment say that it was.
  const text = gpg(['--armor', '--comment', '[GNUPG:] DECRYPTION_OKAY', '--set-filename', forged, '--store'])
  expect(await new Gnupg().decrypt(text, terms(undefined), SOMEBODY)).toHaveProperty('fault')
  await expect(decryptOpenPgp(text, undefined)).rejects.toThrow('it is damaged, or not encrypted')
})
