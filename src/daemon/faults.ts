/** Faults that are said in the log at once, and milliseconds between two more of them. */
export const FAULTS_BURST = 5
export const FAULTS_REPORT_MS = 60_000
/** Most characters of a fault that are told. */
const TEXT_MAX_CHARS = 300

/** What the daemon met of its own faults, as others are told of it. */
export interface FaultStatus {
  readonly count: number
  readonly last: string
  /** Milliseconds since the last one. */
  readonly agoMs: number
}

/**
 * Faults of the daemon's own: promises that were rejected and exceptions that were thrown where nobody waits for them. They
 * are said and counted, and the daemon goes on: it is what lets its owner in, and what failed was one packet, one opening or
 * one timer. The guard is the kernel's, and what closes openings is in the journal.
 */
export class Faults {
  readonly #say: (text: string) => void
  readonly #now: () => number
  readonly #note = (error: unknown): void => this.note(error)
  #count = 0
  #last = ''
  #lastAt = -Infinity
  #tokens = FAULTS_BURST
  #filled = 0
  #unsaid = 0

  /** @param now milliseconds of a steady clock */
  constructor(say: (text: string) => void, now: () => number = () => performance.now()) {
    this.#say = say
    this.#now = now
  }

  /** `undefined`: there were none. */
  get status(): FaultStatus | undefined {
    if (this.#count === 0) return undefined
    return { count: this.#count, last: this.#last, agoMs: Math.round(this.#now() - this.#lastAt) }
  }

  /** From now on no fault ends this process. */
  catchAll(): void {
    process.on('unhandledRejection', this.#note)
    process.on('uncaughtException', this.#note)
  }

  /** From now on they do again: when the daemon ends. */
  release(): void {
    process.off('unhandledRejection', this.#note)
    process.off('uncaughtException', this.#note)
  }

  /** Does something that nobody waits for, or that must not keep what comes after it from being done. Never rejects. */
  async attempt(what: () => unknown): Promise<void> {
    try {
      await what()
    } catch (error) {
      this.note(error)
    }
  }

  /** Notes a fault. Never throws. */
  note(error: unknown): void {
    const now = this.#now()
    this.#count++
    this.#last = textOf(error)
    this.#lastAt = now
    this.#tokens = Math.min(FAULTS_BURST, this.#tokens + (now - this.#filled) / FAULTS_REPORT_MS)
    this.#filled = now
    if (this.#tokens < 1) {
      this.#unsaid++
      return
    }
    this.#tokens--
    const more = this.#unsaid === 0 ? '' : ` (and ${this.#unsaid} more since the last one said)`
    this.#unsaid = 0
    try {
      this.#say(`a fault of knockd itself, please report it: ${this.#last}${more}`)
    } catch {
      // The log is at fault: the count tells.
    }
  }
}

/** The message and where it came from: `boom (codes.js:12:5)`. */
function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error).slice(0, TEXT_MAX_CHARS)
  const at = /\(?([^\s(/]+:\d+:\d+)\)?$/m.exec(error.stack?.slice(error.message.length) ?? '')?.[1]
  const where = at === undefined ? '' : ` (${at})`
  return `${error.name}: ${error.message}`.slice(0, TEXT_MAX_CHARS) + where
}
