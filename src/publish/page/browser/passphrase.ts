import { chacha20poly1305 } from '@noble/ciphers/chacha.js'
import { base64nopad } from '@scure/base'
import type { Identity, Stanza } from 'age-encryption'
import { stretch } from './stretch.ts'

/** The scrypt stanza (C2SP age, "scrypt recipient stanza"). */
const STANZA_TYPE = 'scrypt'
const LABEL = new TextEncoder().encode('age-encryption.org/v1/scrypt')
const SALT_BYTES = 16
const WORK_FACTOR = /^[1-9][0-9]?$/
/**
 * The maximum work factor, as log2. The value 20 takes a gibibyte, more than a phone gives a page. The age tools write
 * 18.
 */
const WORK_FACTOR_MAX = 20
/** The nonce may be zero, because the key wraps only one file key (same source). */
const NONCE = new Uint8Array(12)
/** The length of a file key and its tag, in bytes. */
const BODY_BYTES = 32

/** Returns true if a stanza is for a passphrase. */
export function wantsPassphrase({ args }: Stanza): boolean {
  return args[0] === STANZA_TYPE
}

/**
 * The identity of a passphrase. That of age-encryption blocks the page for the seconds this takes. This one keeps the
 * page responsive and reports the progress.
 */
export class PassphraseIdentity implements Identity {
  readonly #passphrase: string
  readonly #onProgress: (done: number) => void

  /** @param onProgress is called with 0 to 1 */
  constructor(passphrase: string, onProgress: (done: number) => void) {
    this.#passphrase = passphrase
    this.#onProgress = onProgress
  }

  /**
   * Returns the file key, or null if the passphrase is wrong or the file has no passphrase stanza. Throws if a stanza
   * is malformed.
   */
  async unwrapFileKey(stanzas: Stanza[]): Promise<Uint8Array | null> {
    const stanza = stanzas.find(wantsPassphrase)
    if (stanza === undefined) return null
    const [, salt, workFactor] = stanza.args
    // Otherwise anybody who knows a second recipient could have sent the file (same source).
    if (stanzas.length !== 1) throw new Error('a passphrase beside other recipients')
    if (stanza.args.length !== 3 || stanza.body.length !== BODY_BYTES || !WORK_FACTOR.test(workFactor!)) {
      throw new Error('a malformed scrypt stanza')
    }
    const logN = Number(workFactor)
    if (logN > WORK_FACTOR_MAX) throw new Error('a work factor over the maximum')
    const key = await stretch(this.#passphrase, labelled(base64nopad.decode(salt!)), logN, this.#onProgress)
    try {
      return chacha20poly1305(key, NONCE).decrypt(stanza.body)
    } catch {
      // A wrong passphrase makes a wrong tag.
      return null
    } finally {
      key.fill(0)
    }
  }
}

function labelled(salt: Uint8Array): Uint8Array {
  if (salt.length !== SALT_BYTES) throw new Error('a salt of the wrong length')
  const bytes = new Uint8Array(LABEL.length + salt.length)
  bytes.set(LABEL)
  bytes.set(salt, LABEL.length)
  return bytes
}
