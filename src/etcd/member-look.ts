import { within } from './within.ts'

/** Milliseconds without a word of a member after which it is looked at, and until it must have answered. */
export const PROBE_EVERY_MS = 2_000
export const PROBE_WITHIN_MS = 1_000

/**
 * Looks at a member while streams to it are open, once for all of them: a process that hangs keeps its connections open.
 * A member that told something since is not looked at.
 */
export class MemberLook {
  readonly #look: (signal: AbortSignal) => Promise<unknown>
  readonly #streams = new Set<(fault: unknown) => void>()
  #timer: NodeJS.Timeout | undefined
  /** The time at which it told something, or was looked at. */
  #heardAt = 0
  #over = new AbortController()

  /** @param look asks the member; rejects if it gives no answer */
  constructor(look: (signal: AbortSignal) => Promise<unknown>) {
    this.#look = look
  }

  /**
   * Looks at the member until the returned function is called.
   *
   * @param failed called with the fault when the member gives no answer
   */
  watch(failed: (fault: unknown) => void): () => void {
    this.#streams.add(failed)
    if (this.#streams.size === 1) {
      this.#over = new AbortController()
      this.#heardAt = performance.now()
      this.#plan(this.#over.signal)
    }
    return () => {
      if (!this.#streams.delete(failed) || this.#streams.size > 0) return
      clearTimeout(this.#timer)
      this.#over.abort()
    }
  }

  /** Notes that the member told something. */
  heard(): void {
    this.#heardAt = performance.now()
  }

  #plan(signal: AbortSignal): void {
    const inMs = this.#heardAt + PROBE_EVERY_MS - performance.now()
    this.#timer = setTimeout(() => void this.#due(signal), Math.max(0, inMs)).unref()
  }

  async #due(signal: AbortSignal): Promise<void> {
    if (performance.now() - this.#heardAt >= PROBE_EVERY_MS) {
      try {
        await within(PROBE_WITHIN_MS, signal, this.#look)
      } catch (error) {
        if (!signal.aborted) for (const failed of this.#streams) failed(error)
      }
      if (signal.aborted) return
      this.#heardAt = performance.now()
    }
    this.#plan(signal)
  }
}
