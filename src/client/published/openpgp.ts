import { PASSPHRASE_FIRST, STATUS_ON_ERROR, gpgInput, runGpg } from '../../host/gpg.ts'
import type { GpgRun } from '../../host/gpg.ts'
import { readGnupgSignature } from '../../spa/gnupg-status.ts'
import { ClientError } from '../fault.ts'
import { LIST_MAX_BYTES } from './list.ts'
import { readPassphrase } from './passphrase.ts'

/** The most milliseconds for gpg. The user may have to type a passphrase. */
export const GPG_LIMIT_MS = 60_000
const SIGNATURE_HINT = 'ask its publisher; the daemon does not sign its lists'

/** The first line of an armored message (RFC 9580, 6.2). */
const ARMOR_LINE = '-----BEGIN PGP MESSAGE-----'

/** Returns true if a text is an armored OpenPGP message. */
export function isOpenPgp(text: string): boolean {
  return text.trimStart().startsWith(ARMOR_LINE)
}

/**
 * Decrypts an OpenPGP message with the installed gpg and the keyring of the current user.
 *
 * @throws ClientError if there is no gpg or no key, gpg takes too long, or the message is not encrypted
 */
export async function decryptOpenPgp(
  bytes: Uint8Array,
  passphraseFile: string | undefined,
  limitMs = GPG_LIMIT_MS,
): Promise<Uint8Array> {
  const passphrase = passphraseFile === undefined ? undefined : await readPassphrase(passphraseFile)
  const { code, output, messages: status, exceeded } = await decrypt(bytes, passphrase, limitMs)
  if (exceeded === 'time') throw new ClientError(`gpg does not decrypt the list within ${limitMs / 1_000} s`)
  if (exceeded === 'output') throw new ClientError('the list is too large', `at most ${LIST_MAX_BYTES} bytes`)
  // gpg also returns the text if the signature is bad, so the signature is checked here.
  const signature = readGnupgSignature(status)
  if (signature.kind === 'bad') throw new ClientError(`gpg decrypts the list, but ${signature.why}`, SIGNATURE_HINT)
  // gpg also returns messages that are only signed or compressed. Anyone can read those, so they are refused.
  if (/^\[GNUPG:\] DECRYPTION_OKAY$/m.test(status) && code === 0) return output
  throw failureOf(status)
}

async function decrypt(input: Uint8Array, passphrase: Uint8Array | undefined, limitMs: number): Promise<GpgRun> {
  const words = ['--batch', '--no-tty', '--quiet', ...STATUS_ON_ERROR]
  if (passphrase !== undefined) words.push(...PASSPHRASE_FIRST)
  const limits = { timeMs: limitMs, outputBytes: LIST_MAX_BYTES }
  try {
    return await runGpg([...words, '--decrypt'], passphrase === undefined ? input : gpgInput(passphrase, input), limits)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOENT') throw new ClientError(`cannot run gpg: ${code}`, undefined, error)
    throw new ClientError('the list is encrypted by OpenPGP, and there is no gpg here', 'it comes with GnuPG', error)
  }
}

/** Returns the reason for a failed decryption, from gpg's status lines (GnuPG's doc/DETAILS). */
function failureOf(status: string): ClientError {
  const failed = 'gpg cannot decrypt the list: '
  if (/^\[GNUPG:\] (?:(?:BAD|MISSING)_PASSPHRASE|PINENTRY_LAUNCHED|ERROR \S+ 11_)/m.test(status)) {
    return new ClientError(`${failed}no passphrase, or a wrong one`, PASSPHRASE_HINT)
  }
  const considered = /^\[GNUPG:\] KEY_CONSIDERED /m.test(status)
  if (/^\[GNUPG:\] NO_SECKEY /m.test(status) || (/^\[GNUPG:\] ENC_TO /m.test(status) && !considered)) {
    return new ClientError(`${failed}the keyring has no key for it`)
  }
  if (considered && /^\[GNUPG:\] DECRYPTION_FAILED$/m.test(status)) {
    return new ClientError(`${failed}its key cannot be used, perhaps a passphrase is missing`, PASSPHRASE_HINT)
  }
  return new ClientError(`${failed}it is damaged, or not encrypted`)
}

/** The program that asks for a passphrase needs to know the terminal (gpg-agent(1)). */
const PASSPHRASE_HINT = '--passphrase-file FILE; or to type it: export GPG_TTY=$(tty)'
