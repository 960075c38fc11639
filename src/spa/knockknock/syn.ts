import { createCipheriv, createHmac, timingSafeEqual } from 'node:crypto'
import { concatenate } from '../bytes.ts'

/** Bytes of each of the two keys. */
export const KNOCKKNOCK_KEY_BYTES = 16
/** Largest counter: it is four bytes of a block. */
export const COUNTER_MAX = 2 ** 32 - 1
/** How many counters the original's server tries. */
export const COUNTER_WINDOW_DEFAULT = 20
/** Most counters that are tried: each makes a forgery likelier, and costs a block of AES. */
export const COUNTER_WINDOW_MAX = 1_000

const CIPHER = 'aes-128-ecb'
const BLOCK_BYTES = 16
const COUNTER_AT = BLOCK_BYTES - 4
const PORT_BYTES = 2
const MAC_BYTES = 10
const TEXT_BYTES = PORT_BYTES + MAC_BYTES

/** The two keys of a profile. */
export interface KnockknockKeys {
  readonly cipherKey: Uint8Array
  readonly macKey: Uint8Array
}

/** The header fields of a SYN that hold the twelve bytes, in this order. Signed or not: only the bits count. */
export interface SynFields {
  /** IPv4 identification, 16 bits. */
  readonly identification: number
  /** TCP sequence number, 32 bits. */
  readonly sequence: number
  /** TCP acknowledgment number, 32 bits. */
  readonly acknowledgment: number
  /** TCP window, 16 bits. */
  readonly window: number
}

/** The fields of the SYN that asks for a port. Each counter is used once: two texts under one give both away. */
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
 * What a SYN asks for, and which counter fitted: the next to be tried is the one after it. `counter` is the first to be
 * tried, `window` how many are. `undefined`: it is none of this profile's, or an old one.
 */
export function decodeSyn(
  fields: SynFields,
  keys: KnockknockKeys,
  counter: number,
  window: number,
): { readonly port: number; readonly counter: number } | undefined {
  const text = textOf(fields)
  const last = Math.min(counter + Math.min(window, COUNTER_WINDOW_MAX) - 1, COUNTER_MAX)
  for (let tried = counter; tried <= last; tried++) {
    const port = portIn(text, streamOf(keys.cipherKey, tried), keys.macKey)
    if (port !== undefined) return { port, counter: tried }
  }
  return undefined
}

/** The twelve bytes of a SYN. */
export function textOf({ identification, sequence, acknowledgment, window }: SynFields): Uint8Array<ArrayBuffer> {
  const text = new Uint8Array(TEXT_BYTES)
  const view = new DataView(text.buffer)
  view.setUint16(0, identification)
  view.setUint32(2, sequence)
  view.setUint32(6, acknowledgment)
  view.setUint16(10, window)
  return text
}

/** The port that twelve bytes ask for under the bytes of one counter. `undefined`: they do not. */
export function portIn(text: Uint8Array, stream: Uint8Array, macKey: Uint8Array): number | undefined {
  const plain = xor(text, stream)
  const port = (plain[0]! << 8) | plain[1]!
  // There is not a port 0, and nobody asks for it.
  return port !== 0 && timingSafeEqual(plain, plainOf(port, macKey)) ? port : undefined
}

/** The port, and the first ten bytes of its HMAC-SHA-1: neither counter nor address nor time is under it. */
export function plainOf(port: number, macKey: Uint8Array): Uint8Array {
  const bytes = Uint8Array.of(port >>> 8, port & 255)
  return concatenate(bytes, createHmac('sha1', macKey).update(bytes).digest().subarray(0, MAC_BYTES))
}

/** The bytes that AES makes of a counter. */
export function streamOf(cipherKey: Uint8Array, counter: number): Uint8Array {
  const block = new Uint8Array(BLOCK_BYTES)
  new DataView(block.buffer).setUint32(COUNTER_AT, counter)
  return createCipheriv(CIPHER, cipherKey, null).setAutoPadding(false).update(block).subarray(0, TEXT_BYTES)
}

/** A text under the bytes of a counter; twice is the text itself. */
export function xor(text: Uint8Array, stream: Uint8Array): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (byte, index) => byte ^ stream[index]!)
}
