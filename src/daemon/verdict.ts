import type { Held } from '../door/held.ts'

/**
 * The answer to whether a holder may keep an opening. `unknown` means that the file was not yet read, or that an
 * earlier version made the record. The opening then stays until its time is over.
 */
export type Verdict = 'may' | 'may not' | 'unknown'

/** A judge of who may hold a door, by the current secrets. */
export interface HolderJudge {
  /** Judges a holder by what is known now, without waiting. */
  mayHold(held: Held): Verdict
}

/** The marks of the current holders of a door. They are computed when the first holder is judged. */
export class MarksInForce {
  readonly #list: () => Iterable<string>
  #marks: ReadonlySet<string> | undefined

  constructor(list: () => Iterable<string>) {
    this.#list = list
  }

  /** Judges by a mark alone. */
  judge(holder: string): Verdict {
    this.#marks ??= new Set(this.#list())
    return this.#marks.has(holder) ? 'may' : 'may not'
  }

  /** Discards the marks, because the holders have changed. */
  renew(): void {
    this.#marks = undefined
  }
}
