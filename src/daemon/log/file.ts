import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'

/** Bytes that wait to be written at most; what comes then is left out. */
export const LOG_QUEUE_MAX_BYTES = 1_048_576
/** Of these, what only lines that must not be left out may use. */
export const LOG_RESERVE_BYTES = 262_144
/** Milliseconds between two complaints about a log that cannot be written. */
const COMPLAIN_EVERY_MS = 60_000
/** rw for its owner, r for its group: as syslog daemons make log files. */
const MODE = 0o640

/** A log file, written to behind the caller's back and in order. */
export class LogFile {
  readonly path: string
  readonly #handle: FileHandle
  readonly #complain: (text: string) => void
  #queue: string[] = []
  #queued = 0
  #writing: Promise<void> | undefined
  #complained = -Infinity
  #lost = 0

  private constructor(path: string, handle: FileHandle, complain: (text: string) => void) {
    this.path = path
    this.#handle = handle
    this.#complain = complain
  }

  /** Opens it for appending, and makes it where it is not there. @throws the system's error */
  static async open(path: string, complain: (text: string) => void): Promise<LogFile> {
    return new LogFile(path, await open(path, 'a', MODE), complain)
  }

  /** Lines that could not be kept. */
  get lost(): number {
    return this.#lost
  }

  /** @param must the line may use the reserve */
  write(line: string, must: boolean): void {
    const limit = must ? LOG_QUEUE_MAX_BYTES : LOG_QUEUE_MAX_BYTES - LOG_RESERVE_BYTES
    if (this.#queued + line.length > limit) {
      this.#lost++
      return
    }
    this.#queue.push(line)
    this.#queued += line.length
    this.#writing ??= this.#writeAll()
  }

  /** Writes what waits, and closes the file. */
  async close(): Promise<void> {
    await this.#writing
    await this.#handle.close()
  }

  async #writeAll(): Promise<void> {
    while (this.#queue.length > 0) {
      const text = this.#queue.join('')
      this.#queue = []
      try {
        await this.#handle.appendFile(text)
      } catch (error) {
        const now = performance.now()
        if (now - this.#complained >= COMPLAIN_EVERY_MS) {
          this.#complained = now
          this.#complain(`${this.path}: ${(error as Error).message}`)
        }
      }
      this.#queued -= text.length
    }
    this.#writing = undefined
  }
}
