import { Failure } from '../../cli/fault.ts'
import { spawnSync } from '../../native/spawn.ts'

/** Milliseconds that openssl(1) may take. */
const TIME_MAX_MS = 30_000

/**
 * Runs openssl(1), and returns its standard output.
 *
 * @param folder the working folder
 * @param san the subjectAltName for the certificate that is made
 * @throws Failure if the program is missing, or fails
 */
export function openssl(
  folder: string,
  args: readonly string[],
  { input, san }: { readonly input?: string; readonly san?: string } = {},
): string {
  const ran = spawnSync('openssl', args, {
    cwd: folder,
    encoding: 'utf8',
    timeout: TIME_MAX_MS,
    // The settings name the variable, so it has to be set.
    env: { ...process.env, POSTERN_SAN: san ?? 'DNS:none' },
    ...(input === undefined ? {} : { input }),
  })
  if (ran.status === 0) return ran.stdout
  if (ran.error !== undefined && 'code' in ran.error && ran.error.code === 'ENOENT') {
    throw new Failure(
      'there is no program openssl, which makes the certificates',
      'apt install openssl; or bring your own: --own-certificates CA,CERT,KEY',
    )
  }
  const words = (ran.stderr ?? '').trim().split('\n').at(-1) ?? ''
  throw new Failure(`openssl ${args[0]} failed: ${words === '' ? (ran.error?.message ?? 'no reason given') : words}`)
}
