import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto'
import { PART_MAX_BYTES } from './users-document.ts'

const CIPHER = 'aes-256-gcm'
const KEY_BYTES = 32
/** Bytes of the nonce and the tag of GCM (NIST SP 800-38D, 5.2.1). Random nonces serve 2^32 parts. */
const NONCE_BYTES = 12
const TAG_BYTES = 16
/** Largest sealed part, in characters of base64. */
export const SEALED_MAX_CHARS = 4 * Math.ceil((NONCE_BYTES + PART_MAX_BYTES + TAG_BYTES) / 3)

/**
 * Encrypts and names parts of files under keys that are derived from the fleet's key (HKDF, RFC 5869). The name is an HMAC
 * and not a hash: a file with a single sequence could be guessed, and the guess confirmed by its hash.
 */
export class PartSeal {
  readonly #nameKey: Buffer
  readonly #key: Buffer

  constructor(fleetKey: Uint8Array, fleet: string) {
    const derive = (use: string): Buffer =>
      Buffer.from(hkdfSync('sha256', fleetKey, '', `postern fleet 1 users ${use} ${fleet}`, KEY_BYTES))
    this.#nameKey = derive('name')
    this.#key = derive('content')
  }

  /** Returns the name of a part, which its content determines. */
  idOf(content: Uint8Array): string {
    return createHmac('sha256', this.#nameKey).update(content).digest('base64url')
  }

  /** Encrypts a part for etcd. The result differs each time. */
  seal(content: Uint8Array): string {
    const nonce = randomBytes(NONCE_BYTES)
    const cipher = createCipheriv(CIPHER, this.#key, nonce)
    const sealed = [nonce, cipher.update(content), cipher.final(), cipher.getAuthTag()]
    return Buffer.concat(sealed).toString('base64')
  }

  /** Decrypts a part. `undefined`: it is damaged, or not the part of that name. */
  open(id: string, text: string): Buffer | undefined {
    if (text.length > SEALED_MAX_CHARS) return undefined
    const sealed = Buffer.from(text, 'base64')
    if (sealed.length < NONCE_BYTES + TAG_BYTES) return undefined
    const cipher = createDecipheriv(CIPHER, this.#key, sealed.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES })
    cipher.setAuthTag(sealed.subarray(-TAG_BYTES))
    try {
      const content = Buffer.concat([cipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES)), cipher.final()])
      return this.idOf(content) === id ? content : undefined
    } catch {
      // The tag is wrong.
      return undefined
    }
  }
}
