import { TokenBucket } from '../limit/token-bucket.ts'

/** The number of faults that are logged at once, and the milliseconds between later ones. */
export const FAULTS_BURST = 5
export const FAULTS_REPORT_MS = 60_000
/** The most characters of a fault that are logged. */
const TEXT_MAX_CHARS = 300

/** The daemon's internal faults, as shown in its status. */
export interface FaultStatus {
  readonly count: number
  readonly last: string
  /** Milliseconds since the last fault. */
  readonly agoMs: number
}

/**
 * Internal faults of the daemon: rejected promises and exceptions that no caller handles. They are logged and counted,
 * and the daemon continues. Only one packet, opening or timer has failed, and the owner still needs the daemon to get
 * in. The guard is in the kernel, and the journal records what closes openings.
 */
export class Faults {
  readonly #say: (text: string) => void
  readonly #now: () => number
  readonly #note = (error: unknown): void => this.note(error)
  #count = 0
  #last = ''
  #lastAt = -Infinity
  readonly #reports = new TokenBucket(1_000 / FAULTS_REPORT_MS, FAULTS_BURST)
  #unsaid = 0

  /** @param now milliseconds of a steady clock */
  constructor(say: (text: string) => void, now: () => number = () => performance.now()) {
    this.#say = say
    this.#now = now
  }

  /** The faults so far, or `undefined` if there were none. */
  get status(): FaultStatus | undefined {
    if (this.#count === 0) return undefined
    return { count: this.#count, last: this.#last, agoMs: Math.round(this.#now() - this.#lastAt) }
  }

  /** Keeps faults from ending this process. */
  catchAll(): void {
    process.on('unhandledRejection', this.#note)
    process.on('uncaughtException', this.#note)
  }

  /** Lets faults end this process again, for the end of the daemon. */
  release(): void {
    process.off('unhandledRejection', this.#note)
    process.off('uncaughtException', this.#note)
  }

  /** Runs something that has no waiting caller, or whose failure must not stop the next step. Never rejects. */
  async attempt(what: () => unknown): Promise<void> {
    try {
      await what()
    } catch (error) {
      this.note(error)
    }
  }

  /** Records a fault. Never throws. */
  note(error: unknown): void {
    const now = this.#now()
    this.#count++
    this.#last = textOf(error)
    this.#lastAt = now
    if (!this.#reports.take(now)) {
      this.#unsaid++
      return
    }
    const more = this.#unsaid === 0 ? '' : ` (and ${this.#unsaid} more since the last report)`
    this.#unsaid = 0
    try {
      this.#say(`internal error, please report it: ${this.#last}${more}`)
    } catch {
      // The log itself failed. The count still shows the fault.
    }
  }
}

/** Returns the message and its origin: `boom (codes.js:12:5)`. */
function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error).slice(0, TEXT_MAX_CHARS)
  const at = /\(?([^\s(/]+:\d+:\d+)\)?$/m.exec(error.stack?.slice(error.message.length) ?? '')?.[1]
  const where = at === undefined ? '' : ` (${at})`
  return `${error.name}: ${error.message}`.slice(0, TEXT_MAX_CHARS) + where
}
