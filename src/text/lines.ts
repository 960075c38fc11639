import { codePoint } from './code-point.ts'

/** A line of a text file, without its end. */
export interface TextLine {
  /** From 1. */
  readonly number: number
  readonly text: string
  /** Whether it ends with CR LF. */
  readonly crlf: boolean
  /** What is in the line that other programs take for the end of one; `undefined`: nothing is. */
  readonly stray: StrayEnd | undefined
}

/** A character in a line that would end it elsewhere: an editor shows two lines, and one of them would be passed over. */
export interface StrayEnd {
  /** From 1, in UTF-16 units. */
  readonly column: number
  readonly message: string
  readonly hint: string
}

/**
 * Carriage return, NUL, vertical tab, form feed, and Unicode's own ends of lines and paragraphs (UAX #14, classes BK, CR
 * and NL). In a regular expression `.` takes no CR, U+2028 or U+2029.
 */
// oxlint-disable-next-line no-control-regex
const STRAY = /[\0\v\f\r\u0085\u2028\u2029]/
/** Those that count in a comment too: what an editor shows behind one looks like a line that is in force. */
const STRAY_IN_COMMENT = /[\r\u0085\u2028\u2029]/

/** The same as bytes of UTF-8, for texts that have one character for each byte. */
// oxlint-disable-next-line no-control-regex
const STRAY_BYTES = /[\0\v\f\r]|\u00C2\u0085|\u00E2\u0080[\u00A8\u00A9]/
const STRAY_BYTES_IN_COMMENT = /\r|\u00C2\u0085|\u00E2\u0080[\u00A8\u00A9]/

/**
 * The lines of a text. They end with LF or CR LF; a byte order mark in front of the first is passed over. Of a text that
 * ends with the end of a line, the last one is empty.
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
 * What in a line, given without its end, would end it elsewhere. At either end of a line all but a carriage return are as
 * blanks are. `bytes`: the text has one character for each byte.
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
    hint: 'lines end with a line feed: save the file anew, or take the character out',
  }
}

/** The pieces of a text that somebody may see as lines, however they end, blank ones and comments aside. */
export function piecesOf(text: string): readonly string[] {
  return text
    .replace(/^\uFEFF/, '')
    .split(/[\0\n\v\f\r\u0085\u2028\u2029]/)
    .map((piece) => piece.trim())
    .filter((piece) => piece !== '' && !piece.startsWith('#'))
}
