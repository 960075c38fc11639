import { createCipheriv, createDecipheriv, createHash, createHmac } from 'node:crypto'
import { asciiBytes, concatenate } from '../bytes.ts'

/** The protocol (Noise Protocol Framework, revision 34, 8), and the name of its hash function in node:crypto. */
export const PROTOCOL_NAME = 'Noise_X_25519_ChaChaPoly_SHA256'
export const HASH = 'sha256'
/** The length of a {@link HASH} digest, in bytes. */
export const HASH_BYTES = 32
/** The bytes that encryption adds (RFC 8439, 2.8). */
export const TAG_BYTES = 16

const CIPHER = 'chacha20-poly1305'
/** The counter is always 0, since each key encrypts one message (revision 34, 5.1 and 12.3). */
const NONCE = new Uint8Array(12)

/** Returns the HMAC (RFC 2104) with the protocol's hash function. */
export function hmac(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  const mac = createHmac(HASH, key)
  for (const part of parts) mac.update(part)
  return mac.digest()
}

/** The state that both sides have mixed so far: the SymmetricState of Noise, revision 34, 5.2. */
export class Symmetric {
  #chain: Uint8Array
  #hash: Uint8Array
  #key: Uint8Array | undefined

  constructor(prologue: Uint8Array) {
    const name = asciiBytes(PROTOCOL_NAME)
    const start = new Uint8Array(HASH_BYTES)
    start.set(name)
    this.#chain = start
    this.#hash = start
    this.mixHash(prologue)
  }

  /** The handshake hash. */
  get hash(): Uint8Array {
    return this.#hash
  }

  mixHash(data: Uint8Array): void {
    this.#hash = createHash(HASH).update(this.#hash).update(data).digest()
  }

  /** MixKey: mixes a secret into the key by HKDF (RFC 5869) with two outputs. */
  mixKey(secret: Uint8Array): void {
    const temporary = hmac(this.#chain, secret)
    this.#chain = hmac(temporary, Uint8Array.of(1))
    this.#key = hmac(temporary, this.#chain, Uint8Array.of(2))
  }

  /** EncryptAndHash: encrypts a text. Throws if there is no key yet, so that nothing is sent in the clear. */
  encrypt(plain: Uint8Array): Uint8Array {
    const cipher = createCipheriv(CIPHER, this.#needKey(), NONCE, { authTagLength: TAG_BYTES })
    cipher.setAAD(this.#hash, { plaintextLength: plain.length })
    const sealed = concatenate(cipher.update(plain), cipher.final(), cipher.getAuthTag())
    this.mixHash(sealed)
    return sealed
  }

  /** DecryptAndHash: decrypts a text. Returns `undefined` if it was not made with this key and state. */
  decrypt(sealed: Uint8Array): Uint8Array | undefined {
    const end = sealed.length - TAG_BYTES
    if (end < 0) return undefined
    const decipher = createDecipheriv(CIPHER, this.#needKey(), NONCE, { authTagLength: TAG_BYTES })
    decipher.setAAD(this.#hash, { plaintextLength: end })
    decipher.setAuthTag(sealed.subarray(end))
    const plain = decipher.update(sealed.subarray(0, end))
    try {
      decipher.final()
    } catch {
      return undefined
    }
    this.mixHash(sealed)
    return plain
  }

  #needKey(): Uint8Array {
    if (this.#key === undefined) throw new Error('no key was mixed in')
    return this.#key
  }
}
