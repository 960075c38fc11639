import { closeSync, constants, fdatasync, fstatSync, statSync, writeSync } from 'node:fs'
import { promisify } from 'node:util'
import type { Knock } from '../config/config.ts'
import { parseOneTime } from '../config/one-time.ts'
import type { OneTimeLine } from '../config/one-time.ts'
import { LIST } from '../file/policy.ts'
import { openPrivate, readOpened } from '../file/private-file.ts'
import type { Ledger } from '../state/ledger.ts'
import { sharedMark, usedMark } from './used-mark.ts'

/** Largest file of one-time sequences, in bytes: room for some ten thousand. It is read whole for each opening. */
export const ONE_TIME_FILE_MAX_BYTES = 262_144
/** Most changes or replacements of the file while one sequence is being marked as used. */
export const REDEEM_ROUNDS_MAX = 8

const MARK = Buffer.from('#')
/** The line with the list's name, as {@link writeSequences} writes it. */
const NAME = /^# list: ([\w-]{1,64})$/m

/** Parses the file. The text has one character for each byte, so that offsets in it are offsets in the file. */
export type OneTimeParser = (text: string) => readonly OneTimeLine[]

/** The unused sequences of a list. */
export interface OneTimeLeft {
  /** The sequence that opens the door next; `undefined`: the list is used up. */
  readonly next: readonly Knock[] | undefined
  /** All unused sequences, in order. */
  readonly sequences: readonly (readonly Knock[])[]
  /** The number of unused sequences, including the next one. A sequence that is listed twice counts once. */
  readonly left: number
  /** Lines without `#` whose sequence was used, as after restoring an old copy of the file. They open nothing. */
  readonly usedAgain: number
  /** Every line without its first byte, which `#` replaces on use. They tell which sequences were in the list. */
  readonly rests: ReadonlySet<string>
  /** The name of the list, if the daemon made it. Refilling and using the list do not change it. */
  readonly name: string | undefined
}

/**
 * The result of marking a sequence as used. Only `redeemed` may open the door. `used`: the sequence was accepted
 * before. `gone`: the file no longer has such a line.
 */
export interface OneTimeRedeemed extends OneTimeLeft {
  readonly outcome: 'redeemed' | 'used' | 'gone'
  /** The entry of {@link OneTimeLeft.rests} for the line that was marked as used; otherwise empty. */
  readonly rest: string
}

interface Content {
  readonly text: string
  readonly lines: readonly OneTimeLine[]
}

const syncData = promisify(fdatasync)

/**
 * The one-time sequences of one door. The file belongs to the operator. It is read each time and never rewritten: `#`
 * over the first byte of a used line is the only change.
 *
 * A sequence is claimed in the ledger first, and marked in the file second. If the daemon is killed in between, the
 * ledger knows the use. It also knows it if an old copy of the file is restored. If the ledger is lost, the file knows
 * it.
 */
export class OneTimeList {
  readonly #door: string
  readonly #path: string
  readonly #ledger: Pick<Ledger, 'claim' | 'wasClaimed'>
  readonly #parse: OneTimeParser
  readonly #isMarked: boolean

  /**
   * @param isMarked false if only the ledger knows what is used up, and the file stays as it is
   * @param parse for tests: the parser of the file
   */
  constructor(
    door: string,
    path: string,
    ledger: Pick<Ledger, 'claim' | 'wasClaimed'>,
    { isMarked = true, parse = parseLines }: { readonly isMarked?: boolean; readonly parse?: OneTimeParser } = {},
  ) {
    this.#door = door
    this.#path = path
    this.#ledger = ledger
    this.#parse = parse
    this.#isMarked = isMarked
  }

  /**
   * Returns the unused sequences, and changes nothing.
   *
   * @throws FileError if the file cannot be read, is larger than {@link ONE_TIME_FILE_MAX_BYTES}, or others can write
   *   it
   */
  read(): OneTimeLeft {
    const fd = this.#open(constants.O_RDONLY)
    try {
      return this.#left(this.#content(fd))
    } finally {
      closeSync(fd)
    }
  }

  /** Returns true if a sequence was used up, as far as the ledger knows. */
  wasUsed(knocks: readonly Knock[]): boolean {
    return this.#ledger.wasClaimed(this.#door, usedMark(this.#door, knocks), () => sharedMark(knocks))
  }

