import { formatSealed, parseSealed } from '../../sealed.ts'
import type { Sealed } from '../../sealed.ts'
import { Fault } from '../fault.ts'

/** Returns the browser's storage for this page; `undefined`: it gives none. */
export function browserStorage(): Storage | undefined {
  try {
    return globalThis.localStorage
  } catch {
    return undefined
  }
}

/** The encrypted profile: in the page itself, or in the browser's storage. */
export class Vault {
  readonly #storage: Storage | undefined
  readonly #key: string
  readonly #embedded: Sealed | undefined

  /** @param embedded the profile that the page was made with */
  constructor(storage: Storage | undefined, key: string, embedded: Sealed | undefined) {
    this.#storage = storage
    this.#key = key
    this.#embedded = embedded
  }

  /** True if the page itself has a profile, which nothing else replaces. */
  get isEmbedded(): boolean {
    return this.#embedded !== undefined
  }

  /** The profile; `undefined`: it is not made yet. The stored one of an embedded profile has this browser's passkeys. */
  get sealed(): Sealed | undefined {
    const stored = parseSealed(this.#storage?.getItem(this.#key) ?? '')
    const embedded = this.#embedded
    if (embedded === undefined || stored === undefined) return embedded ?? stored
    return stored.box.join() === embedded.box.join() ? stored : embedded
  }

  /** Stores a profile. @throws {@link Fault} if the browser does not keep it */
  keep(sealed: Sealed): void {
    try {
      if (this.#storage === undefined) throw new Error('no storage')
      this.#storage.setItem(this.#key, formatSealed(sealed))
    } catch (cause) {
      throw new Fault('This browser keeps nothing.', 'Leave private browsing, or allow the page to store data.', {
        cause,
      })
    }
    // Otherwise a browser that is short of room may drop it. The answer changes nothing.
    void navigator.storage?.persist?.().catch(() => false)
  }

  remove(): void {
    this.#storage?.removeItem(this.#key)
  }

  /** Calls back after another tab has stored, replaced or removed the profile (HTML, 12.2.4). */
  onChange(take: () => void): void {
    addEventListener('storage', ({ storageArea, key }) => {
      if (storageArea === this.#storage && (key === null || key === this.#key)) take()
    })
  }
}
