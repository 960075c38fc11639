import { timingSafeEqual } from 'node:crypto'
import type { HmacKey } from '../../spa/hmac.ts'
import { COUNTER_MAX, macKeyOf, plainOf, portIn, streamOf, textOf, xor } from './syn.ts'
import type { KnockknockKeys, SynFields } from './syn.ts'

/** The maximum number of ports of a profile whose SYNs are computed in advance. */
export const PORTS_EXPECTED_MAX = 16

/** The sender of a SYN, and the port that it asks for. */
export interface Found<Owner> {
  readonly owner: Owner
  readonly port: number
  readonly counter: number
}

/** An expected SYN, with its twelve bytes. */
interface Expected<Owner> extends Found<Owner> {
  readonly text: Uint8Array
}

/** The expected counters and ports of one profile. */
interface Window<Owner> {
  readonly macKey: HmacKey
  /** The bytes that AES makes of each counter. */
  readonly streams: Map<number, Uint8Array>
  /** The plain text of each expected port. */
  readonly plains: Map<number, Uint8Array>
  expected: Expected<Owner>[]
}

/**
 * The SYNs that the profiles may send next: each counter of their windows with each likely port. Such a SYN costs one
 * look-up, however many profiles there are. A SYN that asks for another port needs a search.
 */
export class ExpectedSyns<Owner> {
  readonly #windows = new Map<Owner, Window<Owner>>()
  /** The expected SYNs by the first four of their twelve bytes. An attacker does not know two of these. */
  readonly #texts = new Map<number, Expected<Owner>[]>()

  /**
   * Expects `count` counters of a profile from `counter` on, and no earlier ones.
   *
   * @param ports likely ports besides those already expected; at most {@link PORTS_EXPECTED_MAX} count in all
   */
  expect(owner: Owner, keys: KnockknockKeys, counter: number, count: number, ports: Iterable<number>): void {
    let window = this.#windows.get(owner)
    if (window === undefined) {
      window = { macKey: macKeyOf(keys), streams: new Map(), plains: new Map(), expected: [] }
      this.#windows.set(owner, window)
    }
    for (const each of window.expected) if (each.counter < counter) this.#remove(each)
    window.expected = window.expected.filter((each) => each.counter >= counter)
    for (const each of window.streams.keys()) if (each < counter) window.streams.delete(each)
    const newPorts = new Set<number>()
    for (const port of ports) {
      if (window.plains.has(port) || window.plains.size >= PORTS_EXPECTED_MAX) continue
      window.plains.set(port, plainOf(port, keys.macKey))
      newPorts.add(port)
    }
    for (let each = counter; each < counter + count && each <= COUNTER_MAX; each++) {
      const known = window.streams.get(each)
      const stream = known ?? streamOf(keys.cipherKey, each)
      if (known === undefined) window.streams.set(each, stream)
      for (const [port, plain] of window.plains) {
        if (known === undefined || newPorts.has(port))
          this.#add(window, { owner, port, counter: each, text: xor(plain, stream) })
      }
    }
  }

  /** Returns the sender of an expected SYN. */
  find(syn: SynFields): Found<Owner> | undefined {
    const text = textOf(syn)
    for (const each of this.#texts.get(keyOf(text)) ?? []) if (timingSafeEqual(text, each.text)) return each
    return undefined
  }

  /** Returns the sender of a SYN for any port. It costs an HMAC for each profile and counter. */
  search(syn: SynFields): Found<Owner> | undefined {
    const text = textOf(syn)
    for (const [owner, { macKey, streams }] of this.#windows) {
      for (const [counter, stream] of streams) {
        const port = portIn(text, stream, macKey)
        if (port !== undefined) return { owner, port, counter }
      }
    }
    return undefined
  }

  #add(window: Window<Owner>, expected: Expected<Owner>): void {
    window.expected.push(expected)
    const key = keyOf(expected.text)
    const there = this.#texts.get(key)
    if (there === undefined) this.#texts.set(key, [expected])
    else there.push(expected)
  }

  #remove(expected: Expected<Owner>): void {
    const key = keyOf(expected.text)
    const left = this.#texts.get(key)?.filter((each) => each !== expected) ?? []
    if (left.length === 0) this.#texts.delete(key)
    else this.#texts.set(key, left)
  }
}

function keyOf(text: Uint8Array): number {
  return (text[0]! << 24) | (text[1]! << 16) | (text[2]! << 8) | text[3]!
}