  /**
   * Marks the lines of sequences that other hosts have used, so that this host knows of them without the ledger as well.
   * They are in the file when this returns.
   *
   * @throws FileError or the system's error if the file cannot be written
   */
  markUsed(): void {
    if (!this.#isMarked) return
    const fd = this.#open(constants.O_RDWR)
    try {
      this.#markIn(fd, this.#content(fd))
    } finally {
      closeSync(fd)
    }
  }

  /**
   * Claims a sequence and marks its line as used, durably.
   *
   * @throws FileError if the file cannot be written, and nothing is claimed then
   * @throws the system's error if the line could not be marked
   * @throws Error if the ledger is unavailable
   * @throws Error if the file is replaced too often to be marked
   */
  async redeem(knocks: readonly Knock[]): Promise<OneTimeRedeemed> {
    const mark = usedMark(this.#door, knocks)
    let fd = this.#open(this.#isMarked ? constants.O_RDWR : constants.O_RDONLY)
    try {
      const before = this.#content(fd)
      let line = before.lines.find((each) => !each.marked && this.#mark(each) === mark)
      if (line === undefined) return { outcome: 'gone', rest: '', ...this.#left(before) }
      let rest = restOf(before, line)
      const redemption = await this.#ledger.claim(this.#door, mark, () => sharedMark(knocks))
      if (redemption === 'lost') return { outcome: 'used', rest: '', ...this.#left(before) }
      if (redemption !== 'won') throw new Error(redemption.unavailable)
      if (!this.#isMarked) return { outcome: 'redeemed', rest: rest.trim(), ...this.#left(before) }
      for (let round = 0; round < REDEEM_ROUNDS_MAX; round++) {
        if (!this.#isCurrent(fd)) {
          const fresh = this.#open(constants.O_RDWR)
          closeSync(fd)
          fd = fresh
        }
        // No pause between reading and writing: an offset is valid only for the bytes in which it was found.
        const content = this.#content(fd)
        const used = this.#markIn(fd, content)
        await syncData(fd)
        line = used.find((each) => this.#mark(each) === mark)
        if (line !== undefined) rest = restOf(content, line)
        else if (!content.text.split('\n').includes(`#${rest}`)) {
          return { outcome: 'gone', rest: '', ...this.#left(content) }
        } else if (this.#isCurrent(fd)) return { outcome: 'redeemed', rest: rest.trim(), ...this.#left(content) }
      }
      throw new Error(`${this.#path}: is replaced over and over`)
    } finally {
      closeSync(fd)
    }
  }

  /** Marks the lines of used sequences, and returns them. */
  #markIn(fd: number, { lines }: Content): readonly OneTimeLine[] {
    const used = lines.filter((each) => !each.marked && this.#isUsed(each))
    for (const { offset } of used) writeSync(fd, MARK, 0, 1, offset)
    return used
  }

  #left(content: Content): OneTimeLeft {
    const { lines, text } = content
    const unmarked = lines.filter(({ marked }) => !marked)
    const good = unmarked.filter((line) => !this.#isUsed(line))
    const byMark = new Map<string, readonly Knock[]>()
    for (const line of good) {
      const mark = this.#mark(line)
      if (!byMark.has(mark)) byMark.set(mark, line.knocks)
    }
    const sequences = [...byMark.values()]
    const rests = new Set(lines.map((line) => restOf(content, line).trim()))
    const [, name] = NAME.exec(text) ?? []
    return {
      next: sequences[0],
      sequences,
      left: sequences.length,
      usedAgain: unmarked.length - good.length,
      rests,
      name,
    }
  }

  #mark(line: OneTimeLine): string {
    return usedMark(this.#door, line.knocks)
  }

  #isUsed(line: OneTimeLine): boolean {
    return this.wasUsed(line.knocks)
  }

  #open(flags: number): number {
    return openPrivate(this.#path, flags, LIST)
  }

  #isCurrent(fd: number): boolean {
    const open = fstatSync(fd)
    const named = statSync(this.#path)
    return open.ino === named.ino && open.dev === named.dev
  }

  #content(fd: number): Content {
    const text = readOpened(fd, this.#path, ONE_TIME_FILE_MAX_BYTES).toString('latin1')
    return { text, lines: this.#parse(text) }
  }
}

function parseLines(text: string): readonly OneTimeLine[] {
  return parseOneTime(text).lines
}

/** Returns a line without its first byte, which `#` replaces on use. */
function restOf({ text }: Content, { offset }: OneTimeLine): string {
  const end = text.indexOf('\n', offset)
  return text.slice(offset + 1, end < 0 ? undefined : end)
}
