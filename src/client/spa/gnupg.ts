import { PASSPHRASE_FIRST, gpgInput, runGpg } from '../../host/gpg.ts'
import type { GnupgSettings } from '../../peer/fwknop/rc-directives.ts'
import { ClientError } from '../fault.ts'

/** The limits of gpg. The user may have to type a passphrase. */
const GPG_LIMITS = { timeMs: 120_000, outputBytes: 65_536 }

/** gpg reports such keys as missing. */
const KEY_HINT = 'keys that have expired or were revoked are not used: gpg --list-keys shows them'

/**
 * Signs a text with the user's key and encrypts it to the server, with the installed gpg.
 *
 * @throws ClientError with gpg's message
 */
export async function signAndEncrypt(plain: string, settings: GnupgSettings): Promise<Uint8Array> {
  const { recipient, signer, homeDir, passphrase, exe = 'gpg' } = settings
  if (recipient === undefined) throw new ClientError('no GnuPG key to encrypt to', 'write GPG_RECIPIENT')
  const args = [
    ...(homeDir === undefined ? [] : ['--homedir', homeDir]),
    ...(passphrase === undefined ? [] : PASSPHRASE_FIRST),
    '--batch',
    '--quiet',
    '--no-tty',
    '--no-armor',
    '--trust-model',
    'always',
    // A missing or expired key is not fetched from the network, because anyone's answer would be trusted.
    '--no-auto-key-locate',
    '--disable-dirmngr',
    ...(signer === undefined ? [] : ['--local-user', signer]),
    '--recipient',
    recipient,
    '--sign',
    '--encrypt',
  ]
  const message = Buffer.from(plain)
  const input = passphrase === undefined ? message : gpgInput(passphrase, message)
  const { code, output, messages } = await runGpg(args, input, GPG_LIMITS, exe).catch((error: Error) => {
    throw new ClientError(`${exe} cannot be run: ${error.message}`, undefined, error)
  })
  if (code === 0) return output
  const hint = /skipped/.test(messages) ? KEY_HINT : undefined
  throw new ClientError(`gpg did not sign and encrypt: ${messages.trim() || `exit code ${code}`}`, hint)
}
