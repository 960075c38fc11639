import { scryptAsync } from '@noble/hashes/scrypt.js'

const BLOCK_SIZE = 8
const KEY_BYTES = 32

/**
 * Derives a key from a passphrase by scrypt (RFC 7914), and keeps the page responsive meanwhile.
 *
 * @param workFactor as log2
 * @param onProgress is called with 0 to 1
 */
export async function stretch(
  passphrase: string,
  salt: Uint8Array,
  workFactor: number,
  onProgress: (done: number) => void,
): Promise<Uint8Array> {
  return await scryptAsync(passphrase, salt, { N: 2 ** workFactor, r: BLOCK_SIZE, p: 1, dkLen: KEY_BYTES, onProgress })
}
