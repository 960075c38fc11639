import { closeSync, constants, fdatasync, fstatSync, statSync, writeSync } from 'node:fs'
import { promisify } from 'node:util'
import type { Knock } from '../config/config.ts'
import { parseOneTime } from '../config/one-time.ts'
import type { OneTimeLine } from '../config/one-time.ts'
import { CLASSIC } from '../file/policy.ts'
import { openPrivate, readOpened } from '../file/private-file.ts'
import type { Store } from './store.ts'
import { usedMark } from './used-mark.ts'

/** Largest file of one-time sequences, in bytes: some ten thousand of them. It is read whole for each opening. */
export const ONE_TIME_FILE_MAX_BYTES = 262_144
/** How often a file may change or be replaced under one strike before the strike is given up. */
export const STRIKE_ROUNDS_MAX = 8

const STRUCK = Buffer.from('#')
/** The line that says which list it is, as {@link writeSequences} writes it. */
const NAME = /^# list: ([\w-]{1,64})$/m

/** The file's format. The text has one character for each byte, so that places in it are places in the file. */
export type OneTimeParser = (text: string) => readonly OneTimeLine[]

/** What a list of one-time sequences has left. */
export interface OneTimeLeft {
  /** The sequence that opens the door next; `undefined` where none is left. */
  readonly next: readonly Knock[] | undefined
  /** All that are left, in order. */
  readonly sequences: readonly (readonly Knock[])[]
  /** How many are left, the next one included; a sequence that stands there twice counts once. */
  readonly left: number
  /** Lines not struck out though their sequence was used: an old copy of the file was put back. They open nothing. */
  readonly usedAgain: number
  /** Every line, struck out or not, but for its first byte, which a strike takes: whose sequence was one of these. */
  readonly rests: ReadonlySet<string>
  /** Which list this is, where the daemon made it: fills and strikes do not change that. */
  readonly name: string | undefined
}

/**
 * What came of striking a sequence out. Only `struck` may open the door. `used`: it was accepted before. `gone`: no such
 * line is in the file any more.
 */
export interface Strike extends OneTimeLeft {
  readonly outcome: 'struck' | 'used' | 'gone'
  /** What {@link OneTimeLeft.rests} has of the line that was struck out; else empty. */
  readonly rest: string
}

interface Content {
  readonly text: string
  readonly lines: readonly OneTimeLine[]
}

const syncData = promisify(fdatasync)

/**
 * The one-time sequences of one door. The file is the operator's: it is read anew each time, never rewritten, and the only
 * thing ever done to it is to write `#` over the first byte of a used line.
 *
 * A sequence is claimed in the store first and struck out second. Killed in between, the store knows; with an old copy
 * of the file put back, the store knows; with the store lost, the file knows.
 */
export class OneTimeList {
  readonly #door: string
  readonly #path: string
  readonly #store: Pick<Store, 'used' | 'wasUsed'>
  readonly #parse: OneTimeParser

  /** @param parse for tests: how the file is read */
  constructor(door: string, path: string, store: Pick<Store, 'used' | 'wasUsed'>, parse: OneTimeParser = parseLines) {
    this.#door = door
    this.#path = path
    this.#store = store
    this.#parse = parse
  }

  /**
   * What is left. Changes nothing.
   *
   * @throws FileError if the file cannot be read, is larger than {@link ONE_TIME_FILE_MAX_BYTES}, or others can write it
   */
  read(): OneTimeLeft {
    const fd = this.#open(constants.O_RDONLY)
    try {
      return this.#left(this.#content(fd))
    } finally {
      closeSync(fd)
    }
  }

  /**
   * Claims a sequence and strikes it out, durably.
   *
   * @throws FileError if the file cannot be written (nothing is claimed then); the system's error if the strike failed
   * @throws JournalError if the claim could not be made durable
   * @throws Error if the file is replaced faster than it can be struck
   */
  async strike(knocks: readonly Knock[]): Promise<Strike> {
    const mark = usedMark(this.#door, knocks)
    let fd = this.#open(constants.O_RDWR)
    try {
      const before = this.#content(fd)
      let line = before.lines.find((each) => !each.struck && this.#mark(each) === mark)
      if (line === undefined) return { outcome: 'gone', rest: '', ...this.#left(before) }
      let rest = restOf(before, line)
      if (!(await this.#store.used(this.#door, mark))) return { outcome: 'used', rest: '', ...this.#left(before) }
      for (let round = 0; round < STRIKE_ROUNDS_MAX; round++) {
        if (!this.#isCurrent(fd)) {
          const fresh = this.#open(constants.O_RDWR)
          closeSync(fd)
          fd = fresh
        }
        // From reading to writing without a pause: an offset is good only for the bytes it was found in.
        const content = this.#content(fd)
        const used = content.lines.filter((each) => !each.struck && this.#isUsed(each))
        for (const { offset } of used) writeSync(fd, STRUCK, 0, 1, offset)
        await syncData(fd)
        line = used.find((each) => this.#mark(each) === mark)
        if (line !== undefined) rest = restOf(content, line)
        else if (!content.text.split('\n').includes(`#${rest}`)) {
          return { outcome: 'gone', rest: '', ...this.#left(content) }
        } else if (this.#isCurrent(fd)) return { outcome: 'struck', rest: rest.trim(), ...this.#left(content) }
      }
      throw new Error(`${this.#path}: is replaced over and over`)
    } finally {
      closeSync(fd)
    }
  }

  #left(content: Content): OneTimeLeft {
    const { lines, text } = content
    const unstruck = lines.filter(({ struck }) => !struck)
    const good = unstruck.filter((line) => !this.#isUsed(line))
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
      usedAgain: unstruck.length - good.length,
      rests,
      name,
    }
  }

  #mark(line: OneTimeLine): string {
    return usedMark(this.#door, line.knocks)
  }

  #isUsed(line: OneTimeLine): boolean {
    return this.#store.wasUsed(this.#door, this.#mark(line))
  }

  #open(flags: number): number {
    return openPrivate(this.#path, flags, CLASSIC)
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

/** A line but for its first byte, which is all that a strike leaves of it. */
function restOf({ text }: Content, { offset }: OneTimeLine): string {
  const end = text.indexOf('\n', offset)
  return text.slice(offset + 1, end < 0 ? undefined : end)
}
