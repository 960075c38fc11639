import { PASSPHRASE_FIRST, gpgInput } from '../../host/gpg.ts'
import type { GnupgSettings } from '../../peer/fwknop/rc-directives.ts'
import { ClientError } from '../fault.ts'

/** The most milliseconds for gpg. The user may have to type a passphrase. */
const GPG_LIMIT_MS = 120_000

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
  // This is loaded late, because other packets need no native code.
  const { spawn } = await import('../../native/spawn.ts')
  const child = spawn(exe, args, { stdio: ['pipe', 'pipe', 'pipe'], timeout: GPG_LIMIT_MS })
  const parts: Uint8Array[] = []
  let said = ''
  child.stdout.on('data', (part: Uint8Array) => parts.push(part))
  child.stderr.on('data', (part: Uint8Array) => (said += Buffer.from(part).toString()))
  child.stdin.on('error', () => undefined)
  const message = Buffer.from(plain)
  child.stdin.end(passphrase === undefined ? message : gpgInput(passphrase, message))
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', (error) => reject(new ClientError(`${exe} cannot be run: ${error.message}`, undefined, error)))
    child.once('close', resolve)
  })
  if (code === 0) return Buffer.concat(parts)
  const hint = /skipped/.test(said) ? KEY_HINT : undefined
  throw new ClientError(`gpg did not sign and encrypt: ${said.trim() || `exit code ${code}`}`, hint)
}
