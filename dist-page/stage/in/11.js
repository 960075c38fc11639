import { chacha20poly1305 } from '@noble/ciphers/chacha.js'
import { scryptAsync } from '@noble/hashes/scrypt.js'
import { base64nopad } from '@scure/base'
/** The scrypt stanza (C2SP age, "scrypt recipient stanza"). */
const STANZA_TYPE = 'scrypt'
const LABEL = new TextEncoder().encode('age-encryption.org/v1/scrypt')
const SALT_BYTES = 16
const WORK_FACTOR = /^[1-9][0-9]?$/
/** log2 of the work: 20 takes a gibibyte, more than a phone gives a page. The age tools write 18. */
const WORK_FACTOR_MAX = 20
const BLOCK_SIZE = 8
const KEY_BYTES = 32
/** The key wraps one file key only, so the nonce may be zero (same place). */
const NONCE = new Uint8Array(12)
/** A file key and its tag, in bytes. */
const BODY_BYTES = 32
/** Whether a stanza is for a passphrase. */
export function wantsPassphrase({ args }) {
  return args[0] === STANZA_TYPE
}
/**
 * A passphrase, for age. The one of age-encryption holds the page up for the seconds this takes; here the page goes on
 * living and is told how far it is.
 */
export class PassphraseIdentity {
  #passphrase
  #onProgress
  /** @param onProgress is called with 0 to 1 */
  constructor(passphrase, onProgress) {
    this.#passphrase = passphrase
    this.#onProgress = onProgress
  }
  /** The file key; null if the passphrase is wrong or none is asked for. Throws on a stanza that is malformed. */
  async unwrapFileKey(stanzas) {
    const stanza = stanzas.find(wantsPassphrase)
    if (stanza === undefined) return null
    const [, salt, workFactor] = stanza.args
    // Anybody who knows a second recipient could else have sent the file (same place).
    if (stanzas.length !== 1) throw new Error('a passphrase beside other recipients')
    if (stanza.args.length !== 3 || stanza.body.length !== BODY_BYTES || !WORK_FACTOR.test(workFactor)) {
      throw new Error('a malformed scrypt stanza')
    }
    const logN = Number(workFactor)
    if (logN > WORK_FACTOR_MAX) throw new Error('a work factor over the maximum')
    const key = await scryptAsync(this.#passphrase, labelled(base64nopad.decode(salt)), {
      N: 2 ** logN,
      r: BLOCK_SIZE,
      p: 1,
      dkLen: KEY_BYTES,
      onProgress: this.#onProgress,
    })
    try {
      return chacha20poly1305(key, NONCE).decrypt(stanza.body)
    } catch {
      // The tag does not fit, which is how a wrong passphrase shows.
      return null
    } finally {
      key.fill(0)
    }
  }
}
function labelled(salt) {
  if (salt.length !== SALT_BYTES) throw new Error('a salt of the wrong length')
  const bytes = new Uint8Array(LABEL.length + salt.length)
  bytes.set(LABEL)
  bytes.set(salt, LABEL.length)
  return bytes
}
