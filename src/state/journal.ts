import { randomBytes } from 'node:crypto'
import { dirname } from 'node:path'
import { encodeWhole, takeBatch } from './batch.ts'
import type { Batch, Waiting } from './batch.ts'
import { setAside } from './damaged.ts'
import type { Disk, DiskFile } from './disk.ts'
import { JournalError, lossOf } from './fault.ts'
import type { StateFault } from './fault.ts'
import type { JournalState } from './journal-state.ts'
import { LINE_MAX_BYTES } from './line.ts'
import { MarkFile, missingOf } from './mark.ts'
import type { Mark, Marked } from './mark.ts'
import { readJournal } from './reading.ts'
import type { Reading } from './reading.ts'

/** Most bytes of a journal file that are read. The file stays far smaller: see {@link STATE_MAX_BYTES}. */
export const JOURNAL_MAX_BYTES = 536_870_912
/** Largest compacted state in bytes. A larger one takes only records that make it smaller. */
export const STATE_MAX_BYTES = 67_108_864
/** Smallest journal that is compacted, in bytes. */
export const COMPACT_MIN_BYTES = 1_048_576
/** A journal is compacted once it is this many times larger than after the last compaction. */
export const COMPACT_FACTOR = 4
/** Most bytes of records that wait for the disk at once. */
export const QUEUE_MAX_BYTES = 16_777_216
const ID_BYTES = 8
/** Bytes reserved for checksum and numbers on a line. */
const LINE_OVERHEAD_BYTES = 64

const FORMAT = 'postern journal'
const VERSION = 1

/**
 * An append-only file of records, each on a line with its checksum. Records that are appended during a sync share the
 * next write and the next sync. State changes only by durable records, in the order in which they were appended.
 */
export class Journal {
  readonly #disk: Disk
  readonly #path: string
  readonly #contents: JournalState
  readonly #mark: MarkFile
  /** The id of this journal, unlike that of any earlier journal of the same name. */
  #id: string | undefined
  /** Other journals that a power cut may leave under the journal's name. */
  #others: readonly Marked[] = []
  #file: DiskFile | undefined
  /** The number of durable bytes and lines in the file. */
  #bytes = 0
  #lines = 0
  readonly #compactMinBytes: number
  #compactAt: number
  #full = false
  #repair: 'none' | 'cut' | 'rewrite' = 'none'
  #keepAside = false
  readonly #queue: Waiting[] = []
  /** The work to do during the next sync. */
  readonly #meanwhile = new Set<() => void>()
  #queueBytes = 0
  #running: Promise<void> | undefined
  #closed = false
  #failure: Error | undefined

  private constructor(disk: Disk, path: string, state: JournalState, compactMinBytes: number) {
    this.#disk = disk
    this.#path = path
    this.#contents = state
    this.#mark = new MarkFile(disk, path)
    this.#compactMinBytes = compactMinBytes
    this.#compactAt = compactMinBytes
  }

  /**
   * Opens or creates the journal, and takes all its records into the state. Faults are returned, not thrown. An
   * existing journal that cannot be repaired or written is still opened, so that doors can be closed. Each `append`
   * then tries the repair again.
   *
   * @param usedBefore true if something else shows that there was a journal
   * @throws JournalError if the journal was written by a later version
   * @throws the system's error if the journal cannot be read, or a missing one cannot be created
   */
  static async open(
    disk: Disk,
    path: string,
    state: JournalState,
    compactMinBytes = COMPACT_MIN_BYTES,
    usedBefore = false,
  ): Promise<{ journal: Journal; faults: StateFault[] }> {
    const journal = new Journal(disk, path, state, compactMinBytes)
    const bytes = await disk.read(path, JOURNAL_MAX_BYTES)
    const mark = await journal.#mark.read()
    if (bytes === undefined) {
      const lost = usedBefore || mark?.made === true
      state.lacks(lost ? 'lost' : 'first')
      await journal.#rewrite()
      return { journal, faults: lost ? [lossOf(`${path}: is missing: a new one was created`)] : [] }
    }
    const reading = readJournal(bytes)
    const faults = journal.#load(reading, mark)
    try {
      await journal.#fix(reading, bytes.length, faults)
    } catch (error) {
      journal.#repair = 'rewrite'
      journal.#failure = error as Error
      faults.push({ kind: 'failed', message: `${path}: ${(error as Error).message}` })
    }
    return { journal, faults }
  }

