import { createHash, randomInt } from 'node:crypto'
import { PASSPHRASE_FIRST, STATUS_ON_ERROR, gpgInput } from '../../host/gpg.ts'
import { LruMap } from '../../limit/lru-map.ts'
import { spawn } from '../../native/spawn.ts'
import type { Address } from '../../packet/address.ts'
import { isSigner } from '../../spa/fwknop/grant.ts'
import type { GnupgTerms } from '../../spa/fwknop/stanza.ts'
import { readGnupgStatus } from '../../spa/gnupg-status.ts'
import type { Signature } from '../../spa/gnupg-status.ts'
import { GnupgQueue } from './gnupg-queue.ts'
import type { Cause } from './gnupg-queue.ts'

/** Most bytes that it may give, and say. */
const BYTES_MAX = 65_536
/** Messages that came to nothing and are known again: a copy of one starts no gpg. */
const FRUITLESS_MAX = 1_024
const WORD = 2 ** 32

/** A text that was decrypted, and the fingerprint of the key that signed it, where one has to; or why there is none. */
export type Decrypted =
  | { readonly text: Uint8Array; readonly signer: string | undefined }
  /** `signer`: a key that counts, but for what is wrong with it or with its signature. */
  | { readonly fault: string; readonly signer?: string }

/** What a run of gpg gave. */
interface Ran {
  readonly status: string
  /** `null`: it was ended. */
  readonly code: number | null
  readonly text: Uint8Array
}

/** Decrypts packets by the installed gpg, a few at a time, and each message once however many stanzas ask for it. */
export class Gnupg {
  readonly #queue = new GnupgQueue([randomInt(WORD), randomInt(WORD)])
  readonly #underWay = new Map<string, Promise<Ran | undefined>>()
  readonly #fruitless = new LruMap<string, string>(FRUITLESS_MAX)

  /** Counts a source among those that have opened before: a share of the runs is kept for them. */
  know(source: Address): void {
    this.#queue.know(source)
  }

  /** Never rejects. */
  async decrypt(message: Uint8Array, terms: GnupgTerms, cause: Cause): Promise<Decrypted> {
    const key = keyOf(message, terms)
    const before = this.#fruitless.get(key)
    if (before !== undefined) return { fault: `a copy: ${before}` }
    try {
      const ran = await this.#once(key, cause, async (limitMs) => await run(message, terms, limitMs))
      if (ran === undefined) return { fault: 'too many packets for gpg' }
      const found = verdictOf(ran, terms)
      if ('fault' in found) this.#fruitless.set(key, found.fault)
      return found
    } catch (error) {
      return { fault: (error as Error).message }
    }
  }

  async #once(key: string, cause: Cause, work: (limitMs: number) => Promise<Ran>): Promise<Ran | undefined> {
    const present = this.#underWay.get(key)
    if (present !== undefined) return await present
    const begun = this.#queue.run(cause, work)
    this.#underWay.set(key, begun)
    try {
      return await begun
    } finally {
      this.#underWay.delete(key)
    }
  }
}

/** The same for what would be the same run. */
function keyOf(message: Uint8Array, { homeDir, passphrase }: GnupgTerms): string {
  const hash = createHash('sha256')
    .update(homeDir)
    .update('\0')
    .update(String(passphrase?.length ?? -1))
    .update('\0')
  return hash
    .update(passphrase ?? '')
    .update(message)
    .digest('base64')
}

/** What a run comes to under a stanza's terms. */
function verdictOf({ status, code, text }: Ran, { signers }: GnupgTerms): Decrypted {
  const { fault, signature } = readGnupgStatus(status)
  if (code === null) return { fault: 'gpg was ended' }
  if (fault !== undefined) return { fault: `${fault} (exit code ${code})`, ...signerOf(signature, signers) }
  if (signature.kind === 'bad') return { fault: signature.why, ...signerOf(signature, signers) }
  // Where no signature is asked for the HMAC tells who it was: one that nothing is known of changes nothing.
  if (signers === undefined) return { text, signer: undefined }
  if (signature.kind === 'none') return { fault: 'it is not signed' }
  if (signature.kind === 'unknown') return { fault: signature.why }
  const by = signerOf(signature, signers)
  return by.signer === undefined ? { fault: 'its signature is not by an accepted key' } : { text, signer: by.signer }
}

/** The key among those that count that a signature is by, good or bad. */
function signerOf(signature: Signature, signers: GnupgTerms['signers']): { readonly signer?: string } {
  if (signers === undefined || !('key' in signature)) return {}
  const signer = [signature.key, signature.primary].find((one) => one !== undefined && isSigner(signers, one))
  return signer === undefined ? {} : { signer }
}

async function run(message: Uint8Array, { homeDir, passphrase }: GnupgTerms, limitMs: number): Promise<Ran> {
  // Whatever its own config says: nothing that a stranger sends has it ask the network, or add keys to the ring.
  const alone = ['--disable-dirmngr', '--no-auto-key-retrieve', '--no-auto-key-import']
  const words = ['--homedir', homeDir, '--batch', '--quiet', '--no-tty', ...alone, ...PASSPHRASE_FIRST]
  const child = spawn('gpg', [...words, ...STATUS_ON_ERROR, '--decrypt'], {
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: limitMs,
    killSignal: 'SIGKILL',
  })
  const parts: Buffer[] = []
  let bytes = 0
  let status = ''
  child.stdout.on('data', (part: Buffer) => {
    bytes += part.length
    if (bytes > BYTES_MAX) child.kill('SIGKILL')
    else parts.push(part)
  })
  child.stderr.on('data', (part: Buffer) => {
    status = `${status}${part.toString('latin1')}`.slice(0, BYTES_MAX)
  })
  // It may end without reading: its exit code tells.
  child.stdin.on('error', () => undefined)
  child.stdin.end(gpgInput(passphrase, message))
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  return { status, code, text: Buffer.concat(parts) }
}
