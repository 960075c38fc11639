import type { Held } from '../door/held.ts'

/**
 * Whether somebody may still hold what they hold. `unknown`: it cannot be told, as the file that says so could not be read
 * once yet, or the record is an earlier version's; it stays open until its time is over.
 */
export type Verdict = 'may' | 'may not' | 'unknown'

/** Who may hold a door, by the secrets in force. */
export interface HolderJudge {
  /** Judges a holder by what is known now; asks for nothing that takes time. */
  mayHold(held: Held): Verdict
}

/** The marks of those who may hold a door at the moment; counted out once somebody is to be judged. */
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

  /** There are others now. */
  renew(): void {
    this.#marks = undefined
  }
}
