import type { Hosts } from './hosts.ts'
import type { Entry } from './line.ts'

/** Milliseconds that a line waits for the name of its source, and so that it holds up those behind it. */
export const LOOKUP_WAIT_MS = 2_000
/** Lines that wait, at most; beyond, the first goes without its name. */
export const NAMING_MAX = 1_024

interface Waiting {
  readonly entry: Entry
  ready: boolean
  host: string | undefined
  timer: NodeJS.Timeout | undefined
}

/**
 * Lines on their way to the log with the names of their sources. All stay in order; since each waits for the same time
 * at most, none is held up for longer than that by those before it.
 */
export class Naming {
  readonly #hosts: Hosts
  readonly #write: (entry: Entry, host: string | undefined) => void
  readonly #waiting: Waiting[] = []

  constructor(hosts: Hosts, write: (entry: Entry, host: string | undefined) => void) {
    this.#hosts = hosts
    this.#write = write
  }

  /** @param look whether the name of the source is wanted. */
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

  /** Writes what waits, without further names. */
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
