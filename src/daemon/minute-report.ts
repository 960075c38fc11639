/** Milliseconds between two reports. */
export const REPORT_MS = 60_000

/** Counts what may happen often. The first time is reported at once, and what follows within a minute together. */
export class MinuteReport {
  readonly #tell: (count: number, last: string) => void
  #count = 0
  #last = ''
  #timer: NodeJS.Timeout | undefined

  /** @param tell called with the number since the last report, and what was last */
  constructor(tell: (count: number, last: string) => void) {
    this.#tell = tell
  }

  add(what = ''): void {
    this.#count++
    this.#last = what
    if (this.#timer === undefined) this.#report()
  }

  /** Reports what was not reported yet. */
  close(): void {
    clearTimeout(this.#timer)
    if (this.#count > 0) this.#tell(this.#count, this.#last)
    this.#count = 0
  }

  #report(): void {
    this.#timer = undefined
    if (this.#count === 0) return
    this.close()
    this.#timer = setTimeout(() => this.#report(), REPORT_MS)
    this.#timer.unref()
  }
}
