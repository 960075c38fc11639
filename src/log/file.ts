import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { shellWord } from '../text/shell-word.ts'
import { cannot } from '../file/file-error.ts'
import { judgeFolder } from '../file/policy.ts'
import { walk } from '../file/way.ts'
import { LineQueue } from './queue.ts'
import type { Line, LineSink } from './queue.ts'

/**
 * The mode of a new log file, before the umask. In knockd's format it is knockd's, for programs that read the log, but
 * others never get write permission. JSON logs contain more about failed knocks, and no existing program reads them.
 */
export const LOG_FILE_MODE = { knockd: 0o644, json: 0o640 } as const

/** The log file. Lines are appended in order, without delaying the caller. */
export class LogFile {
  readonly #queue: LineQueue
  #handle: FileHandle | undefined
  /** True if the last write may have ended within a line. */
  #torn = false
  #writing: Promise<void> = Promise.resolve()

  constructor(sink: Omit<LineSink, 'write'>) {
    this.#queue = new LineQueue({ ...sink, write: (lines) => (this.#writing = this.#write(lines)) })
  }

  /**
   * Opens the file in place of the previous one. Lines that are not yet written go to the new file.
   *
   * @param path the new file, or `undefined` for none
   * @throws Error with the reason; the previous file stays open then
   */
  async open(path: string | undefined, format: keyof typeof LOG_FILE_MODE): Promise<void> {
    if (path === undefined) await this.#queue.idle()
    const after = path === undefined ? undefined : await openToAppend(path, LOG_FILE_MODE[format])
    const before = this.#handle
    this.#handle = after
    if (before === undefined) return
    this.#torn = false
    // The previous write is not awaited, because it may never end on a hanging disk.
    void this.#writing
      .catch(() => undefined)
      .then(() => before.close())
      .catch(() => undefined)
  }

  push(line: Line): void {
    this.#queue.push(line)
  }

  /** Closes the file after all lines are written. Never rejects. */
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
    return await (isOthers(dirname(resolve(path))) ? openOthers(path, mode) : open(path, 'a', mode))
  } catch (error) {
    throw cannot(`open the log file ${path}`, error, {
      EACCES: 'run knockd as root, or name another file: -g FILE',
      ENOENT: `mkdir -p ${shellWord(dirname(path))}`,
    })
  }
}

/** Returns true if this process is root's, and others can replace files in a folder: the daemon's former `User`, say. */
function isOthers(folder: string): boolean {
  if (process.geteuid?.() !== 0) return false
  try {
    const { real, stat, faults } = walk(folder)
    return faults.length > 0 || judgeFolder(real, stat) !== undefined
  } catch {
    // Opening a file there has words for what is wrong.
    return false
  }
}

/** Opens a file in a folder that others can change. A link there would have root write to any file, and a pipe hold it. */
async function openOthers(path: string, mode: number): Promise<FileHandle> {
  const { O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_WRONLY } = constants
  const handle = await open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK, mode).catch(
    (error: NodeJS.ErrnoException) => {
      throw error.code === 'ELOOP' ? new Error('a link in a folder of another user') : error
    },
  )
  const stat = await handle.stat()
  if (stat.isFile() && stat.nlink === 1) return handle
  await handle.close()
  throw new Error('not a plain file with one name, in a folder of another user')
}
