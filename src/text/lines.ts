import { codePoint } from './code-point.ts'
import { refuseLarge } from './fault.ts'
import type { FaultSink } from './fault.ts'
import type { Read, TextFault } from './read.ts'

/** A line of a text file, without its line ending. */
export interface TextLine {
  /** The line number, from 1. */
  readonly number: number
  readonly text: string
  /** True if the line ends with CR LF. */
  readonly crlf: boolean
  /** The first character in the line that ends a line for other programs, or `undefined`. */
  readonly stray: StrayEnd | undefined
}

/**
 * A character that ends a line for other programs. An editor would show two lines, and one of them would be ignored
 * here.
 */
export interface StrayEnd {
  /** The column, from 1, in UTF-16 units. */
  readonly column: number
  readonly message: string
  readonly hint: string
}

/**
 * The characters that end a line for other programs: carriage return, NUL, vertical tab, form feed, and Unicode's line
 * and paragraph ends (UAX #14, classes BK, CR and NL). In a regular expression, `.` does not match CR, U+2028 or
 * U+2029.
 */
// oxlint-disable-next-line no-control-regex
const STRAY = /[\0\v\f\r\u0085\u2028\u2029]/
/** The line ends that count in a comment, too. An editor shows the text after them as an active line. */
const STRAY_IN_COMMENT = /[\r\u0085\u2028\u2029]/

/** The same characters as UTF-8 bytes, for texts with one character for each byte. */
// oxlint-disable-next-line no-control-regex
const STRAY_BYTES = /[\0\v\f\r]|\u00C2\u0085|\u00E2\u0080[\u00A8\u00A9]/
const STRAY_BYTES_IN_COMMENT = /\r|\u00C2\u0085|\u00E2\u0080[\u00A8\u00A9]/

/**
 * Yields the lines of a text. They end with LF or CR LF. A byte order mark at the beginning is ignored. After a final
 * line end, the last line is empty.
 */
export function* linesOf(text: string): Generator<TextLine, void> {
  let number = 0
  for (const whole of text.replace(/^\uFEFF/, '').split('\n')) {
    const crlf = whole.endsWith('\r')
    const line = crlf ? whole.slice(0, -1) : whole
    yield { number: ++number, text: line, crlf, stray: strayIn(line) }
  }
}

/**
 * Returns the first stray line end in a line. At both ends of the line, all characters but a carriage return count as
 * blanks.
 *
 * @param bytes true if the text has one character for each byte
 */
export function strayIn(line: string, bytes = false): StrayEnd | undefined {
  const inner = line.trim()
  const comment = inner.startsWith('#')
  const found = (bytes ? (comment ? STRAY_BYTES_IN_COMMENT : STRAY_BYTES) : comment ? STRAY_IN_COMMENT : STRAY).exec(
    inner,
  )
  const index = found === null ? line.indexOf('\r') : line.indexOf(inner) + found.index
  if (index < 0) return undefined
  const what = bytes && found !== null && found[0].length > 1 ? 'a character' : codePoint(line[index]!)
  return {
    column: index + 1,
    message: `${what} in this line ends it for other programs`,
    hint: 'lines end with a line feed: save the file again, or remove the character',
  }
}

/** Returns the pieces of a text that an editor may show as lines, without blank ones and comments. */
export function piecesOf(text: string): readonly string[] {
  return text
    .replace(/^\uFEFF/, '')
    .split(/[\0\n\v\f\r\u0085\u2028\u2029]/)
    .map((piece) => piece.trim())
    .filter((piece) => piece !== '' && !piece.startsWith('#'))
}

/** A line of a text file that is neither blank nor a comment. */
export interface ContentLine extends TextLine {
  /** The line without the blanks around it. */
  readonly content: string
  /** Column of the content, from 1. */
  readonly column: number
}

/**
 * Yields the lines of a file without blank ones and comments. A file that is too large yields none, and a line with a
 * stray line end is yielded after its fault was reported.
 *
 * @param maxChars the largest file, in UTF-16 units
 */
export function* contentLines(
  text: string,
  maxChars: number,
  faults: FaultSink,
  comment = /^#/,
): Generator<ContentLine, void> {
  if (refuseLarge(text, maxChars, faults)) return
  for (const line of linesOf(text)) {
    const { number, text: whole, stray } = line
    const content = whole.trim()
    if (stray !== undefined) faults.error(number, stray.column, stray.message, stray.hint)
    else if (content === '' || comment.test(content)) continue
    yield { ...line, content, column: whole.length - whole.trimStart().length + 1 }
  }
}

/**
 * Reads the only line of a file, apart from blank lines and comments. Messages follow the file's name.
 *
 * @param none the fault of a file without a line
 * @param oneHint the hint for a file with more lines
 */
export function readOnlyLine(text: string, none: TextFault, oneHint: string): Read<string> {
  const all = [...linesOf(text)]
  const { number, stray } = all.find((line) => line.stray !== undefined) ?? {}
  if (stray !== undefined) return { message: `has a fault in line ${number}: ${stray.message}`, hint: stray.hint }
  const lines = all.map((line) => line.text.trim()).filter((line) => line !== '' && !line.startsWith('#'))
  if (lines.length > 1) return { message: 'has more than one line', hint: oneHint }
  return lines[0] === undefined ? none : { value: lines[0] }
}
