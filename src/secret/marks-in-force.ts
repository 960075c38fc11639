import type { Verdict } from './authenticator.ts'

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
