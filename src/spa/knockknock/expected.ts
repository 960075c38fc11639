import { timingSafeEqual } from 'node:crypto'
import { COUNTER_MAX, plainOf, portIn, streamOf, textOf, xor } from './syn.ts'
import type { KnockknockKeys, SynFields } from './syn.ts'

/** Ports of a profile whose SYNs are known beforehand, at most. */
export const PORTS_EXPECTED_MAX = 16

/** What a SYN asks for, and who sent it. */
export interface Found<Owner> {
  readonly owner: Owner
  readonly port: number
  readonly counter: number
}

/** A SYN that may come, with its twelve bytes. */
interface Expected<Owner> extends Found<Owner> {
  readonly text: Uint8Array
}

/** What is waited for of one profile. */
interface Window<Owner> {
  readonly keys: KnockknockKeys
  /** By counter: the bytes that AES makes of it. */
  readonly streams: Map<number, Uint8Array>
  /** The ports that are expected, each with its plain text. */
  readonly plains: Map<number, Uint8Array>
  expected: Expected<Owner>[]
}

/**
 * The SYNs that some profiles may send next: every counter of their windows, with every port that they are likely to ask
 * for. Such a SYN costs one look-up, however many profiles there are. One that asks for another port has to be searched for.
 */
export class ExpectedSyns<Owner> {
  readonly #windows = new Map<Owner, Window<Owner>>()
  /** By the first four of the twelve bytes, two of which no stranger knows. */
  readonly #texts = new Map<number, Expected<Owner>[]>()

  /**
   * Waits for `count` counters of a profile from `counter` on, and for none before.
   *
   * @param ports likely ones, beside those that are expected already; of all of them, {@link PORTS_EXPECTED_MAX} count
   */
  expect(owner: Owner, keys: KnockknockKeys, counter: number, count: number, ports: Iterable<number>): void {
    let window = this.#windows.get(owner)
    if (window === undefined) {
      window = { keys, streams: new Map(), plains: new Map(), expected: [] }
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

  /** Who sent a SYN, if it is one that was expected. */
  find(syn: SynFields): Found<Owner> | undefined {
    const text = textOf(syn)
    for (const each of this.#texts.get(keyOf(text)) ?? []) if (timingSafeEqual(text, each.text)) return each
    return undefined
  }

  /** The same for whatever port it asks: costs an HMAC for each profile and counter. */
  search(syn: SynFields): Found<Owner> | undefined {
    const text = textOf(syn)
    for (const [owner, { keys, streams }] of this.#windows) {
      for (const [counter, stream] of streams) {
        const port = portIn(text, stream, keys.macKey)
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
