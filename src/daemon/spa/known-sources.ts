import type { Address } from '../../packet/address.ts'
import { formatAddress, parseAddress } from '../../packet/address.ts'
import type { Store } from '../../state/store.ts'
import type { WorkBudget } from './work-budget.ts'

/** Sources that are remembered for each kind of packet, at most; those that were first give way. */
export const KNOWN_SOURCES_MAX = 1_024
/** How many give way at once. */
const FORGOTTEN_AT_ONCE = 64
/** What such keys of the journal begin with. */
const KNOWN_KEY = 'known\n'

/**
 * Sources from which a packet has opened a door, and what opened it: what is tried first when they send the next. The
 * journal has them too, so that a restart in a flood does not make strangers of owners.
 */
export class KnownSources {
  readonly #store: Pick<Store, 'newest' | 'advance' | 'forget' | 'keys'>
  readonly #prefix: string
  readonly #budget: WorkBudget
  #count = 0

  /** @param kind of the packets: another for each kind */
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

  /** What opened last from a source, as {@link opened} was told. `undefined`: nothing did. */
  hint(source: Address): string | undefined {
    return this.#budget.knows(source) ? this.#store.newest(this.#keyOf(source)) : undefined
  }

  /** A packet from a source was good. Nobody waits for this to be durable: without it, the source is a stranger. */
  opened(source: Address, hint: string): void {
    this.#budget.know(source)
    const key = this.#keyOf(source)
    const before = this.#store.newest(key)
    if (before === hint) return
    if (before === undefined) this.#makeRoom()
    this.#store.advance(key, hint, () => true).catch(() => undefined)
  }

  /** Forgets those that came first, some at a time: looking for them takes a while. */
  #makeRoom(): void {
    if (this.#count++ < KNOWN_SOURCES_MAX) return
    const all = [...this.#store.keys(this.#prefix)]
    const old = all.slice(0, Math.max(0, all.length - KNOWN_SOURCES_MAX) + FORGOTTEN_AT_ONCE)
    for (const key of old) this.#store.forget(key).catch(() => undefined)
    this.#count = all.length - old.length + 1
  }

  /** A /64 is one source. */
  #keyOf(source: Address): string {
    return this.#prefix + formatAddress(source.family === 4 ? source : { ...source, c: 0, d: 0 })
  }
}
