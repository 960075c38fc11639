import { spawn } from 'node:child_process'
import type { Writable } from 'node:stream'
import { isSigner } from '../../spa/fwknop/grant.ts'
import type { GnupgTerms } from '../../spa/fwknop/stanza.ts'

/** gpgs at a time, and packets that wait for one; those beyond are passed over. */
const RUNNING_MAX = 2
const WAITING_MAX = 16
/** Longest that one may take, in milliseconds. */
const TIME_MAX_MS = 10_000
/** Most bytes that it may give, and say. */
const BYTES_MAX = 65_536
/** The descriptors that gpg reads the passphrase from and writes its status to. */
const PASSPHRASE_FD = 3
const STATUS_FD = 4

/** A text that was decrypted, and whose signature is one that counts; or why there is none. */
export type Decrypted = { readonly text: Uint8Array; readonly signer?: string } | { readonly fault: string }

/** Decrypts packets by the installed gpg, a few at a time. */
export class Gnupg {
  #running = 0
  readonly #waiting: (() => void)[] = []

  /** Never rejects. */
  async decrypt(message: Uint8Array, terms: GnupgTerms): Promise<Decrypted> {
    if (this.#running >= RUNNING_MAX) {
      if (this.#waiting.length >= WAITING_MAX) return { fault: 'too many wait for gpg' }
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve)
      })
    }
    this.#running++
    try {
      return await run(message, terms)
    } catch (error) {
      return { fault: (error as Error).message }
    } finally {
      this.#running--
      this.#waiting.shift()?.()
    }
  }
}

async function run(message: Uint8Array, { homeDir, passphrase, signers }: GnupgTerms): Promise<Decrypted> {
  const secret = ['--pinentry-mode', 'loopback', '--passphrase-fd', String(PASSPHRASE_FD)]
  const words = ['--homedir', homeDir, '--batch', '--quiet', '--no-tty', ...secret, '--status-fd', String(STATUS_FD)]
  const child = spawn('gpg', [...words, '--decrypt'], {
    stdio: ['pipe', 'pipe', 'ignore', 'pipe', 'pipe'],
    timeout: TIME_MAX_MS,
    killSignal: 'SIGKILL',
  })
  const parts: Buffer[] = []
  let bytes = 0
  let status = ''
  child.stdout!.on('data', (part: Buffer) => {
    bytes += part.length
    if (bytes > BYTES_MAX) child.kill('SIGKILL')
    else parts.push(part)
  })
  child.stdio[STATUS_FD]!.on('data', (part: Buffer) => {
    status = `${status}${part.toString('latin1')}`.slice(0, BYTES_MAX)
  })
  const passphrasePipe = child.stdio[PASSPHRASE_FD] as Writable
  // It may end without reading: its exit code tells.
  for (const pipe of [child.stdin!, passphrasePipe]) pipe.on('error', () => undefined)
  passphrasePipe.end(passphrase ?? '')
  child.stdin!.end(message)
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  // A signature by a key that is not in the ring makes gpg fail, though it has decrypted.
  if (!/^\[GNUPG:\] DECRYPTION_OKAY\r?$/m.test(status)) return { fault: `gpg did not decrypt it (exit code ${code})` }
  if (signers === undefined) return { text: Buffer.concat(parts) }
  // doc/DETAILS of GnuPG: VALIDSIG has the fingerprint first, and that of the primary key last.
  const valid = /^\[GNUPG:\] VALIDSIG ([0-9A-F]{40}) .*?([0-9A-F]{40})\r?$/m.exec(status)
  const fingerprints = valid === null ? [] : [valid[1]!, valid[2]!]
  const signer = fingerprints.find((one) => isSigner(signers, one))
  return signer !== undefined ? { text: Buffer.concat(parts), signer } : { fault: 'its signature is none that counts' }
}
