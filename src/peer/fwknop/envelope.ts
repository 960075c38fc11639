import { decodeBase64, encodeBase64 } from '../../spa/base64.ts'
import { asciiBytes } from '../../spa/bytes.ts'
import { HmacKey, SealedText } from '../../spa/hmac.ts'
import { DIGESTS, digestChars } from './digest.ts'
import type { DigestName } from './digest.ts'
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
  readonly #forms = new Map<Envelope, Form>()

  constructor(wire: string) {
    this.#wire = wire
  }

  /** Opens the packet as such an envelope with this key. */
  open(envelope: Envelope, hmac: Hmac | undefined): OpenedEnvelope {
    let form = this.#forms.get(envelope)
    if (form === undefined) {
      form = new Form(this.#wire, envelope)
      this.#forms.set(envelope, form)
    }
    return form.open(hmac)
  }
}

/** The parts of a packet's text if its HMAC has a certain digest. */
interface Parts {
  /** The characters before the HMAC. */
  readonly end: number
  /** The text with its prefix; `undefined`: the length or the end of the text fits no HMAC. */
  readonly sealed: SealedText | undefined
  readonly mac: Uint8Array
}

/** One packet's text as one kind of envelope. */
class Form {
  readonly #wire: string
  readonly #envelope: Envelope
  /** The results by the key's print. */
  readonly #opened = new Map<string, OpenedEnvelope>()
  readonly #parts = new Map<DigestName, Parts>()

  constructor(wire: string, envelope: Envelope) {
    this.#wire = wire
    this.#envelope = envelope
  }

  open(hmac: Hmac | undefined): OpenedEnvelope {
    const key = hmac === undefined ? undefined : preparedOf(hmac)
    const print = key?.print ?? ''
    let opened = this.#opened.get(print)
    if (opened === undefined) {
      opened = key === undefined ? this.#message(this.#wire.length) : this.#check(key)
      this.#opened.set(print, opened)
    }
    return opened
  }

  #check({ digest, key }: Prepared): OpenedEnvelope {
    let parts = this.#parts.get(digest)
    if (parts === undefined) {
      parts = this.#partsOf(digest)
      this.#parts.set(digest, parts)
    }
    const { end, sealed, mac } = parts
    if (end <= 0) return NO_ROOM
    return sealed !== undefined && key.isMacOf(sealed, mac) ? this.#message(end) : WRONG_HMAC
  }

  #partsOf(digest: DigestName): Parts {
    const end = this.#wire.length - digestChars(digest)
    // A wrong length skips the HMAC.
    const isFitting = end > 0 && fitsLength(PREFIXES[this.#envelope].length + end, this.#envelope)
    const mac = isFitting ? decodeBase64(this.#wire.slice(end)) : undefined
    const sealed = mac === undefined ? undefined : new SealedText(DIGESTS[digest], asciiBytes(this.#text(end)))
    return { end, sealed, mac: mac ?? new Uint8Array() }
  }

  #message(end: number): OpenedEnvelope {
    const text = this.#text(end)
    const message = fitsLength(text.length, this.#envelope) ? decodeBase64(text) : undefined
    return message !== undefined && fits(message, this.#envelope) ? { message } : { mismatch: 'not-an-envelope' }
  }

  #text(end: number): string {
    return PREFIXES[this.#envelope] + this.#wire.slice(0, end)
  }
}

const NO_ROOM: OpenedEnvelope = { mismatch: 'no-room-for-hmac' }
const WRONG_HMAC: OpenedEnvelope = { mismatch: 'wrong-hmac' }

/** Opens one packet's text as such an envelope with one key. */
export function openEnvelope(wire: string, envelope: Envelope, hmac: Hmac | undefined): OpenedEnvelope {
  return new Envelopes(wire).open(envelope, hmac)
}

/** A key ready for use, with a text that identifies it and its digest. */
interface Prepared {
  readonly print: string
  readonly digest: DigestName
  readonly key: HmacKey
}

const prepared = new WeakMap<Hmac, Prepared>()

function preparedOf(hmac: Hmac): Prepared {
  let there = prepared.get(hmac)
  if (there === undefined) {
    const { digest, key } = hmac
    there = { print: `${digest} ${encodeBase64(key)}`, digest, key: new HmacKey(DIGESTS[digest], key) }
    prepared.set(hmac, there)
  }
  return there
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
