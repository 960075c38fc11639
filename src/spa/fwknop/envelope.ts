import { decodeBase64, encodeBase64 } from '../base64.ts'
import { asciiBytes } from '../bytes.ts'
import { digestChars, isHmac } from './digest.ts'
import { PREFIXES } from './packet.ts'
import type { Envelope, Hmac } from './packet.ts'
import { BLOCK_BYTES, SALTED } from './rijndael.ts'

/** What opening an envelope can come to, short of the plain text. */
export type Mismatch =
  | 'no-room-for-hmac'
  /** A wrong key, or a forged packet. */
  | 'wrong-hmac'
  | 'not-an-envelope'

/** The message in an envelope, its HMAC checked. For Rijndael it begins with `Salted__`; for GnuPG it is as gpg takes it. */
export type OpenedEnvelope = { readonly message: Uint8Array } | { readonly mismatch: Mismatch }

/**
 * The envelopes that one packet's text may be. It is tried with the keys of many stanzas: each HMAC key costs one HMAC,
 * however many stanzas have it, and none where the length does not fit.
 */
export class Envelopes {
  readonly #wire: string
  readonly #opened = new Map<string, OpenedEnvelope>()
  /** By envelope: the text as it was before its prefix was left out, with the HMAC behind it. */
  readonly #bytes = new Map<Envelope, Uint8Array>()
  /** By its length in characters: what stands at the end, if it is an HMAC. `undefined`: it is none. */
  readonly #macs = new Map<number, Uint8Array | undefined>()

  constructor(wire: string) {
    this.#wire = wire
  }

  /** What the packet holds as such an envelope, under this key. */
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
    // No HMAC is worked out for it; with one, it cannot be the right key.
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

/** What one packet's text holds as such an envelope, under one key. */
export function openEnvelope(wire: string, envelope: Envelope, hmac: Hmac | undefined): OpenedEnvelope {
  return new Envelopes(wire).open(envelope, hmac)
}

const prints = new WeakMap<Hmac, string>()

/** The same text for the same key and digest. */
function printOf(hmac: Hmac): string {
  let print = prints.get(hmac)
  if (print === undefined) {
    print = `${hmac.digest} ${encodeBase64(hmac.key)}`
    prints.set(hmac, print)
  }
  return print
}

/** Whether so many characters of base64 can be such a message. */
function fitsLength(chars: number, envelope: Envelope): boolean {
  if (chars % 4 === 1) return false
  return envelope === 'gnupg' || Math.floor((chars * 3) / 4) % BLOCK_BYTES === 0
}

function fits(message: Uint8Array, envelope: Envelope): boolean {
  if (envelope === 'gnupg') return true
  return message.length % BLOCK_BYTES === 0 && SALTED.every((byte, index) => message[index] === byte)
}
