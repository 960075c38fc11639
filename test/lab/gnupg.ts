import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { scratch } from './scratch.ts'

/** Options with which gpg asks nobody for anything. */
const QUIET = ['--batch', '--quiet', '--pinentry-mode', 'loopback', '--passphrase', '', '--trust-model', 'always']
/** When the keys of these tests were made, and a moment at which all of them were good. */
export const MADE = '20250101T000000'
export const THEN = '20250102T000000'

/** A keyring of its own, and the real gpg on it. */
export class Gnupg {
  readonly home = scratch('gnupg')

  constructor() {
    mkdirSync(this.home, { mode: 0o700 })
  }

  /** Runs gpg, and gives what it prints. */
  run(words: readonly string[], input: string | Uint8Array = ''): Buffer {
    const how = { input, stdio: ['pipe', 'pipe', 'ignore'] as ('pipe' | 'ignore')[] }
    return execFileSync('gpg', ['--homedir', this.home, ...QUIET, ...words], how)
  }

  /** What gpg's status lines say of a message, and how it ended. */
  status(message: Uint8Array): string {
    const words = ['--homedir', this.home, ...QUIET, '--status-fd', '2', '--decrypt']
    return spawnSync('gpg', words, { input: message }).stderr.toString('latin1')
  }

  /** Makes a key as of {@link MADE}; `expires` as gpg takes it. Gives its fingerprint. */
  make(name: string, algorithm: string, usage: string, expires = 'never'): string {
    const made = ['--faked-system-time', MADE, '--allow-freeform-uid', '--quick-generate-key', name]
    const status = this.run(['--status-fd', '1', ...made, algorithm, usage, expires]).toString()
    return /KEY_CREATED \S ([0-9A-F]{40})/.exec(status)![1]!
  }

  /** The certificate that gpg made for the day on which the key is to be revoked. */
  revocation(fingerprint: string): string {
    const file = `${this.home}/openpgp-revocs.d/${fingerprint}.rev`
    return execFileSync('sed', ['s/^:---/---/', file], { encoding: 'utf8' })
  }

  /** Ends the agent that gpg started. */
  close(): void {
    spawnSync('gpgconf', ['--homedir', this.home, '--kill', 'all'])
  }
}
