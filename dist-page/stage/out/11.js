'use strict'
Object.defineProperty(exports, '__esModule', { value: true })
exports.PassphraseIdentity = void 0
exports.wantsPassphrase = wantsPassphrase
const chacha_js_1 = require('@noble/ciphers/chacha.js')
const scrypt_js_1 = require('@noble/hashes/scrypt.js')
const base_1 = require('@scure/base')
const STANZA_TYPE = 'scrypt'
const LABEL = new TextEncoder().encode('age-encryption.org/v1/scrypt')
const SALT_BYTES = 16
const WORK_FACTOR = /^[1-9][0-9]?$/
const WORK_FACTOR_MAX = 20
const BLOCK_SIZE = 8
const KEY_BYTES = 32
const NONCE = new Uint8Array(12)
const BODY_BYTES = 32
function wantsPassphrase({ args }) {
  return args[0] === STANZA_TYPE
}
class PassphraseIdentity {
  #passphrase
  #onProgress
  constructor(passphrase, onProgress) {
    this.#passphrase = passphrase
    this.#onProgress = onProgress
  }
  async unwrapFileKey(stanzas) {
    const stanza = stanzas.find(wantsPassphrase)
    if (stanza === undefined) return null
    const [, salt, workFactor] = stanza.args
    if (stanzas.length !== 1) throw new Error('a passphrase beside other recipients')
    if (stanza.args.length !== 3 || stanza.body.length !== BODY_BYTES || !WORK_FACTOR.test(workFactor)) {
      throw new Error('a malformed scrypt stanza')
    }
    const logN = Number(workFactor)
    if (logN > WORK_FACTOR_MAX) throw new Error('a work factor over the maximum')
    const key = await (0, scrypt_js_1.scryptAsync)(this.#passphrase, labelled(base_1.base64nopad.decode(salt)), {
      N: 2 ** logN,
      r: BLOCK_SIZE,
      p: 1,
      dkLen: KEY_BYTES,
      onProgress: this.#onProgress,
    })
    try {
      return (0, chacha_js_1.chacha20poly1305)(key, NONCE).decrypt(stanza.body)
    } catch {
      return null
    } finally {
      key.fill(0)
    }
  }
}
exports.PassphraseIdentity = PassphraseIdentity
function labelled(salt) {
  if (salt.length !== SALT_BYTES) throw new Error('a salt of the wrong length')
  const bytes = new Uint8Array(LABEL.length + salt.length)
  bytes.set(LABEL)
  bytes.set(salt, LABEL.length)
  return bytes
}
