import { createCipheriv, createDecipheriv, createHash, createHmac } from 'node:crypto'
import { asciiBytes, concatenate } from '../bytes.ts'

/** The protocol (Noise Protocol Framework, revision 34, 8), and its hash function as node:crypto calls it. */
export const PROTOCOL_NAME = 'Noise_X_25519_ChaChaPoly_SHA256'
export const HASH = 'sha256'
/** Bytes of what {@link HASH} gives. */
export const HASH_BYTES = 32
/** Bytes that encryption adds (RFC 8439, 2.8). */
export const TAG_BYTES = 16

const CIPHER = 'chacha20-poly1305'
/** Each key encrypts one message: its counter is always 0 (revision 34, 5.1 and 12.3). */
const NONCE = new Uint8Array(12)

/** HMAC (RFC 2104) with the protocol's hash function. */
export function hmac(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  const mac = createHmac(HASH, key)
  for (const part of parts) mac.update(part)
  return mac.digest()
}

/** What both sides have mixed so far: the SymmetricState of Noise, revision 34, 5.2. */
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

  /** MixKey: HKDF (RFC 5869) with two outputs. */
  mixKey(secret: Uint8Array): void {
    const temporary = hmac(this.#chain, secret)
    this.#chain = hmac(temporary, Uint8Array.of(1))
    this.#key = hmac(temporary, this.#chain, Uint8Array.of(2))
  }

  /** EncryptAndHash. Throws where no key was mixed in yet: nothing of ours goes out in the clear. */
  encrypt(plain: Uint8Array): Uint8Array {
    const cipher = createCipheriv(CIPHER, this.#needKey(), NONCE, { authTagLength: TAG_BYTES })
    cipher.setAAD(this.#hash, { plaintextLength: plain.length })
    const sealed = concatenate(cipher.update(plain), cipher.final(), cipher.getAuthTag())
    this.mixHash(sealed)
    return sealed
  }

  /** DecryptAndHash. `undefined`: it was not made with this key over what was mixed so far. */
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
