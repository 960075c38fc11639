import type { Clock } from '../secret/clock.ts'

/** Milliseconds between two checks for records to write again, and the most that one check writes. */
export const RESTORE_EVERY_MS = 1_000
export const RESTORED_MAX = 1_000

/** The text of a secret in etcd, up to the last known revision; `undefined`: it has no record. */
export interface There {
  readonly text: string | undefined
  readonly revision: number
  /** The number of uses in the text, if a host of the fleet wrote it. */
  readonly uses: number | undefined
}

/** The text of a record that no host of the fleet wrote, and the value for a record that is gone. */
export const FOREIGN = ''
export const NONE = { text: undefined, uses: undefined }

/** A record that differs in etcd from what this host saw, and since when, in milliseconds of the steady clock. */
interface Astray extends There {
  readonly since: number
}

/** The functions and values that astray records need from their caller. */
export interface AstrayDeps {
  readonly clock: Pick<Clock, 'steady' | 'after'>
  /** Returns a random number from 0 to below the given one. */
  readonly random: (below: number) => number
  /** Returns the milliseconds until a record is due to be written again; `Infinity`: never. */
  readonly waitMsOf: (name: string, there: There) => number
  readonly restore: (name: string) => void
}

/** The records that differ in etcd from what this host saw. They are written again after some time. */
export class AstrayRecords {
  readonly #deps: AstrayDeps
  readonly #all = new Map<string, Astray>()
  #cancel: (() => void) | undefined

  constructor(deps: AstrayDeps) {
    this.#deps = deps
  }

  get(name: string): There | undefined {
    return this.#all.get(name)
  }

  names(): readonly string[] {
    return [...this.#all.keys()]
  }

  set(name: string, { text, revision, uses }: There): void {
    const { clock } = this.#deps
    this.#all.set(name, { text, revision, uses, since: this.#all.get(name)?.since ?? clock.steady() })
    this.#cancel ??= clock.after(RESTORE_EVERY_MS, () => this.#restore())
  }

  delete(name: string): void {
    this.#all.delete(name)
  }

  close(): void {
    this.#cancel?.()
  }

  /** Writes the due records again, in random order: other hosts do so too. */
  #restore(): void {
    const { clock, random, waitMsOf, restore } = this.#deps
    const now = clock.steady()
    this.#cancel = undefined
    const all = [...this.#all]
    const first = random(Math.max(1, all.length))
    let left = RESTORED_MAX
    for (let each = 0; each < all.length && left > 0; each++) {
      const [name, there] = all[(first + each) % all.length]!
      if (now - there.since < waitMsOf(name, there)) continue
      left--
      // If it fails, it is tried again after the same time.
      this.#all.set(name, { ...there, since: now })
      restore(name)
    }
    if (this.#all.size > 0) this.#cancel ??= clock.after(RESTORE_EVERY_MS, () => this.#restore())
  }
}
