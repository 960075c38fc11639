import { dirname } from 'node:path'
import type { Disk, DiskFile } from './disk.ts'
import { decodeLine, encodeLine } from './line.ts'

/** The suffix that follows the journal's name. */
const SUFFIX = '.mark'
/** Fixed size of the file in bytes, as it is overwritten in place. */
const MARK_BYTES = 512
const LINE_FEED = 0x0a
const BLANK = 0x20

/** Most journals that a mark names. With more, it names none; so many exist only if the disk fails repeatedly. */
export const MARKED_MAX = 8

/** A journal that may have the name: its id, and its number of durable lines. */
export interface Marked {
  readonly id: string
  readonly lines: number
}

/** Facts about a journal that are kept outside it. */
export interface Mark {
  /** One journal; two or more while one replaces another; none if they are unknown. */
  readonly journals: readonly Marked[]
  /** True if a journal was already created. If it is missing, it was lost. */
  readonly made: boolean
}

/**
 * A small file beside a journal that records the journal's length. It tells damage to the last lines from an incomplete
 * write, and a deleted journal from a new one. It is not synced for each line. After a power cut it may therefore
 * record too few lines, but never too many.
 */
export class MarkFile {
  readonly #disk: Disk
  readonly #path: string
  #file: DiskFile | undefined
  /** True after a failed sync. The file's content on disk is unknown, and it must be rewritten. */
  #broken = false

  /** @param journal the path of the journal */
  constructor(disk: Disk, journal: string) {
    this.#disk = disk
    this.#path = `${journal}${SUFFIX}`
  }

  /** Reads the mark; `undefined`: the file is missing or cannot be read. */
  async read(): Promise<Mark | undefined> {
    const bytes = await this.#disk.read(this.#path, MARK_BYTES).catch(() => undefined)
    const end = bytes?.indexOf(LINE_FEED) ?? -1
    return bytes === undefined || end < 0 ? undefined : markOf(decodeLine(bytes.subarray(0, end))?.value)
  }

  /** Writes the mark durably. Rejects with the system's error. */
  async keep(mark: Mark): Promise<void> {
    try {
      const makes = this.#broken || this.#file === undefined
      await this.#write(mark)
      await this.#file!.sync()
      if (makes) await this.#disk.syncFolder(dirname(this.#path))
      this.#broken = false
    } catch (error) {
      this.#broken = true
      await this.close()
      throw error
    }
  }

  /** Writes the mark without waiting for the disk. It survives this process, and is true already. */
  async note(mark: Mark): Promise<void> {
    // A failed write only makes later damage harder to recognise.
    if (!this.#broken) await this.#write(mark).catch(() => this.close())
  }

  async close(): Promise<void> {
    const file = this.#file
    this.#file = undefined
    await file?.close().catch(() => undefined)
  }

  async #write(mark: Mark): Promise<void> {
    this.#file ??= await this.#begin()
    const { journals, made } = mark
    const bytes = new Uint8Array(MARK_BYTES).fill(BLANK)
    bytes.set(encodeLine(0, 0, JSON.stringify({ journals: journals.length > MARKED_MAX ? [] : journals, made })))
    await this.#file.write(bytes, 0)
  }

  async #begin(): Promise<DiskFile> {
    if (this.#broken) return await this.#disk.create(this.#path)
    return await this.#disk.open(this.#path).catch(async () => await this.#disk.create(this.#path))
  }
}

/**
 * Returns what a journal lacks compared with its mark. `undefined`: nothing, or it cannot be known.
 *
 * @param id the journal's id; a journal of an earlier version has none
 * @param lines the number of its readable lines before the first gap
 */
export function missingOf(id: string | undefined, lines: number, mark: Mark | undefined): string | undefined {
  if (mark === undefined || mark.journals.length === 0 || id === undefined) return undefined
  const marked = mark.journals.find((each) => each.id === id)
  if (marked === undefined) return 'not the journal that was last written, but an earlier one'
  return marked.lines > lines ? `the last ${marked.lines - lines} lines that were written are missing` : undefined
}

function markOf(value: unknown): Mark | undefined {
  const { journals, made } = (value ?? {}) as { journals?: unknown; made?: unknown }
  if (!Array.isArray(journals) || typeof made !== 'boolean' || !journals.every(isMarked)) return undefined
  return { journals, made }
}

function isMarked(value: unknown): value is Marked {
  const { id, lines } = (value ?? {}) as { id?: unknown; lines?: unknown }
  return typeof id === 'string' && Number.isSafeInteger(lines)
}
