import { chacha20poly1305 } from '@noble/ciphers/chacha.js'
import { hkdf } from '@noble/hashes/hkdf.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { KEY_BYTES } from '../../sealed.ts'
import type { Cipher } from '../../sealed.ts'
import { stretch } from '../stretch.ts'

const NONCE = new Uint8Array(12)

/**
 * Makes the ciphers of a page, which work without a secure context, too.
 *
 * @param onProgress is called with 0 to 1 while a key is derived from a passphrase
 */
export function cipherOf(onProgress: (done: number) => void): Cipher {
  return {
    random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
    encrypt: (key, text) => chacha20poly1305(key, NONCE).encrypt(text),
    decrypt(key, text) {
      try {
        return chacha20poly1305(key, NONCE).decrypt(text)
      } catch {
        // Another key, and a changed text, make a wrong tag.
        return undefined
      }
    },
    stretch: async (passphrase, salt, workFactor) => await stretch(passphrase, salt, workFactor, onProgress),
    derive: (secret, salt, info) => hkdf(sha256, secret, salt, new TextEncoder().encode(info), KEY_BYTES),
  }
}
