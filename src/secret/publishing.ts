import { fileURLToPath } from 'node:url'
import type { PublishTerms } from '../config/config.ts'
import { spawn } from '../native/spawn.ts'
import type { Order } from '../publish/order.ts'
import type { Clock } from './clock.ts'

const PROGRAM = fileURLToPath(new URL('../bin/publisher.js', import.meta.url))
/** The longest time for one publishing, in milliseconds. */
const TIME_MAX_MS = 60_000
/** Milliseconds until publishing is tried again after a failure. */
const AGAIN_MS = 60_000
/** Milliseconds for which publishing may continue when the daemon ends. */
const CLOSE_MAX_MS = 2_000
/** The most characters of an error that are logged. */
const SAID_MAX_CHARS = 1_000

/** The plain text of a list, and the number of the list. */
export interface Edition {
  readonly text: string
  readonly edition: number
}

/** The dependencies of publishing. */
export interface PublishingDeps {
  readonly door: string
  /** The base name of the files. */
  readonly name: string
  readonly terms: PublishTerms
  readonly clock: Clock
  readonly list: () => Edition
  /** Called with the edition that was published. */
  readonly done: (edition: number) => void
  readonly failed: (why: string) => void
}

/** Publishes the list of one door whenever it changes. The newest text is published, one run after another. */
export class Publishing {
  readonly #deps: PublishingDeps
  #wanted = false
  #running: Promise<void> | undefined
  #cancel = (): void => undefined
  readonly #abort = new AbortController()
  #closed = false

  constructor(deps: PublishingDeps) {
    this.#deps = deps
  }

  /** Publishes the changed list. */
  want(): void {
    this.#wanted = true
    this.#cancel()
    if (this.#running === undefined && !this.#closed) this.#running = this.#run()
  }

  /** Starts no further run and waits briefly for the current one. The next start publishes again. */
  async close(): Promise<void> {
    this.#closed = true
    this.#cancel()
    const cancel = this.#deps.clock.after(CLOSE_MAX_MS, () => this.#abort.abort())
    await this.#running
    cancel()
  }

  /** Publishes until the list has not changed. Never rejects. */
  async #run(): Promise<void> {
    try {
      while (this.#wanted && !this.#closed) {
        this.#wanted = false
        const { text, edition } = this.#deps.list()
        const why = await publish(this.#order(text), this.#abort.signal)
        if (this.#abort.signal.aborted) break
        if (why === undefined) {
          this.#deps.done(edition)
          continue
        }
        this.#failAndTryAgain(why)
        break
      }
    } catch (error) {
      this.#failAndTryAgain((error as Error).message)
    }
    this.#running = undefined
  }

  #failAndTryAgain(why: string): void {
    this.#deps.failed(why)
    this.#cancel = this.#deps.clock.after(AGAIN_MS, () => this.want())
  }

  #order(text: string): Order {
    const { door, name, terms } = this.#deps
    const { folder, recipients, passphraseFile, host } = terms
    const openPgp = recipients.filter((recipient) => recipient.startsWith('/'))
    const age = recipients.filter((recipient) => !recipient.startsWith('/'))
    return { pid: process.pid, text, door, folder, name, age, passphraseFile, openPgp, host }
  }
}

/** Starts a separate process that encrypts a list and writes it to its folder. @returns the reason for a failure */
async function publish(order: Order, abort: AbortSignal): Promise<string | undefined> {
  return await new Promise((resolve) => {
    const child = spawn(process.execPath, [PROGRAM], {
      stdio: ['pipe', 'ignore', 'pipe'],
      timeout: TIME_MAX_MS,
      killSignal: 'SIGKILL',
      signal: abort,
    })
    let said = ''
    // Without free descriptors there are no pipes. The `error` event reports that.
    child.stderr?.on('data', (piece: Buffer) => {
      said = `${said}${piece.toString()}`.slice(0, SAID_MAX_CHARS)
    })
    child.once('error', (error) => resolve(error.message))
    child.once('close', (code, signal) => {
      if (code === 0) resolve(undefined)
      else resolve(said.trim() || `the publisher ended with ${signal ?? `code ${code}`}`)
    })
    // The process may end without reading. Its exit code reports that.
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(JSON.stringify(order))
  })
}
