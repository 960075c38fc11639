import { FileError } from '../file/file-error.ts'
import { CLASSIC } from '../file/policy.ts'
import { readPrivateText } from '../file/private-file.ts'
import { realDisk } from '../state/disk.ts'
import type { Disk } from '../state/disk.ts'
import { replaceDurably } from '../state/replace.ts'
import { noCounts, readCounts } from './totals.ts'
import type { AllTotals, Counts } from './totals.ts'

/** The largest file of counts in bytes. It has room for the names of all doors that are counted. */
export const COUNTERS_MAX_BYTES = 1_048_576
/** Milliseconds between two writes of changed counts: a crash loses those at most. */
export const COUNTERS_SAVE_MS = 60_000
/** The last time of a `Date`, in milliseconds since 1970 (ECMA-262, 21.4.1.1). */
const TIME_MAX_MS = 8.64e15
/** The form of the file. */
const VERSION = 1

/** Counts that were read, and the reason why earlier ones are lost. */
export interface CountersRead {
  /** Milliseconds since 1970. */
  readonly since: number
  readonly counts: Counts
  /** One line, without the path of the file; `undefined`: nothing is lost. */
  readonly lost: string | undefined
}

/** The file of counts beside the journal. It is replaced as a whole, so that it is never half written. */
export class CountersFile {
  readonly path: string
  readonly #disk: Disk
  #written = ''

  constructor(path: string, disk: Disk = realDisk) {
    this.path = path
    this.#disk = disk
  }

  /**
   * Reads the counts. What is damaged, or what others could have written, counts for nothing. Never throws.
   *
   * @param now milliseconds since 1970
   */
  read(now: number): CountersRead {
    let text: string
    try {
      text = readPrivateText(this.path, COUNTERS_MAX_BYTES, CLASSIC)
    } catch (error) {
      const { reason, fault } = error as FileError
      return { since: now, counts: noCounts(), lost: reason === 'missing' ? undefined : (fault ?? String(error)) }
    }
    const { since, counts } = parsed(text)
    if (counts === undefined) return { since: now, counts: noCounts(), lost: 'is damaged' }
    return { since, counts, lost: undefined }
  }

  /** Replaces the file, if the counts have changed. @throws the system's error; the file is unchanged then */
  async write(since: number, totals: AllTotals): Promise<void> {
    const text = `${JSON.stringify({ version: VERSION, since, ...totals })}\n`
    if (text === this.#written) return
    await replaceDurably(this.#disk, this.path, text)
    this.#written = text
  }
}

function parsed(text: string): { readonly since: number; readonly counts: Counts | undefined } {
  const nothing = { since: 0, counts: undefined }
  try {
    const value = JSON.parse(text) as { readonly version?: unknown; readonly since?: unknown } | null
    const since = value?.since
    if (value?.version !== VERSION || typeof since !== 'number' || !(since >= 0 && since <= TIME_MAX_MS)) return nothing
    return { since, counts: readCounts(value) }
  } catch {
    return nothing
  }
}
