// Goal: gpg has a limit of time and output, whatever it does, and text that it could not decrypt never counts as
// decrypted.
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { LIST_MAX_BYTES } from './list.ts'
import { decryptOpenPgp, isOpenPgp } from './openpgp.ts'

const MESSAGE = Buffer.from('-----BEGIN PGP MESSAGE-----\n\nx\n-----END PGP MESSAGE-----\n')

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-gpg-'))
  vi.stubEnv('PATH', `${folder}${delimiter}${process.env['PATH']}`)
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true })
})

const standIn = (script: string): void => {
  writeFileSync(join(folder, 'gpg'), `#!/bin/sh\n${script}\n`)
  chmodSync(join(folder, 'gpg'), 0o755)
}
const decrypt = async (limitMs?: number): Promise<string> =>
  Buffer.from(await decryptOpenPgp(MESSAGE, undefined, limitMs)).toString()

test('gpg gets the message, and its output is returned', async () => {
  standIn(`cat; echo '[GNUPG:] DECRYPTION_OKAY' >&2`)
  expect(await decrypt()).toBe(MESSAGE.toString())
})

test('a passphrase is sent ahead of the message, never in the arguments', async () => {
  standIn(`echo "$@" >${folder}/argv; cat; echo '[GNUPG:] DECRYPTION_OKAY' >&2`)
  const file = join(folder, 'passphrase')
  writeFileSync(file, 'correct horse\n', { mode: 0o600 })
  expect(Buffer.from(await decryptOpenPgp(MESSAGE, file)).toString()).toBe(`correct horse\n${MESSAGE.toString()}`)
  expect(readFileSync(join(folder, 'argv'), 'utf8')).not.toContain('horse')
})

test.each([
  ['output without decryption', 'cat', 'it is damaged, or not encrypted'],
  [
    'decryption that fails in the end',
    `cat; echo '[GNUPG:] DECRYPTION_OKAY' >&2; exit 2`,
    'it is damaged, or not encrypted',
  ],
  ['output of a failed decryption', `cat; echo '[GNUPG:] DECRYPTION_FAILED' >&2`, 'it is damaged, or not encrypted'],
  ['no key', `echo '[GNUPG:] NO_SECKEY 0123' >&2; exit 2`, 'the keyring has no key for it'],
  ['no passphrase', `echo '[GNUPG:] MISSING_PASSPHRASE 1' >&2; exit 2`, 'no passphrase, or a wrong one'],
  [
    'no key, as older versions of gpg say it',
    `echo '[GNUPG:] ENC_TO 0123 18 0' >&2; exit 2`,
    'the keyring has no key for it',
  ],
  [
    'a key that is locked',
    `printf '[GNUPG:] %s\\n' 'ENC_TO 0123 18 0' 'KEY_CONSIDERED 0123 0' DECRYPTION_FAILED >&2; exit 2`,
    'its key cannot be used, perhaps a passphrase is missing',
  ],
  ['an input that gpg does not read', 'exec 0<&-; exit 2', 'it is damaged, or not encrypted'],
])('%s is a failure', async (_, script, reason) => {
  standIn(script)
  await expect(decrypt()).rejects.toThrow(`gpg cannot decrypt the list: ${reason}`)
})

test.each(['REVKEYSIG', 'EXPKEYSIG', 'EXPSIG', 'BADSIG'])(
  'a list with %s is not used, even if all else is right',
  async (keyword) => {
    standIn(`cat; printf '[GNUPG:] %s\\n' '${keyword} 0123456789ABCDEF somebody' DECRYPTION_OKAY >&2`)
    await expect(decrypt()).rejects.toThrow(/^gpg decrypts the list, but its signature (is|has)/)
  },
)

test('a list of the largest size is returned, and a larger one is refused', async () => {
  const okay = `echo '[GNUPG:] DECRYPTION_OKAY' >&2`
  standIn(`head -c ${LIST_MAX_BYTES} /dev/zero; ${okay}`)
  expect(await decrypt()).toHaveLength(LIST_MAX_BYTES)
  standIn(`head -c ${LIST_MAX_BYTES + 1} /dev/zero; ${okay}`)
  await expect(decrypt()).rejects.toThrow('the list is too large')
  standIn('cat /dev/zero')
  await expect(decrypt()).rejects.toThrow('the list is too large')
  standIn('cat /dev/zero >&2')
  await expect(decrypt()).rejects.toThrow('gpg cannot decrypt the list')
})

test('a gpg that does not end is killed, and its child processes are not waited for', async () => {
  standIn(`echo $$ >${folder}/pid; sleep 20 & echo $! >${folder}/child; wait`)
  await expect(decrypt(1_000)).rejects.toThrow('gpg does not decrypt the list within 1 s')
  process.kill(Number(readFileSync(join(folder, 'child'), 'utf8')), 'SIGKILL')
  expect(() => process.kill(Number(readFileSync(join(folder, 'pid'), 'utf8')), 0)).toThrow('ESRCH')
})

test('a missing gpg is reported', async () => {
  vi.stubEnv('PATH', folder)
  await expect(decrypt()).rejects.toMatchObject({
    message: 'the list is encrypted by OpenPGP, and there is no gpg here',
    hint: 'it comes with GnuPG',
  })
})

test('an encrypted message is told from signed text and from a key', () => {
  expect(isOpenPgp(`\r\n${MESSAGE.toString()}`)).toBe(true)
  expect(isOpenPgp('-----BEGIN PGP SIGNED MESSAGE-----\n')).toBe(false)
  expect(isOpenPgp('-----BEGIN PGP PUBLIC KEY BLOCK-----\n')).toBe(false)
})