  /** The error of the last append; `undefined` after a success. */
  get failure(): Error | undefined {
    return this.#failure
  }

  /** The id of this journal, which changes each time the file is rewritten. */
  get id(): string | undefined {
    return this.#id
  }

  /** The size of the file in bytes. */
  get bytes(): number {
    return this.#bytes
  }

  /**
   * Appends a record. Resolves once the record is durable and in the state. After a rejection, neither the record nor
   * any appended after it before the rejection is in the state. It is unknown if such records survive a crash.
   * The next append repairs the file first. A record that makes the state smaller (`relief`) is accepted even if the
   * state is too large.
   *
   * @throws JournalError (as a rejection) if the disk failed, the journal is closed or full, or the record too long
   */
  append(value: unknown, relief = false): Promise<void> {
    if (this.#closed) return Promise.reject(new JournalError('closed', `${this.#path}: closed`))
    const json = JSON.stringify(value)
    const bytes = Buffer.byteLength(json)
    if (bytes > LINE_MAX_BYTES - LINE_OVERHEAD_BYTES) {
      const message = `${this.#path}: a record of more than ${LINE_MAX_BYTES} bytes`
      return Promise.reject(new JournalError('too long', message))
    }
    if (this.#queueBytes + bytes > QUEUE_MAX_BYTES || (this.#full && !relief)) {
      return Promise.reject(new JournalError('full', `${this.#path}: too many records`))
    }
    this.#queueBytes += bytes
    return new Promise((resolve, reject) => {
      this.#queue.push({ json, bytes, value, resolve, reject })
      this.#running ??= this.#run()
    })
  }

  /** Calls back once the next sync of records has begun. The work must not throw. The result cancels it. */
  whileSyncing(work: () => void): () => void {
    this.#meanwhile.add(work)
    return () => void this.#meanwhile.delete(work)
  }

  /** Waits for the appended records, then closes the file. Later appends are refused. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#running
    const file = this.#file
    this.#file = undefined
    await file?.close()
    await this.#mark.close()
  }

  async #run(): Promise<void> {
    // The write starts one turn later, so that it includes all records of this turn.
    await Promise.resolve()
    while (this.#queue.length > 0) {
      let batch: Batch | undefined
      try {
        await this.#prepare()
        batch = takeBatch(this.#queue, this.#lines)
        await this.#write(batch.bytes)
      } catch (error) {
        this.#reject([...(batch?.waiting ?? []), ...this.#queue.splice(0)], error as Error)
        this.#queueBytes = 0
        continue
      }
      this.#bytes += batch.bytes.length
      this.#lines += batch.waiting.length
      this.#failure = undefined
      for (const { value, bytes } of batch.waiting) {
        this.#contents.apply(value)
        this.#queueBytes -= bytes
      }
      for (const { resolve } of batch.waiting) resolve()
      // The records are durable, so nobody waits for the mark. Until it is written, it records too few lines.
      await this.#mark.note(this.#marked)
    }
    this.#running = undefined
  }

  #reject(waiting: readonly Waiting[], cause: Error): void {
    this.#failure = cause
    const error = new JournalError('failed', `${this.#path}: ${cause.message}`, { cause })
    for (const { reject } of waiting) reject(error)
  }

  async #write(bytes: Buffer): Promise<void> {
    this.#repair = 'cut'
    await this.#file!.write(bytes, this.#bytes)
    // After a failed sync the content of the pages is unknown, even of durable ones: the file is replaced.
    this.#repair = 'rewrite'
    const synced = this.#file!.sync()
    for (const work of this.#meanwhile) work()
    this.#meanwhile.clear()
    await synced
    this.#repair = 'none'
  }

  async #prepare(): Promise<void> {
    if (this.#repair === 'cut') {
      this.#repair = 'rewrite'
      await this.#file!.truncate(this.#bytes)
      await this.#file!.sync()
      this.#repair = 'none'
    }
    if (this.#repair === 'rewrite') {
      if (this.#keepAside) await setAside(this.#disk, this.#path)
      this.#keepAside = false
      await this.#rewrite()
    } else if (this.#bytes >= this.#compactAt) {
      await this.#compact()
    }
  }

  async #compact(): Promise<void> {
    try {
      await this.#rewrite()
    } catch (error) {
      // The old file is still usable, unless the new one may already have its name.
      if (this.#repair !== 'none') throw error
      this.#compactAt = this.#bytes + this.#compactMinBytes
    }
  }

  /** Writes the state to a new file and renames it to the journal. No records are written meanwhile. */
  async #rewrite(): Promise<void> {
    const fresh = `${this.#path}.new`
    const file = await this.#disk.create(fresh)
    const lines = this.#contents.size + 1
    const id = randomBytes(ID_BYTES).toString('hex')
    let bytes = 0
    try {
      for (const piece of encodeWhole(this.#whole(id), lines)) {
        await file.write(piece, bytes)
        bytes += piece.length
      }
      await file.sync()
      // A power cut leaves one of the two journals, and the mark knows both.
      const { journals, made } = this.#marked
      this.#others = [...journals, { id, lines }]
      await this.#mark.keep({ journals: this.#others, made })
    } catch (error) {
      // Truncating frees the space on a full disk.
      await file.truncate(0).catch(() => {})
      await file.close().catch(() => {})
      throw error
    }
    // From here on, either file may be under the name after a power cut.
    this.#repair = 'rewrite'
    await this.#disk.rename(fresh, this.#path).catch(async (error: unknown) => {
      await file.close().catch(() => {})
      throw error
    })
    const old = this.#file
    this.#file = file
    this.#id = id
    this.#bytes = bytes
    this.#lines = lines
    this.#full = bytes > STATE_MAX_BYTES
    this.#compactAt = this.#full
      ? bytes + this.#compactMinBytes
      : Math.max(this.#compactMinBytes, bytes * COMPACT_FACTOR)
    await old?.close().catch(() => {})
    await this.#disk.syncFolder(dirname(this.#path))
    this.#others = []
    await this.#mark.keep(this.#marked)
    this.#repair = 'none'
  }

