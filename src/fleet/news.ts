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
  /** Everything below the prefix: at the start, and after a gap in the changes. */
  listed(records: readonly Record[]): void
  changed(changes: readonly Change[]): void
}

/** The state of a watch: changes arrive, or the reason why not. */
export type NewsState = 'seeing' | { readonly blind: string }

/** The watch of etcd on which news depend. */
export interface NewsSource {
  watch(prefix: string, listener: NewsListener & { state(state: NewsState): void }): { close(): void }
}

/** The fleet's news: one watch of everything that every host has to know, told to those whose prefix it is. */
export class News {
  readonly #prefix: string
  readonly #listeners = new Map<string, NewsListener>()
  readonly #told: (state: NewsState) => void
  #state: NewsState = { blind: 'etcd has not answered yet' }
  #watch: { close(): void } | undefined

  /** @param told called when news begin or cease to arrive */
  constructor(prefix: string, told: (state: NewsState) => void) {
    this.#prefix = prefix
    this.#told = told
  }

  /** The state of the watch now. */
  get state(): NewsState {
    return this.#state
  }

  /** Tells a listener what is below a prefix. Call it before {@link News.start}. */
  on(prefix: string, listener: NewsListener): void {
    this.#listeners.set(prefix, listener)
  }

  /** Begins to watch, or watches somewhere else. */
  start(source: NewsSource): void {
    this.#watch?.close()
    this.#watch = source.watch(this.#prefix, {
      listed: (records) => {
        for (const [prefix, listener] of this.#listeners) {
          listener.listed(records.filter(({ key }) => key.startsWith(prefix)))
        }
      },
      changed: (changes) => {
        for (const [prefix, listener] of this.#listeners) {
          const own = changes.filter(({ kv }) => kv.key.startsWith(prefix))
          if (own.length > 0) listener.changed(own)
        }
      },
      state: (state) => {
        this.#state = state
        this.#told(state)
      },
    })
  }

  close(): void {
    this.#watch?.close()
  }
}
