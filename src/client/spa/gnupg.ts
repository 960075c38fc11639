import { PASSPHRASE_FIRST, gpgInput } from '../../host/gpg.ts'
import type { GnupgSettings } from '../../spa/fwknop/rc-directives.ts'
import { ClientError } from '../fault.ts'

/** Milliseconds gpg may take; a person may have to type a passphrase. */
const GPG_LIMIT_MS = 120_000

/** gpg says of such keys that they are not there. */
const KEY_HINT = 'keys that have expired or were revoked are not used: gpg --list-keys shows them'

/** A text signed by us and encrypted to the server, by the installed gpg. Throws a ClientError with what it says. */
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
    // A key that is not in the ring, or good no more, is not looked for on the network: whoever answers would be trusted.
    '--no-auto-key-locate',
    '--disable-dirmngr',
    ...(signer === undefined ? [] : ['--local-user', signer]),
    '--recipient',
    recipient,
    '--sign',
    '--encrypt',
  ]
  // Loaded only now: other packets need nothing native.
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
