import type { NewsScope } from './keyspace.ts'

/** A key of etcd with its value. */
export interface Record {
  readonly key: string
  readonly value: string
  /** The revision of the last change, a decimal number. It only rises. */
  readonly modRevision: string
}

/** A change of a record. A deleted one has no value. */
export interface Change {
  readonly type: 'put' | 'delete'
  readonly kv: Record
}

/** Somebody who wants to know what is below a prefix. No method throws. */
export interface NewsListener {
  /** Everything below the prefix, at a revision: at the start, and after a gap in the changes. */
  listed(records: readonly Record[], revision: string): void
  changed(changes: readonly Change[]): void
}

/** The state of a watch: changes arrive, or the reason why not. */
export type NewsState = 'seeing' | { readonly blind: string }

/** The client of etcd on whose watches news depend. */
export interface NewsSource {
  watch(
    prefix: string,
    listener: NewsListener & { state(state: NewsState): void },
    only?: readonly string[],
  ): { close(): void }
}

const NOT_YET: NewsState = { blind: 'etcd has not answered yet' }

/** A listener, and the keys that it is told of. */
interface Told {
  /** A key, or a prefix that ends with a slash. */
  readonly place: string
  readonly listener: NewsListener
}

/** The fleet's news: watches of everything that every host has to know, told to those whose keys they are. */
export class News {
  readonly #scopes: readonly NewsScope[]
  readonly #listeners: Told[] = []
  readonly #told: (state: NewsState) => void
  /** The state of each watch, by its prefix. */
  readonly #states = new Map<string, NewsState>()
  /** The watches, by their prefixes. */
  readonly #watches = new Map<string, { close(): void }>()

  /** @param told called when news begin or cease to arrive */
  constructor(scopes: readonly NewsScope[], told: (state: NewsState) => void) {
    this.#scopes = scopes
    this.#told = told
    for (const { prefix } of scopes) this.#states.set(prefix, NOT_YET)
  }

  /** `seeing` if all watches are; otherwise the reason of the first that is not. */
  get state(): NewsState {
    return [...this.#states.values()].find((state) => state !== 'seeing') ?? 'seeing'
  }

  /**
   * Tells a listener of a key, or of what is below a prefix that ends with a slash. Of those that a watch tells, the one that
   * was named first hears first. Call it before {@link News.start}.
   */
  on(place: string, listener: NewsListener): void {
    this.#listeners.push({ place, listener })
  }

  /** Begins to watch, or has what is below one prefix listed again: after a list of claims, claims wait. */
  start(source: NewsSource, only?: string): void {
    for (const scope of this.#scopes) {
      if (only !== undefined && scope.prefix !== only) continue
      this.#watches.get(scope.prefix)?.close()
      this.#watches.set(scope.prefix, this.#watch(source, scope))
    }
  }

  close(): void {
    for (const watch of this.#watches.values()) watch.close()
  }

  #watch(source: NewsSource, { prefix, only }: NewsScope): { close(): void } {
    const own = this.#listeners.filter(({ place }) => place.startsWith(prefix))
    return source.watch(
      prefix,
      {
        listed: (records, revision) => {
          for (const { place, listener } of own) {
            listener.listed(
              records.filter(({ key }) => isAt(place, key)),
              revision,
            )
          }
        },
        changed: (changes) => {
          for (const { place, listener } of own) {
            const some = changes.filter(({ kv }) => isAt(place, kv.key))
            if (some.length > 0) listener.changed(some)
          }
        },
        state: (state) => {
          const before = this.state
          this.#states.set(prefix, state)
          const now = this.state
          if (now !== before) this.#told(now)
        },
      },
      only,
    )
  }
}

function isAt(place: string, key: string): boolean {
  return place.endsWith('/') ? key.startsWith(place) : key === place
}
