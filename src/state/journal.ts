import { randomBytes } from 'node:crypto'
import { dirname } from 'node:path'
import { encodeWhole, takeBatch } from './batch.ts'
import type { Batch, Waiting } from './batch.ts'
import type { Disk, DiskFile } from './disk.ts'
import { JournalError, lossOf } from './fault.ts'
import type { StateFault } from './fault.ts'
import type { Ledger } from './ledger.ts'
import { LINE_MAX_BYTES } from './line.ts'
import { MarkFile, missingOf } from './mark.ts'
import type { Mark, Marked } from './mark.ts'
import { readJournal } from './reading.ts'
import type { Reading } from './reading.ts'

/** Most bytes of a journal file that are read. It never gets there: see {@link STATE_MAX_BYTES}. */
export const JOURNAL_MAX_BYTES = 536_870_912
/** State that takes more bytes than that, when compacted, may only get smaller. */
export const STATE_MAX_BYTES = 67_108_864
/** A journal smaller than that is never compacted, in bytes. */
export const COMPACT_MIN_BYTES = 1_048_576
/** A journal is compacted when it has grown to this many times what its state took when it was last compacted. */
export const COMPACT_FACTOR = 4
/** Most bytes of records that wait for the disk at once. */
export const QUEUE_MAX_BYTES = 16_777_216
/** Most damaged journals kept aside. */
export const DAMAGED_MAX = 99
const ID_BYTES = 8
/** Bytes left for checksum and numbers on a line. */
const LINE_OVERHEAD_BYTES = 64

const FORMAT = 'postern journal'
const VERSION = 1

/** What has to be done to a file before it can be appended to again. */
type Repair = 'none' | 'cut' | 'rewrite'

/**
 * An append-only file of records, each on a line with its checksum. The records that are appended while a sync is under
 * way share the next write and the next sync. State changes only by records that are durable, in the order in which
 * they were appended.
 */
export class Journal {
  readonly #disk: Disk
  readonly #path: string
  readonly #ledger: Ledger
  readonly #mark: MarkFile
  /** Tells this journal from those that had its name before. */
  #id: string | undefined
  /** Journals beside it that a power cut may leave under its name. */
  #others: readonly Marked[] = []
  #file: DiskFile | undefined
  /** Bytes and lines of the file that are durable. */
  #bytes = 0
  #lines = 0
  readonly #compactMinBytes: number
  #compactAt: number
  #full = false
  #repair: Repair = 'none'
  #keepAside = false
  readonly #queue: Waiting[] = []
  #queueBytes = 0
  #running: Promise<void> | undefined
  #closed = false
  #failure: Error | undefined

  private constructor(disk: Disk, path: string, ledger: Ledger, compactMinBytes: number) {
    this.#disk = disk
    this.#path = path
    this.#ledger = ledger
    this.#mark = new MarkFile(disk, path)
    this.#compactMinBytes = compactMinBytes
    this.#compactAt = compactMinBytes
  }

  /**
   * Opens the journal, or makes a new one, and takes all its records into the ledger. Faults are told, not thrown: an
   * existing journal that cannot be mended or written now is opened all the same, so that what is due to be closed
   * can be, and each `append` tries again.
   *
   * @param usedBefore whether something else says that there was a journal
   * @throws JournalError if the journal was written by a later version
   * @throws the system's error if it cannot be read or, where there is none, made
   */
  static async open(
    disk: Disk,
    path: string,
    ledger: Ledger,
    compactMinBytes = COMPACT_MIN_BYTES,
    usedBefore = false,
  ): Promise<{ journal: Journal; faults: StateFault[] }> {
    const journal = new Journal(disk, path, ledger, compactMinBytes)
    const bytes = await disk.read(path, JOURNAL_MAX_BYTES)
    const mark = await journal.#mark.read()
    if (bytes === undefined) {
      const lost = usedBefore || mark?.made === true
      ledger.lacks(lost ? 'lost' : 'first')
      await journal.#rewrite()
      return { journal, faults: lost ? [lossOf(`${path}: is missing: a new one was created`)] : [] }
    }
    const reading = readJournal(bytes)
    const faults = journal.#load(reading, mark)
    try {
      await journal.#mend(reading, bytes.length, faults)
    } catch (error) {
      journal.#repair = 'rewrite'
      journal.#failure = error as Error
      faults.push({ kind: 'failed', message: `${path}: ${(error as Error).message}` })
    }
    return { journal, faults }
  }

  /** What the last append failed with; `undefined` once one has succeeded again. */
  get failure(): Error | undefined {
    return this.#failure
  }

  /** Tells this journal from others; another with each time it is written anew. */
  get id(): string | undefined {
    return this.#id
  }

  /** Bytes the file takes. */
  get bytes(): number {
    return this.#bytes
  }

