import { faultAt } from '../text/fault.ts'
import type { Fault } from '../text/fault.ts'
import { faultsOf } from '../text/read.ts'
import type { Knock } from './config.ts'
import { strayIn } from '../text/lines.ts'
import { parseSequence } from './sequence.ts'

/** A line of a file of one-time sequences: a sequence, or a former one. */
export interface OneTimeLine {
  /** From 1. */
  readonly line: number
  /** Bytes from the beginning of the file to the line's first byte, which `#` replaces once the sequence is used. */
  readonly offset: number
  /** Bytes of the line, without its line end. */
  readonly length: number
  /** True if the first byte is `#`: the sequence was used, or the line is a comment. */
  readonly marked: boolean
  /** The knocks; empty if `marked` is true. */
  readonly knocks: readonly Knock[]
}

/** The result of reading a file of one-time sequences. */
export interface OneTimeReading {
  readonly lines: readonly OneTimeLine[]
  /** Faults of lines that are not a sequence. Those lines are not in `lines`, and the faults quote nothing of them. */
  readonly faults: readonly Fault[]
}

/** The bytes of a UTF-8 byte order mark, each as one character. */
const MARK = '\u00EF\u00BB\u00BF'

/**
 * Reads a file of one-time sequences in knockd's format. Each line has one sequence in the form of the directive
 * `Sequence`, with or without blanks around it. Blank lines and lines that begin with `#` are skipped. The caller
 * limits the size.
 *
 * @param text the file with one character for each byte (latin1), so that offsets are bytes
 */
export function parseOneTime(text: string): OneTimeReading {
  const lines: OneTimeLine[] = []
  const faults: Fault[] = []
  let offset = 0
  for (let line = 1; offset < text.length; line++) {
    const newline = text.indexOf('\n', offset)
    const next = newline < 0 ? text.length : newline
    const end = next > offset && text[next - 1] === '\r' ? next - 1 : next
    const length = end - offset
    const start = offset === 0 && text.startsWith(MARK) ? MARK.length : offset
    const content = text.slice(start, end)
    const stray = strayIn(content, true)
    if (stray !== undefined) {
      faults.push(faultAt('warning', line, start - offset + stray.column, stray.message, stray.hint))
    }
    if (text[offset] === '#') lines.push({ line, offset, length, marked: true, knocks: [] })
    else if (stray === undefined && !/^[ \t]*(#|$)/.test(content)) {
      const read = parseSequence(content)
      for (const { offset: at = 0, message, hint } of faultsOf(read)) {
        faults.push(faultAt('warning', line, start - offset + at + 1, message, hint))
      }
      if ('value' in read) lines.push({ line, offset, length, marked: false, knocks: read.value })
    }
    offset = next + 1
  }
  return { lines, faults }
}