  get #marked(): Mark {
    const id = this.#id
    const others = this.#others.filter((each) => each.id !== id)
    const own = id === undefined ? [] : [{ id, lines: this.#lines }]
    return { journals: [...others, ...own], made: this.#file !== undefined }
  }

  *#whole(id: string): Generator {
    yield { format: FORMAT, version: VERSION, id }
    yield* this.#contents.snapshot()
  }

  #load(reading: Reading, mark: Mark | undefined): StateFault[] {
    const faults: StateFault[] = []
    let unknown = 0
    for (const { number, value } of reading.lines) {
      if (number === 0) this.#checkHeader(value)
      else if (!this.#contents.apply(value)) unknown++
    }
    const rows = reading.badLines.join(', ')
    const missing = missingOf(this.#id, reading.intactLines, mark)
    if (reading.state === 'damaged' || missing !== undefined || unknown > 0) {
      this.#keepAside = true
      this.#contents.lacks('lost')
      const what =
        reading.state === 'damaged'
          ? `damaged at line ${rows || 'the end'}`
          : (missing ?? `${unknown} records are unknown`)
      faults.push(lossOf(`${this.#path}: ${what}; readable records are used`, `also check ${this.#path}.damaged-*`))
    } else if (reading.state === 'torn') {
      const message = `${this.#path}: the last write was incomplete (line ${rows}) and was removed`
      faults.push({ kind: 'torn', message })
    }
    return faults
  }

  #checkHeader(value: unknown): void {
    const header = value as { format?: unknown; version?: unknown; id?: unknown } | null
    this.#id = typeof header?.id === 'string' ? header.id : undefined
    if (header?.format === FORMAT && header.version === VERSION) return
    throw new JournalError('failed', `${this.#path}: not a journal of this version`)
  }

  async #fix(reading: Reading, length: number, faults: StateFault[]): Promise<void> {
    const lacks = this.#keepAside
    if (lacks) {
      const name = await setAside(this.#disk, this.#path)
      this.#keepAside = false
      faults.push({ kind: 'damaged', message: `${this.#path}: kept aside as ${name}` })
    }
    // Readable lines after the gap of a torn write were never acknowledged, but are kept all the same.
    const behind = reading.lines.length > reading.intactLines
    // A journal of an earlier version has no id yet.
    if (lacks || behind || this.#id === undefined) return this.#rewrite()
    this.#file = await this.#disk.open(this.#path)
    this.#bytes = reading.intactBytes
    this.#lines = reading.intactLines
    if (length > this.#bytes) await this.#file.truncate(this.#bytes)
    // Lines of a killed daemon may be in memory only. After this sync they count as durable.
    await this.#file.sync()
    await this.#mark.keep(this.#marked)
    await this.#disk.syncFolder(dirname(this.#path))
  }
}