  /**
   * Resolves once the record is durable and in the ledger. If it rejects, the record is not in the ledger, nor is any
   * that was appended after it before the rejection; whether it is found after a crash is not known. The next append
   * mends the file first. A record that makes the state smaller (`relief`) is taken even if the state is too large.
   *
   * @throws JournalError (as a rejection) if the disk failed, the journal is closed or full, or the record too long
   */
  append(value: unknown, relief = false): Promise<void> {
    if (this.#closed) return Promise.reject(new JournalError('closed', `${this.#path}: closed`))
    const json = JSON.stringify(value)
    const bytes = Buffer.byteLength(json)
    if (bytes > LINE_MAX_BYTES - LINE_OVERHEAD_BYTES) {
      return Promise.reject(
        new JournalError('too long', `${this.#path}: a record of more than ${LINE_MAX_BYTES} bytes`),
      )
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

  /** Waits for what was appended, then closes the file; later appends are refused. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#running
    const file = this.#file
    this.#file = undefined
    await file?.close()
    await this.#mark.close()
  }

  async #run(): Promise<void> {
    // One turn later, so that all that is appended in this turn goes along.
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
      await this.#mark.note(this.#marked)
      this.#failure = undefined
      for (const { value, bytes } of batch.waiting) {
        this.#ledger.apply(value)
        this.#queueBytes -= bytes
      }
      for (const { resolve } of batch.waiting) resolve()
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
    // After a failed sync nothing is known of the pages, not even those that were durable: the file is given up.
    this.#repair = 'rewrite'
    await this.#file!.sync()
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
      if (this.#keepAside) await this.#setAside()
      await this.#rewrite()
    } else if (this.#bytes >= this.#compactAt) {
      await this.#compact()
    }
  }

  async #compact(): Promise<void> {
    try {
      await this.#rewrite()
    } catch (error) {
      // The old file is still good, unless the new one may have its name already.
      if (this.#repair !== 'none') throw error
      this.#compactAt = this.#bytes + this.#compactMinBytes
    }
  }

  /** Writes the ledger to a new file and gives it the journal's name. Records are not taken in meanwhile. */
  async #rewrite(): Promise<void> {
    const fresh = `${this.#path}.new`
    const file = await this.#disk.create(fresh)
    const lines = this.#ledger.size + 1
    const id = randomBytes(ID_BYTES).toString('hex')
    let bytes = 0
    try {
      for (const piece of encodeWhole(this.#whole(id), lines)) {
        await file.write(piece, bytes)
        bytes += piece.length
      }
      await file.sync()
      // Whichever of the two a power cut leaves is known.
      const { journals, made } = this.#marked
      this.#others = [...journals, { id, lines }]
      await this.#mark.keep({ journals: this.#others, made })
    } catch (error) {
      // A disk that is full gets its space back.
      await file.truncate(0).catch(() => {})
      await file.close().catch(() => {})
      throw error
    }
    // From here on it is not known which file a power cut would leave under the name.
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
    yield* this.#ledger.snapshot()
  }

  #load(reading: Reading, mark: Mark | undefined): StateFault[] {
    const faults: StateFault[] = []
    let unknown = 0
    for (const { number, value } of reading.lines) {
      if (number === 0) this.#checkHeader(value)
      else if (!this.#ledger.apply(value)) unknown++
    }
    const rows = reading.badLines.join(', ')
    const missing = missingOf(this.#id, reading.intactLines, mark)
    if (reading.state === 'damaged' || missing !== undefined || unknown > 0) {
      this.#keepAside = true
      this.#ledger.lacks('lost')
      const what =
        reading.state === 'damaged'
          ? `damaged at line ${rows || 'the end'}`
          : (missing ?? `${unknown} records are unknown`)
      faults.push(lossOf(`${this.#path}: ${what}; what can be read is honoured`, `look at ${this.#path}.damaged-* too`))
    } else if (reading.state === 'torn') {
      faults.push({ kind: 'torn', message: `${this.#path}: the last write did not end (line ${rows}); it is cut off` })
    }
    return faults
  }

  #checkHeader(value: unknown): void {
    const header = value as { format?: unknown; version?: unknown; id?: unknown } | null
    this.#id = typeof header?.id === 'string' ? header.id : undefined
    if (header?.format === FORMAT && header.version === VERSION) return
    throw new JournalError('failed', `${this.#path}: not a journal of this version`)
  }

  async #mend(reading: Reading, length: number, faults: StateFault[]): Promise<void> {
    const lacks = this.#keepAside
    if (lacks) {
      const name = await this.#setAside()
      faults.push({ kind: 'damaged', message: `${this.#path}: kept aside as ${name}` })
    }
    // Lines that can be read behind the gap of a torn write: no promise was made about them, but none is thrown away.
    const behind = reading.lines.length > reading.intactLines
    // One that an earlier version wrote has no id yet.
    if (lacks || behind || this.#id === undefined) return this.#rewrite()
    this.#file = await this.#disk.open(this.#path)
    this.#bytes = reading.intactBytes
    this.#lines = reading.intactLines
    if (length > this.#bytes) await this.#file.truncate(this.#bytes)
    // What a killed daemon left may be in memory only; from here on it counts as durable.
    await this.#file.sync()
    await this.#mark.keep(this.#marked)
    await this.#disk.syncFolder(dirname(this.#path))
  }

  async #setAside(): Promise<string> {
    for (let n = 1; n <= DAMAGED_MAX; n++) {
      const name = `${this.#path}.damaged-${n}`
      try {
        await this.#disk.link(this.#path, name)
        this.#keepAside = false
        return name
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      }
    }
    throw new Error(`${DAMAGED_MAX} damaged journals are kept already`)
  }
}
