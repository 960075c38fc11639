import { createHash, randomInt } from 'node:crypto'
import { PASSPHRASE_FIRST, STATUS_ON_ERROR, gpgInput, runGpgBy } from '../../../host/gpg.ts'
import type { GpgRun } from '../../../host/gpg.ts'
import { LruMap } from '../../../limit/lru-map.ts'
import { spawn } from '../../../native/spawn.ts'
import type { Address } from '../../../packet/address.ts'
import { isSigner } from '../grant.ts'
import type { GnupgTerms } from '../stanza.ts'
import { readGnupgStatus } from '../../../spa/gnupg-status.ts'
import type { Signature } from '../../../spa/gnupg-status.ts'
import { GnupgQueue } from './gnupg-queue.ts'
import type { Cause } from './gnupg-queue.ts'

/** The most bytes of gpg's output. */
const BYTES_MAX = 65_536
/** The most failed messages that are recognized. A copy of one does not start gpg again. */
const FRUITLESS_MAX = 1_024
const WORD = 2 ** 32

/** A decrypted text with the fingerprint of its signer, if a signature is required; or the fault. */
export type Decrypted =
  | { readonly text: Uint8Array; readonly signer: string | undefined }
  /** The `signer` is an accepted key, but the key or its signature has a fault. */
  | { readonly fault: string; readonly signer?: string }

/** Decrypts packets with the installed gpg, a few at a time. Each message is decrypted once, for all stanzas. */
export class Gnupg {
  readonly #queue = new GnupgQueue([randomInt(WORD), randomInt(WORD)])
  readonly #underWay = new Map<string, Promise<GpgRun | undefined>>()
  readonly #fruitless = new LruMap<string, string>(FRUITLESS_MAX)

  /** Marks a source as one that has opened before. Such sources have a reserved share of the runs. */
  know(source: Address): void {
    this.#queue.know(source)
  }

  /** Decrypts a message. Never rejects. */
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

  async #once(key: string, cause: Cause, work: (limitMs: number) => Promise<GpgRun>): Promise<GpgRun | undefined> {
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

/** Returns the same key for identical runs. */
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

/** Returns the result of a run under the conditions of a stanza. */
function verdictOf({ messages: status, code, output: text }: GpgRun, { signers }: GnupgTerms): Decrypted {
  const { fault, signature } = readGnupgStatus(status)
  if (code === null) return { fault: 'gpg was ended' }
  if (fault !== undefined) return { fault: `${fault} (exit code ${code})`, ...signerOf(signature, signers) }
  if (signature.kind === 'bad') return { fault: signature.why, ...signerOf(signature, signers) }
  // Without a required signature, the HMAC identifies the sender. An unknown signature changes nothing then.
  if (signers === undefined) return { text, signer: undefined }
  if (signature.kind === 'none') return { fault: 'it is not signed' }
  if (signature.kind === 'unknown') return { fault: signature.why }
  const by = signerOf(signature, signers)
  return by.signer === undefined ? { fault: 'its signature is not by an accepted key' } : { text, signer: by.signer }
}

/** Returns the accepted key that made a good or bad signature. */
function signerOf(signature: Signature, signers: GnupgTerms['signers']): { readonly signer?: string } {
  if (signers === undefined || !('key' in signature)) return {}
  const signer = [signature.key, signature.primary].find((one) => one !== undefined && isSigner(signers, one))
  return signer === undefined ? {} : { signer }
}

async function run(message: Uint8Array, { homeDir, passphrase }: GnupgTerms, limitMs: number): Promise<GpgRun> {
  // These options override gpg's own config. A packet must not cause network access or add keys to the keyring.
  const alone = ['--disable-dirmngr', '--no-auto-key-retrieve', '--no-auto-key-import']
  const words = ['--homedir', homeDir, '--batch', '--quiet', '--no-tty', ...alone, ...PASSPHRASE_FIRST]
  return await runGpgBy(spawn, [...words, ...STATUS_ON_ERROR, '--decrypt'], gpgInput(passphrase, message), {
    timeMs: limitMs,
    outputBytes: BYTES_MAX,
  })
}
