import { createCipheriv, createHmac } from 'node:crypto'
import { concatenate } from '../../spa/bytes.ts'
import { HmacKey, SealedText } from '../../spa/hmac.ts'

/** The length of each of the two keys, in bytes. */
export const KNOCKKNOCK_KEY_BYTES = 16
/** The largest counter, which has four bytes of a block. */
export const COUNTER_MAX = 2 ** 32 - 1
/** The number of counters that knockknock's server tries. */
export const COUNTER_WINDOW_DEFAULT = 20
/** The maximum number of counters to try. Each one makes a forgery likelier and costs a block of AES. */
export const COUNTER_WINDOW_MAX = 1_000

const CIPHER = 'aes-128-ecb'
const BLOCK_BYTES = 16
const COUNTER_AT = BLOCK_BYTES - 4
const PORT_BYTES = 2
const MAC_BYTES = 10
const TEXT_BYTES = PORT_BYTES + MAC_BYTES
const SHA1 = { node: 'sha1', bytes: 20, blockBytes: 64 } as const
/** Room for what is tried, which a flood of forged SYNs needs thousands of times a SYN. */
const plainTried = new Uint8Array(TEXT_BYTES)
const portBytesTried = plainTried.subarray(0, PORT_BYTES)
const portTried = new SealedText(SHA1, portBytesTried)

/** The two keys of a profile. */
export interface KnockknockKeys {
  readonly cipherKey: Uint8Array
  readonly macKey: Uint8Array
}

/**
 * The header fields of a SYN that contain the twelve bytes, in this order. Signed and unsigned values are equal: only
 * the bits count.
 */
export interface SynFields {
  /** The IPv4 identification, 16 bits. */
  readonly identification: number
  /** The TCP sequence number, 32 bits. */
  readonly sequence: number
  /** The TCP acknowledgment number, 32 bits. */
  readonly acknowledgment: number
  /** The TCP window, 16 bits. */
  readonly window: number
}

/**
 * Returns the fields of a SYN that asks for a port. Each counter must be used once, since two texts with the same
 * counter reveal each other.
 */
export function encodeSyn(port: number, keys: KnockknockKeys, counter: number): SynFields {
  const text = xor(plainOf(port, keys.macKey), streamOf(keys.cipherKey, counter))
  const view = new DataView(text.buffer)
  return {
    identification: view.getUint16(0),
    sequence: view.getUint32(2),
    acknowledgment: view.getUint32(6),
    window: view.getUint16(10),
  }
}

/**
 * Decodes a SYN into its port and its counter. The next SYN must have a later counter. Returns `undefined` if the SYN
 * is old or belongs to another profile.
 *
 * @param counter the first counter to try
 * @param window the number of counters to try
 */
export function decodeSyn(
  fields: SynFields,
  keys: KnockknockKeys,
  counter: number,
  window: number,
): { readonly port: number; readonly counter: number } | undefined {
  const [text, macKey] = [textOf(fields), macKeyOf(keys)]
  const last = Math.min(counter + Math.min(window, COUNTER_WINDOW_MAX) - 1, COUNTER_MAX)
  for (let tried = counter; tried <= last; tried++) {
    const port = portIn(text, streamOf(keys.cipherKey, tried), macKey)
    if (port !== undefined) return { port, counter: tried }
  }
  return undefined
}

/** Returns the twelve bytes of a SYN. */
export function textOf({ identification, sequence, acknowledgment, window }: SynFields): Uint8Array<ArrayBuffer> {
  const text = new Uint8Array(TEXT_BYTES)
  const view = new DataView(text.buffer)
  view.setUint16(0, identification)
  view.setUint32(2, sequence)
  view.setUint32(6, acknowledgment)
  view.setUint16(10, window)
  return text
}

/** Returns the port in twelve bytes, decrypted with one counter's bytes, or `undefined` if they are not valid. */
export function portIn(text: Uint8Array, stream: Uint8Array, macKey: HmacKey): number | undefined {
  for (let index = 0; index < TEXT_BYTES; index++) plainTried[index] = text[index]! ^ stream[index]!
  const port = (plainTried[0]! << 8) | plainTried[1]!
  portTried.set(portBytesTried)
  // Nobody can ask for port 0.
  return port !== 0 && macKey.isMacOf(portTried, plainTried, PORT_BYTES) ? port : undefined
}

/** Returns the key of a profile's HMACs, for {@link portIn}. */
export function macKeyOf({ macKey }: KnockknockKeys): HmacKey {
  return new HmacKey(SHA1, macKey)
}

/**
 * Returns the port and the first ten bytes of its HMAC-SHA-1. The HMAC covers neither the counter nor the address nor
 * the time.
 */
export function plainOf(port: number, macKey: Uint8Array): Uint8Array {
  const bytes = Uint8Array.of(port >>> 8, port & 255)
  return concatenate(bytes, createHmac('sha1', macKey).update(bytes).digest().subarray(0, MAC_BYTES))
}

/** Returns the bytes that AES makes of a counter. */
export function streamOf(cipherKey: Uint8Array, counter: number): Uint8Array {
  const block = new Uint8Array(BLOCK_BYTES)
  new DataView(block.buffer).setUint32(COUNTER_AT, counter)
  return createCipheriv(CIPHER, cipherKey, null).setAutoPadding(false).update(block).subarray(0, TEXT_BYTES)
}

/** Combines a text with the bytes of a counter. A second call restores the text. */
export function xor(text: Uint8Array, stream: Uint8Array): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (byte, index) => byte ^ stream[index]!)
}
