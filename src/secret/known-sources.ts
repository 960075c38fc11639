import type { Address } from '../packet/address.ts'
import { formatAddress, parseAddress } from '../packet/address.ts'
import type { Store } from '../state/store.ts'
import type { WorkBudget } from './work-budget.ts'

/** The most sources that are remembered for each kind of packet. The oldest are forgotten first. */
export const KNOWN_SOURCES_MAX = 1_024
/** The number of sources that are forgotten at once. */
const FORGOTTEN_AT_ONCE = 64
/** The prefix of the journal's keys for sources. */
const KNOWN_KEY = 'known\n'

/**
 * The sources from which a packet has opened a door, with a hint at what to try first next time. They are in the
 * journal, so that owners stay known after a restart during a flood.
 */
export class KnownSources {
  readonly #store: Pick<Store, 'newest' | 'advance' | 'forget' | 'keys'>
  readonly #prefix: string
  readonly #budget: WorkBudget
  #count = 0

  /** @param kind the kind of packets, unique for each kind */
  constructor(kind: string, store: Pick<Store, 'newest' | 'advance' | 'forget' | 'keys'>, budget: WorkBudget) {
    this.#store = store
    this.#prefix = `${KNOWN_KEY}${kind}\n`
    this.#budget = budget
    for (const key of store.keys(this.#prefix)) {
      const source = parseAddress(key.slice(this.#prefix.length))
      this.#count++
      if (source !== undefined) budget.know(source)
    }
  }

  /** Returns the last hint that {@link opened} recorded for a source, or `undefined`. */
  hint(source: Address): string | undefined {
    return this.#budget.knows(source) ? this.#store.newest(this.#keyOf(source)) : undefined
  }

  /** Records a valid packet from a source. If this does not become durable, the source is unknown after a restart. */
  opened(source: Address, hint: string): void {
    this.#budget.know(source)
    const key = this.#keyOf(source)
    const before = this.#store.newest(key)
    if (before === hint) return
    if (before === undefined) this.#makeRoom()
    this.#store.advance(key, hint, () => true).catch(() => undefined)
  }

  /** Forgets the oldest sources, several at a time, because the search for them is slow. */
  #makeRoom(): void {
    if (this.#count++ < KNOWN_SOURCES_MAX) return
    const all = [...this.#store.keys(this.#prefix)]
    const old = all.slice(0, Math.max(0, all.length - KNOWN_SOURCES_MAX) + FORGOTTEN_AT_ONCE)
    for (const key of old) this.#store.forget(key).catch(() => undefined)
    this.#count = all.length - old.length + 1
  }

  /** Returns the journal's key for a source. An IPv6 /64 is one source. */
  #keyOf(source: Address): string {
    return this.#prefix + formatAddress(source.family === 4 ? source : { ...source, c: 0, d: 0 })
  }
}
