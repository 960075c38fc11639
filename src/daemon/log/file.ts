import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { shellWord } from '../../text/shell-word.ts'
import { cannot } from '../../file/file-error.ts'
import { LineQueue } from './queue.ts'
import type { Line, LineSink } from './queue.ts'

/**
 * The mode of a log that the daemon made, less its umask. In knockd's format it is knockd's, for what reads the log; but
 * others never write it. JSON says more of knocks that failed, and nothing read it before.
 */
export const LOG_FILE_MODE = { knockd: 0o644, json: 0o640 } as const

/** The log file: lines at its end, in order, without holding up whoever writes. */
export class LogFile {
  readonly #queue: LineQueue
  #handle: FileHandle | undefined
  /** Whether the last write may have ended within a line. */
  #torn = false
  #writing: Promise<void> = Promise.resolve()

  constructor(sink: Omit<LineSink, 'write'>) {
    this.#queue = new LineQueue({ ...sink, write: (lines) => (this.#writing = this.#write(lines)) })
  }

  /**
   * Opens the file, in place of the one before if there is one; lines not yet written go to the new one. `undefined`:
   * none any more.
   *
   * @throws Error that says why it cannot; then the file before stays
   */
  async open(path: string | undefined, format: keyof typeof LOG_FILE_MODE): Promise<void> {
    if (path === undefined) await this.#queue.idle()
    const after = path === undefined ? undefined : await openToAppend(path, LOG_FILE_MODE[format])
    const before = this.#handle
    this.#handle = after
    if (before === undefined) return
    this.#torn = false
    // Not waited for: on a disk that hangs, it never ends.
    void this.#writing
      .catch(() => undefined)
      .then(() => before.close())
      .catch(() => undefined)
  }

  push(line: Line): void {
    this.#queue.push(line)
  }

  /** Resolves when everything pushed was written, or could not be. */
  async idle(): Promise<void> {
    await this.#queue.idle()
  }

  /** Closes the file once everything is written. Never rejects. */
  async close(): Promise<void> {
    await this.#queue.idle()
    const handle = this.#handle
    this.#handle = undefined
    await handle?.close().catch(() => undefined)
  }

  async #write(lines: readonly Line[]): Promise<void> {
    const text = lines.map((line) => line.text).join('')
    if (this.#handle === undefined) throw new Error('the log file is not open')
    const start = this.#torn ? '\n' : ''
    this.#torn = true
    await this.#handle.appendFile(start + text)
    this.#torn = false
  }
}

async function openToAppend(path: string, mode: number): Promise<FileHandle> {
  try {
    return await open(path, 'a', mode)
  } catch (error) {
    throw cannot(`open the log file ${path}`, error, {
      EACCES: 'run knockd as root, or name another file: -g FILE',
      ENOENT: `mkdir -p ${shellWord(dirname(path))}`,
    })
  }
}
