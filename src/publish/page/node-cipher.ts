import { createCipheriv, createDecipheriv, hkdfSync, randomBytes, scrypt } from 'node:crypto'
import { KEY_BYTES } from './sealed.ts'
import type { Cipher } from './sealed.ts'

const ALGORITHM = 'chacha20-poly1305'
const NONCE = new Uint8Array(12)
const TAG_BYTES = 16
const BLOCK_SIZE = 8
/** Memory of scrypt beyond its table of 128 * r * N bytes. */
const SPARE_BYTES = 1_048_576

/** The ciphers of Node.js. */
export const NODE_CIPHER: Cipher = {
  random: (bytes) => new Uint8Array(randomBytes(bytes)),
  encrypt(key, text) {
    const cipher = createCipheriv(ALGORITHM, key, NONCE, { authTagLength: TAG_BYTES })
    return new Uint8Array(Buffer.concat([cipher.update(text), cipher.final(), cipher.getAuthTag()]))
  },
  decrypt(key, text) {
    if (text.length < TAG_BYTES) return undefined
    const decipher = createDecipheriv(ALGORITHM, key, NONCE, { authTagLength: TAG_BYTES })
    decipher.setAuthTag(text.subarray(-TAG_BYTES))
    try {
      return new Uint8Array(Buffer.concat([decipher.update(text.subarray(0, -TAG_BYTES)), decipher.final()]))
    } catch {
      return undefined
    }
  },
  async stretch(passphrase, salt, workFactor) {
    const N = 2 ** workFactor
    const options = { N, r: BLOCK_SIZE, p: 1, maxmem: 128 * BLOCK_SIZE * N + SPARE_BYTES }
    return await new Promise((resolve, reject) => {
      scrypt(passphrase, salt, KEY_BYTES, options, (error, key) => {
        if (error === null) resolve(new Uint8Array(key))
        else reject(error)
      })
    })
  },
  derive: (secret, salt, info) => new Uint8Array(hkdfSync('sha256', secret, salt, info, KEY_BYTES)),
}
