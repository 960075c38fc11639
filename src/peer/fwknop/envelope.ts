import { decodeBase64, encodeBase64 } from '../../spa/base64.ts'
import { asciiBytes } from '../../spa/bytes.ts'
import { digestChars, isHmac } from './digest.ts'
import { PREFIXES } from './packet.ts'
import type { Envelope, Hmac } from './packet.ts'
import { BLOCK_BYTES, SALTED } from './rijndael.ts'

/** The reasons why an envelope cannot be opened. */
export type Mismatch =
  | 'no-room-for-hmac'
  /** The key is wrong, or the packet is forged. */
  | 'wrong-hmac'
  | 'not-an-envelope'

/**
 * The message of an envelope whose HMAC is valid. For Rijndael it begins with `Salted__`; for GnuPG it is gpg's input.
 */
export type OpenedEnvelope = { readonly message: Uint8Array } | { readonly mismatch: Mismatch }

/**
 * The possible envelopes of one packet, which is tried with the keys of many stanzas. Each HMAC key costs one HMAC,
 * even if many stanzas share it. A wrong length costs none.
 */
export class Envelopes {
  readonly #wire: string
  readonly #opened = new Map<string, OpenedEnvelope>()
  /** For each envelope, the text with its prefix and the HMAC after it. */
  readonly #bytes = new Map<Envelope, Uint8Array>()
  /**
   * By length in characters, the bytes at the end of the text that may be an HMAC. `undefined` means that they are not
   * base64.
   */
  readonly #macs = new Map<number, Uint8Array | undefined>()

  constructor(wire: string) {
    this.#wire = wire
  }

  /** Opens the packet as such an envelope with this key. */
  open(envelope: Envelope, hmac: Hmac | undefined): OpenedEnvelope {
    const name = `${envelope} ${hmac === undefined ? '' : printOf(hmac)}`
    const before = this.#opened.get(name)
    if (before !== undefined) return before
    const opened = this.#open(envelope, hmac)
    this.#opened.set(name, opened)
    return opened
  }

  #open(envelope: Envelope, hmac: Hmac | undefined): OpenedEnvelope {
    const macChars = hmac === undefined ? 0 : digestChars(hmac.digest)
    const end = this.#wire.length - macChars
    if (end <= 0) return { mismatch: 'no-room-for-hmac' }
    const chars = PREFIXES[envelope].length + end
    // A wrong length skips the HMAC. With an HMAC, the key cannot be right.
    if (!fitsLength(chars, envelope)) return { mismatch: hmac === undefined ? 'not-an-envelope' : 'wrong-hmac' }
    if (hmac !== undefined) {
      const mac = this.#mac(macChars)
      const text = this.#text(envelope).subarray(0, chars)
      if (mac === undefined || !isHmac(hmac.digest, hmac.key, text, mac)) return { mismatch: 'wrong-hmac' }
    }
    const message = decodeBase64(PREFIXES[envelope] + this.#wire.slice(0, end))
    if (message === undefined || !fits(message, envelope)) return { mismatch: 'not-an-envelope' }
    return { message }
  }

  #text(envelope: Envelope): Uint8Array {
    let bytes = this.#bytes.get(envelope)
    if (bytes === undefined) {
      bytes = asciiBytes(PREFIXES[envelope] + this.#wire)
      this.#bytes.set(envelope, bytes)
    }
    return bytes
  }

  #mac(chars: number): Uint8Array | undefined {
    if (!this.#macs.has(chars)) this.#macs.set(chars, decodeBase64(this.#wire.slice(this.#wire.length - chars)))
    return this.#macs.get(chars)
  }
}

/** Opens one packet's text as such an envelope with one key. */
export function openEnvelope(wire: string, envelope: Envelope, hmac: Hmac | undefined): OpenedEnvelope {
  return new Envelopes(wire).open(envelope, hmac)
}

const prints = new WeakMap<Hmac, string>()

/** Returns a text that identifies a key and its digest. */
function printOf(hmac: Hmac): string {
  let print = prints.get(hmac)
  if (print === undefined) {
    print = `${hmac.digest} ${encodeBase64(hmac.key)}`
    prints.set(hmac, print)
  }
  return print
}

/** Returns true if this number of base64 characters can be such a message. */
function fitsLength(chars: number, envelope: Envelope): boolean {
  if (chars % 4 === 1) return false
  return envelope === 'gnupg' || Math.floor((chars * 3) / 4) % BLOCK_BYTES === 0
}

function fits(message: Uint8Array, envelope: Envelope): boolean {
  if (envelope === 'gnupg') return true
  return message.length % BLOCK_BYTES === 0 && SALTED.every((byte, index) => message[index] === byte)
}
