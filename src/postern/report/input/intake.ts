import type { LogReader, LogRecord, NoRecord } from '../../../log/read-log.ts'
import type { Tally } from '../tally.ts'

/** An input, and what was found in it. */
export interface InputAccount {
  readonly name: string
  /** The number of lines, frames or events. */
  lines: number
  /** The earliest and the latest time of a line, in milliseconds since 1970. */
  first: number | undefined
  last: number | undefined
  /** Lines that are no line of a log, and lines that can be read in more than one way. */
  unreadable: number
  ambiguous: number
  /** Lines of other programs in a system log. */
  foreign: number
  /** The reason why not all of it was read. */
  problem: string | undefined
  /** Sentences about its limits. */
  readonly notes: string[]
}

/** Begins the account of an input. */
export function accountOf(name: string): InputAccount {
  return {
    name,
    lines: 0,
    first: undefined,
    last: undefined,
    unreadable: 0,
    ambiguous: 0,
    foreign: 0,
    problem: undefined,
    notes: [],
  }
}

/** Takes the lines and the events of all inputs to the tally. */
export class Intake {
  readonly reader: LogReader
  readonly #tally: Tally

  constructor(reader: LogReader, tally: Tally) {
    this.reader = reader
    this.#tally = tally
  }

  /** Takes a line of a log. An empty one does not count. */
  line(line: string, account: InputAccount): void {
    if (line !== '') this.record(this.reader.read(line), account)
  }

  record(record: LogRecord | NoRecord, account: InputAccount): void {
    account.lines++
    if (typeof record === 'string') {
      account[record]++
      return
    }
    const { time } = record
    if (account.first === undefined || time < account.first) account.first = time
    if (account.last === undefined || time > account.last) account.last = time
    this.#tally.take(record)
  }
}
