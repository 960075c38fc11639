/** Milliseconds to wait for an expected line before giving up: long, for it only ends what hangs. */
export const LINE_LIMIT_MS = 60_000

/** Lines that come one after the other from something in the lab: a process, a service, a connection. */
export class Lines {
  /** All lines so far, in the order they came. */
  readonly lines: string[] = []
  readonly #what: string
  /** Index of the first line that no `line()` has looked past. */
  #unread = 0
  #watchers = new Set<() => void>()
  readonly #listeners: ((line: string) => void)[] = []
  #end: string | undefined

  /** @param what they come from, for messages */
  constructor(what: string) {
    this.#what = what
  }

  /**
   * The first line that matches and that no earlier call has looked past, so that two calls with one pattern wait for
   * two lines. Throws with everything printed so far when the limit passes or the lines end first.
   */
  async line(pattern: RegExp, limitMs = LINE_LIMIT_MS): Promise<string> {
    return new Promise((resolve, reject) => {
      const look = (): boolean => {
        for (let index = this.#unread; index < this.lines.length; index++) {
          if (!pattern.test(this.lines[index]!)) continue
          this.#unread = index + 1
          settle(() => resolve(this.lines[index]!))
          return true
        }
        if (this.#end === undefined) return false
        settle(() => reject(this.#complaint(`ended before a line like ${pattern}`)))
        return true
      }
      const timer = setTimeout(
        () => settle(() => reject(this.#complaint(`no line like ${pattern} within ${limitMs} ms`))),
        limitMs,
      )
      const settle = (how: () => void): void => {
        clearTimeout(timer)
        this.#watchers.delete(look)
        how()
      }
      if (!look()) this.#watchers.add(look)
    })
  }

  /** Forgets the lines so far: a test that shares a process with others sees those that come from now on. */
  forget(): void {
    this.lines.length = 0
    this.#unread = 0
  }

  /** Counts the lines so far that match. */
  count(pattern: RegExp): number {
    return this.lines.filter((line) => pattern.test(line)).length
  }

  /** Calls back for each line, those so far included. */
  each(call: (line: string) => void): void {
    for (const line of this.lines) call(line)
    this.#listeners.push(call)
  }

  /** Takes lines in. */
  add(...lines: readonly string[]): void {
    this.lines.push(...lines)
    for (const call of this.#listeners) for (const line of lines) call(line)
    for (const look of this.#watchers) look()
  }

  /** Says that no line will follow, and why: `exit code 1`. */
  end(why: string): void {
    this.#end = why
    for (const look of this.#watchers) look()
  }

  #complaint(what: string): Error {
    const end = this.#end === undefined ? 'still running' : `ended: ${this.#end}`
    return new Error(`${this.#what}: ${what} (${end}); it printed:\n${this.lines.join('\n')}`)
  }
}
