/** Bytes that wait to be written, at most; lines beyond are counted and left out. */
export const LOG_QUEUE_MAX_BYTES = 1_048_576
/** Further bytes, for what must not be lost: that a door opens. */
export const LOG_QUEUE_RESERVE_BYTES = 262_144

/** A line, formed. */
export interface Line {
  readonly text: string
  /** Of syslog(3). */
  readonly priority: number
  readonly urgent: boolean
}

/** Where lines go, and who is told of those that do not arrive. */
export interface LineSink {
  /** Writes the lines in this order, or rejects; then they count as lost. */
  write(lines: readonly Line[]): Promise<void>
  failed(error: Error): void
  /** Called after a write that succeeded, with how many lines were lost before it. */
  lost(lines: number): void
}

/** Lines in order to a sink that takes its time: one write is under way, what comes meanwhile is the next. */
export class LineQueue {
  readonly #sink: LineSink
  #lines: Line[] = []
  #bytes = 0
  #lost = 0
  #pump: Promise<void> | undefined

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
  }

  /** Resolves when everything accepted before was written, or lost. */
  async idle(): Promise<void> {
    while (this.#pump !== undefined) await this.#pump
  }

  async #write(): Promise<void> {
    // Lines of one turn of the event loop go together.
    await Promise.resolve()
    while (this.#lines.length > 0) {
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
