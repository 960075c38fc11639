import { TokenBucket } from '../limit/token-bucket.ts'
import type { Entry } from './line.ts'

/** The most bytes that wait to be written. Further lines are counted and dropped. */
export const LOG_QUEUE_MAX_BYTES = 1_048_576
/** Additional bytes for lines that must not be lost, such as the opening of a door. */
export const LOG_QUEUE_RESERVE_BYTES = 262_144

/** Writes after a quiet time for which no line waits. */
export const WRITES_BURST = 20
/** Writes a second after that. In a flood, a write costs more than its lines, so more lines share one. */
export const WRITES_PER_S = 5
const WRITE_INTERVAL_MS = 1_000 / WRITES_PER_S

/** A formatted line. */
export interface Line {
  readonly text: string
  /** The priority for syslog(3). */
  readonly priority: number
  readonly urgent: boolean
  /** The entry of the line, for a log that keeps its fields. */
  readonly entry?: Entry
}

/** The destination of lines, which also hears about lost lines. */
export interface LineSink {
  /** Writes the lines in this order. If it rejects, the lines count as lost. */
  write(lines: readonly Line[]): Promise<void>
  failed(error: Error): void
  /** Called after a successful write with the number of lines that were lost before it. */
  lost(lines: number): void
}

/**
 * A queue of lines for a slow destination. While one write is in progress, further lines collect for the next. Lines also
 * collect if there were many writes, but no urgent line waits for that.
 */
export class LineQueue {
  readonly #sink: LineSink
  #lines: Line[] = []
  #bytes = 0
  #lost = 0
  #pump: Promise<void> | undefined
  readonly #writes = new TokenBucket(WRITES_PER_S, WRITES_BURST)
  /** Ends the pause before the next write; `undefined`: there is no pause. */
  #hurry: (() => void) | undefined
  /** The callers that wait until the queue is empty. */
  #waiting = 0

  constructor(sink: LineSink) {
    this.#sink = sink
  }

  push(line: Line): void {
    const bytes = Buffer.byteLength(line.text)
    const room = LOG_QUEUE_MAX_BYTES + (line.urgent ? LOG_QUEUE_RESERVE_BYTES : 0)
    if (this.#bytes + bytes > room) {
      this.#lost++
      return
    }
    this.#bytes += bytes
    this.#lines.push(line)
    this.#pump ??= this.#write()
    if (line.urgent) this.#hurry?.()
  }

  /** Resolves when all accepted lines were written or lost. */
  async idle(): Promise<void> {
    this.#waiting++
    this.#hurry?.()
    while (this.#pump !== undefined) await this.#pump
    this.#waiting--
  }

  /** Waits a moment if there were many writes lately. */
  async #pause(): Promise<void> {
    const isUrgent = this.#waiting > 0 || this.#lines.some(({ urgent }) => urgent)
    if (this.#writes.take(performance.now()) || isUrgent) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, WRITE_INTERVAL_MS)
      this.#hurry = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.#hurry = undefined
    this.#writes.take(performance.now())
  }

  async #write(): Promise<void> {
    // Lines of one turn of the event loop are written together.
    await Promise.resolve()
    while (this.#lines.length > 0) {
      await this.#pause()
      const lines = this.#lines
      this.#lines = []
      let failure: Error | undefined
      try {
        await this.#sink.write(lines)
      } catch (error) {
        failure = error as Error
      }
      for (const { text } of lines) this.#bytes -= Buffer.byteLength(text)
      if (failure !== undefined) {
        this.#lost += lines.length
        this.#sink.failed(failure)
      } else if (this.#lost > 0) {
        const lost = this.#lost
        this.#lost = 0
        this.#sink.lost(lost)
      }
    }
    this.#pump = undefined
  }
}
