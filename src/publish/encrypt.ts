import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Encrypter, armor } from 'age-encryption'
import type { PublishTerms } from '../config/config.ts'
import { PUBLIC } from '../file/policy.ts'
import { readPrivateFile } from '../file/private-file.ts'
import { runGpg } from '../host/gpg.ts'
import { passphraseIn } from './passphrase-file.ts'

/** The most characters of gpg's messages that are passed on. */
const MESSAGES_MAX = 4_096
/** The limits of gpg. */
const GPG_LIMITS = { timeMs: 20_000, outputBytes: 4 * 1_048_576 }
/** The maximum size of an OpenPGP key, in bytes. */
const KEY_MAX_BYTES = 1_048_576

/**
 * Encrypts a text with age (age-encryption.org/v1), in armor.
 *
 * @throws Error if a recipient or the passphrase is invalid
 */
export async function encryptAge(
  text: string,
  { recipients, passphraseFile }: Pick<PublishTerms, 'recipients' | 'passphraseFile'>,
): Promise<string> {
  const encrypter = new Encrypter()
  if (passphraseFile === undefined) for (const recipient of recipients) encrypter.addRecipient(recipient)
  else encrypter.setPassphrase(passphraseIn(passphraseFile))
  return armor.encode(await encrypter.encrypt(text))
}

/**
 * Encrypts a text to OpenPGP public keys (RFC 9580) with the machine's gpg, in armor. It uses no keyring: the keys are
 * files. They are copied first, so that gpg reads the same files that were checked.
 *
 * @throws Error if gpg is not installed, or with gpg's message, for example that a key has expired or was revoked
 */
export async function encryptOpenPgp(text: string, keys: readonly string[]): Promise<Buffer> {
  const home = await mkdtemp(join(tmpdir(), 'postern-gpg-'))
  try {
    const words = ['--homedir', home, '--no-options', '--batch', '--quiet', '--no-autostart', '--trust-model', 'always']
    const copies = keys.map((_, at) => join(home, `recipient-${at}`))
    for (const [at, copy] of copies.entries()) await writeFile(copy, readPrivateFile(keys[at]!, KEY_MAX_BYTES, PUBLIC))
    const to = copies.flatMap((copy) => ['--recipient-file', copy])
    // The operator knows the key's own file, but not the copy that gpg names.
    const named = (said: string): string => copies.reduceRight((all, copy, at) => all.replaceAll(copy, keys[at]!), said)
    return await encrypt([...words, '--armor', ...to, '--encrypt'], text, named)
  } finally {
    await rm(home, { recursive: true, force: true })
  }
}

async function encrypt(words: readonly string[], input: string, named: (said: string) => string): Promise<Buffer> {
  const { code, output, messages } = await runGpg(words, input, GPG_LIMITS).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ENOENT' ? new Error('gpg is not installed') : error
  })
  if (code === 0) return output
  throw new Error(
    `gpg: ${named(messages.slice(0, MESSAGES_MAX)).trim().split('\n').join('; ') || 'ended without a message'}`,
  )
}
