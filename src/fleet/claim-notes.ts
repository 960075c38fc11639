import type { Clock } from '../secret/clock.ts'
import type { Store } from '../state/store.ts'

/** The most records that are noted in the journal. */
export const NOTES_MAX = 16_384
/** Milliseconds between two batches of notes, and the most notes of a batch. */
export const NOTE_EVERY_MS = 1_000
export const NOTES_BATCH_MAX = 1_000
/** The prefix of the journal's keys. */
const NOTE_KEY = 'fleet\n'

/** The functions and values that notes need from their caller. */
export interface ClaimNotesDeps {
  readonly store: Pick<Store, 'newest' | 'keys' | 'advance' | 'forget'>
  readonly clock: Pick<Clock, 'after'>
  /** Returns the newest text of a record; `undefined`: it may be forgotten. */
  readonly textOf: (name: string) => string | undefined
}

/** The records of used secrets that a host has in its journal, for the time after a restart. */
export class ClaimNotes {
  readonly #deps: ClaimNotesDeps
  /** The names of the records in the journal, in the order in which they were noted. */
  readonly #noted = new Set<string>()
  /** The names whose notes are to be written or removed. */
  readonly #due = new Set<string>()
  #cancel: (() => void) | undefined

  constructor(deps: ClaimNotesDeps) {
    this.#deps = deps
  }

  /** Yields the name and the text of each note. Call it once, at first. */
  *load(): Generator<readonly [string, string]> {
    const { store } = this.#deps
    for (const key of store.keys(NOTE_KEY)) {
      const name = key.slice(NOTE_KEY.length)
      this.#noted.add(name)
      yield [name, store.newest(key) ?? '']
    }
  }

  /** Notes a record within {@link NOTE_EVERY_MS}, or removes its note. */
  soon(name: string): void {
    // What is too much for the journal is remembered until the next start.
    if (this.#due.size >= NOTES_MAX) return
    this.#due.add(name)
    this.#cancel ??= this.#deps.clock.after(NOTE_EVERY_MS, () => this.#write())
  }

  /** Notes a record before it resolves. Never rejects: a journal that fails says so itself. */
  async now(name: string): Promise<void> {
    this.#due.delete(name)
    await this.#note(name)
    this.#limit()
  }

  forget(name: string): void {
    if (this.#noted.has(name)) this.soon(name)
  }

  /** Writes what is due. */
  close(): void {
    while (this.#due.size > 0) this.#write()
    this.#cancel?.()
  }

  #write(): void {
    this.#cancel = undefined
    let left = NOTES_BATCH_MAX
    for (const name of this.#due) {
      if (left-- === 0) break
      this.#due.delete(name)
      void this.#note(name)
    }
    this.#limit()
    if (this.#due.size > 0) this.#cancel = this.#deps.clock.after(NOTE_EVERY_MS, () => this.#write())
  }

  async #note(name: string): Promise<void> {
    const text = this.#deps.textOf(name)
    if (text === undefined) {
      this.#remove(name)
      return
    }
    this.#noted.delete(name)
    this.#noted.add(name)
    await this.#deps.store.advance(`${NOTE_KEY}${name}`, text, () => true).catch(() => undefined)
  }

  #limit(): void {
    for (const oldest of this.#noted) {
      if (this.#noted.size <= NOTES_MAX) break
      this.#remove(oldest)
    }
  }

  #remove(name: string): void {
    this.#noted.delete(name)
    this.#deps.store.forget(`${NOTE_KEY}${name}`).catch(() => undefined)
  }
}
