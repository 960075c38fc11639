import { dirname } from 'node:path'
import type { Disk, DiskFile } from './disk.ts'
import { decodeLine, encodeLine } from './line.ts'

/** What its name ends in, behind the journal's. */
const SUFFIX = '.mark'
/** Bytes of the file, always: it is written over in place. */
const MARK_BYTES = 512
const LINE_FEED = 0x0a
const BLANK = 0x20

/** Most journals that are told apart. Of more, none is: so many are there only where the disk fails over and over. */
export const MARKED_MAX = 8

/** A journal that may have the name: which one it is, and how many of its lines are durable. */
export interface Marked {
  readonly id: string
  readonly lines: number
}

/** What is known of a journal apart from itself. */
export interface Mark {
  /** One; more while one takes the other's place; none where that is not known. */
  readonly journals: readonly Marked[]
  /** Whether there was a journal already: else it may be missing. */
  readonly made: boolean
}

/**
 * A small file beside a journal that says how long the journal is. Damage to the journal's last lines looks like a write
 * that did not end, and a journal that was deleted like one that never was: this file tells them apart. It is not synced
 * for each line, so after a power cut it may say less than it could, but never more than is true.
 */
export class MarkFile {
  readonly #disk: Disk
  readonly #path: string
  #file: DiskFile | undefined
  /** A sync has failed: what the file has on disk is not known, and it has to be made anew. */
  #broken = false

  /** @param journal the path of the journal */
  constructor(disk: Disk, journal: string) {
    this.#disk = disk
    this.#path = `${journal}${SUFFIX}`
  }

  /** What the file says; `undefined` where there is none, or nothing that can be read. */
  async read(): Promise<Mark | undefined> {
    const bytes = await this.#disk.read(this.#path, MARK_BYTES).catch(() => undefined)
    const end = bytes?.indexOf(LINE_FEED) ?? -1
    return bytes === undefined || end < 0 ? undefined : markOf(decodeLine(bytes.subarray(0, end))?.value)
  }

  /** Writes it durably. Rejects with the system's error. */
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

  /** Writes it, and does not wait for the disk: it outlives this process, and what it says is true already. */
  async note(mark: Mark): Promise<void> {
    // What cannot be noted is told apart less well, and that is all.
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
 * What a journal lacks of what its mark says. `undefined`: nothing, or nothing is known.
 *
 * @param id of the journal that was read; one that an earlier version wrote has none
 * @param lines how many of its lines can be read before the first gap
 */
export function missingOf(id: string | undefined, lines: number, mark: Mark | undefined): string | undefined {
  if (mark === undefined || mark.journals.length === 0 || id === undefined) return undefined
  const marked = mark.journals.find((each) => each.id === id)
  if (marked === undefined) return 'not the journal that was last written, but one from before'
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
