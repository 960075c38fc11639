import type { Hosts } from './hosts.ts'
import type { Entry } from './line.ts'

/** The most milliseconds that a line waits for the host name of its source, and so delays later lines. */
export const LOOKUP_WAIT_MS = 2_000
/** The most waiting lines. Beyond that, the first is written without its host name. */
export const NAMING_MAX = 1_024

interface Waiting {
  readonly entry: Entry
  ready: boolean
  host: string | undefined
  timer: NodeJS.Timeout | undefined
}

/**
 * Log lines that wait for the host names of their sources. They stay in order. Each waits for the same time at most, so
 * earlier lines delay none for longer than that.
 */
export class Naming {
  readonly #hosts: Hosts
  readonly #write: (entry: Entry, host: string | undefined) => void
  readonly #waiting: Waiting[] = []

  constructor(hosts: Hosts, write: (entry: Entry, host: string | undefined) => void) {
    this.#hosts = hosts
    this.#write = write
  }

  /** @param look true to look up the host name of the source */
  add(entry: Entry, look: boolean): void {
    const { source } = entry
    const known = look && source !== undefined ? this.#hosts.known(source) : { host: undefined }
    if (known !== undefined && this.#waiting.length === 0) {
      this.#write(entry, known.host)
      return
    }
    const waiting: Waiting = { entry, ready: known !== undefined, host: known?.host, timer: undefined }
    this.#waiting.push(waiting)
    if (this.#waiting.length > NAMING_MAX) this.#writeFirst()
    if (!waiting.ready) void this.#name(waiting, source!)
    this.#writeReady()
  }

  /** Writes all waiting lines without further host names. */
  flush(): void {
    while (this.#waiting.length > 0) this.#writeFirst()
  }

  async #name(waiting: Waiting, source: string): Promise<void> {
    const late = new Promise<undefined>((resolve) => {
      waiting.timer = setTimeout(() => resolve(undefined), LOOKUP_WAIT_MS)
      waiting.timer.unref()
    })
    waiting.host = await Promise.race([this.#hosts.ask(source), late])
    clearTimeout(waiting.timer)
    waiting.ready = true
    this.#writeReady()
  }

  #writeReady(): void {
    while (this.#waiting[0]?.ready === true) this.#writeFirst()
  }

  #writeFirst(): void {
    const { entry, host, timer } = this.#waiting.shift()!
    clearTimeout(timer)
    this.#write(entry, host)
  }
}
