// Goal: a list is encrypted to keys that are good today: by the real gpg, to nobody at all as soon as one of them is not.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { signAndEncrypt } from '../client/spa/gnupg.ts'
import { encryptOpenPgp } from './encrypt.ts'

const home = mkdtempSync(join(tmpdir(), 'postern-encrypt-'))
afterAll(() => {
  spawnSync('gpgconf', ['--homedir', home, '--kill', 'all'])
  rmSync(home, { recursive: true, force: true })
})
const installed = spawnSync('gpg', ['--version']).status === 0

const QUIET = ['--batch', '--quiet', '--pinentry-mode', 'loopback', '--passphrase', '', '--trust-model', 'always']
const gpg = (words: readonly string[], input: Uint8Array | string = ''): Buffer =>
  execFileSync('gpg', ['--homedir', home, ...QUIET, ...words], { input, stdio: ['pipe', 'pipe', 'ignore'] })

/** Makes a key as of 2025, and gives the file of its public key. */
function make(name: string, expires = 'never', revoked = false): string {
  const then = ['--faked-system-time', '20250101T000000']
  const status = gpg([...then, '--status-fd', '1', '--quick-generate-key', name, 'rsa2048', 'sign,encr', expires])
  const [, fingerprint] = /KEY_CREATED \S ([0-9A-F]{40})/.exec(status.toString())!
  if (revoked) gpg(['--import'], execFileSync('sed', ['s/^:---/---/', `${home}/openpgp-revocs.d/${fingerprint}.rev`]))
  const file = join(home, `${name}.asc`)
  writeFileSync(file, gpg(['--armor', '--export', name]))
  return file
}

const sign = async (recipient: string, signer: string): Promise<Uint8Array> =>
  await signAndEncrypt('x', { recipient, signer, homeDir: home, passphrase: new Uint8Array() })

describe.runIf(installed)('gpg', () => {
  const good = installed ? make('good@example.org') : ''
  const expired = installed ? make('expired@example.org', '10d') : ''
  const revoked = installed ? make('revoked@example.org', 'never', true) : ''

  test('a list is read by whom it is for', async () => {
    const message = await encryptOpenPgp('7431,8020\n', [good])
    expect(gpg(['--decrypt'], message).toString()).toBe('7431,8020\n')
  })

  test.each([
    ['an expired key', () => [expired], 'expired'],
    ['a revoked key', () => [revoked], 'revoked'],
    ['one of them beside a good one', () => [good, revoked], 'revoked'],
    ['one of them ahead of a good one', () => [expired, good], 'expired'],
  ])('%s gets none, and neither does anybody else', async (_, keys, name) => {
    const reason = new RegExp(`^gpg: .*${name}@example\\.org\\.asc: .*[Uu]nusable public key`)
    await expect(encryptOpenPgp('7431,8020\n', keys())).rejects.toThrow(reason)
  })

  test('of a file with a revoked key and a good one the good one gets it', async () => {
    const both = join(home, 'both.asc')
    writeFileSync(both, gpg(['--armor', '--export', 'revoked@example.org', 'good@example.org']))
    const message = await encryptOpenPgp('x', [both])
    const status = gpg(['--status-fd', '1', '--decrypt'], message).toString()
    const ids = [...status.matchAll(/^\[GNUPG:\] ENC_TO (\S+)/gm)].map(([, id]) => id)
    const listed = gpg(['--with-colons', '--list-keys', 'good@example.org']).toString()
    expect(ids).toEqual([/^pub:[^:]*:[^:]*:[^:]*:([0-9A-F]+)/m.exec(listed)![1]])
  })

  test('our client’s packets are for a key that is good, by one that is', async () => {
    expect((await sign('good@example.org', 'good@example.org')).length).toBeGreaterThan(0)
    for (const bad of ['expired@example.org', 'revoked@example.org']) {
      const asRecipient = sign(bad, 'good@example.org')
      await expect(asRecipient).rejects.toThrow(/gpg did not sign and encrypt: .*skipped: No public key/)
      await expect(asRecipient).rejects.toMatchObject({ hint: /expired or were revoked/ as never })
      await expect(sign('good@example.org', bad)).rejects.toThrow(/skipped .*: Unusable secret key/)
    }
  })
})
