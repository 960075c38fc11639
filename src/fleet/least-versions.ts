import { createHmac } from 'node:crypto'
import type { Store } from '../state/store.ts'
import type { DocumentKind } from './keyspace.ts'

/** The versions of documents, as an operator knows them. */
export type Versions = Readonly<Record<DocumentKind, number>>

/** The lowest version of a document that a host takes. */
export interface LeastVersion {
  readonly version: number
  /** Refuses older versions from now on, and after a restart. Never throws: a revocation does not wait for it. */
  raise(version: number): void
}

/** The dependencies of the lowest versions. */
export interface LeastVersionsDeps {
  readonly store: Pick<Store, 'newest' | 'advance'>
  /** The fleet's key: a fleet that is made anew under the same name has another one, and begins with version 1. */
  readonly fleetKey: Uint8Array
  /** The versions in force when this host joined, from its settings. */
  readonly joined: Versions
}

/**
 * The lowest versions of documents that a host takes: those with which it joined, and those that it had since. They are in the
 * journal, so a host that lost its State_Folder takes nothing older from etcd, where anyone may have put it.
 */
export class LeastVersions {
  readonly #deps: LeastVersionsDeps
  readonly #fleet: string

  constructor(deps: LeastVersionsDeps) {
    this.#deps = deps
    this.#fleet = createHmac('sha256', deps.fleetKey).update('postern fleet versions 1').digest('base64url')
  }

  of(kind: DocumentKind): LeastVersion {
    const { store, joined } = this.#deps
    const key = `fleet version\n${this.#fleet}\n${kind}`
    const noted = (): number => Number(store.newest(key) ?? 0)
    return {
      get version() {
        return Math.max(joined[kind], noted())
      },
      raise: (version) => {
        if (version <= noted()) return
        // A journal that fails says so itself.
        store.advance(key, String(version), (present) => version > Number(present ?? 0)).catch(() => undefined)
      },
    }
  }
}
