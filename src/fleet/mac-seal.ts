import { createHmac, timingSafeEqual } from 'node:crypto'

/** Seals texts by a key of the fleet, each for its place: who writes to etcd can only repeat what a host has sealed. */
export class MacSeal {
  readonly #key: Buffer

  /**
   * @param fleetKey 32 random bytes, which all hosts share
   * @param purpose keeps what is sealed for one purpose from counting for another
   */
  constructor(fleetKey: Uint8Array, purpose: string) {
    this.#key = createHmac('sha256', fleetKey).update(purpose).digest()
  }

  /** Formats a text for its place: the seal, a blank, and the text. */
  seal(place: string, body: string): string {
    return `${this.#mac(place, body).toString('base64url')} ${body}`
  }

  /** Returns the text that was sealed. `undefined`: no host of the fleet sealed it for this place. */
  open(place: string, text: string): string | undefined {
    const blank = text.indexOf(' ')
    if (blank < 0) return undefined
    const body = text.slice(blank + 1)
    const mac = Buffer.from(text.slice(0, blank), 'base64url')
    const expected = this.#mac(place, body)
    return mac.length === expected.length && timingSafeEqual(mac, expected) ? body : undefined
  }

  #mac(place: string, body: string): Buffer {
    return createHmac('sha256', this.#key).update(`${place}\n`).update(body).digest()
  }
}
