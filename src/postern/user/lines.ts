/**
 * A line in front of which this stands is disabled: for the daemon it is a comment. Blanks around the words may differ,
 * as people edit files by hand.
 */
const MARK = '#disabled '
const MARKED = /^([ \t]*)#[ \t]*disabled[ \t]+(?=.)/
/** The byte order mark, in a text with one character for each byte. */
const BOM = /^\u00EF\u00BB\u00BF/

/** Returns a line without the mark that disables it; `undefined`: it has none. */
export function unmarked(line: string): string | undefined {
  return MARKED.test(line) ? line.replace(MARKED, '$1') : undefined
}

// The functions below edit the text of a file, with one character for each byte. Lines are numbered from 1, and end with
// LF. Everything else stays byte for byte.

/** Appends a line. The last line of the text keeps its style: with CR LF, or without a line end. */
export function withLine(text: string, line: string): string {
  const end = lineEndOf(text)
  const isOpen = !text.endsWith('\n') && text.replace(BOM, '') !== ''
  return isOpen ? `${text}${end}${line}` : `${text}${line}${end}`
}

/** Removes lines. A text whose last line has no line end has none afterwards. */
export function withoutLines(text: string, numbers: ReadonlySet<number>): string {
  const lines = linesIn(text)
  const left = lines.filter((_, index) => !numbers.has(index + 1)).join('')
  const isOpen = !text.endsWith('\n') && numbers.has(lines.length)
  return `${BOM.exec(text)?.[0] ?? ''}${isOpen ? withoutEnd(left) : left}`
}

/** Puts the mark that disables a line in front of lines. */
export function withMarks(text: string, numbers: ReadonlySet<number>): string {
  return edited(text, numbers, (line) => line.replace(/^[ \t]*/, (indent) => `${indent}${MARK}`))
}

/** Removes the mark from lines. */
export function withoutMarks(text: string, numbers: ReadonlySet<number>): string {
  return edited(text, numbers, (line) => unmarked(line) ?? line)
}

/**
 * Returns a line with a name and a value, in the style of a line of the same file: its indent, and the blanks between
 * name and value, or the column of the value.
 */
export function lineLike(sample: string | undefined, name: string, value: string): string {
  const [, indent = '', other = '', gap = ' '] = /^([ \t]*)(\S+)([ \t]+)/.exec(sample ?? '') ?? []
  const width = gap.length > 1 ? Math.max(1, other.length + gap.length - name.length) : 1
  return `${indent}${name}${gap.includes('\t') ? gap : ' '.repeat(width)}${value}`
}

function edited(text: string, numbers: ReadonlySet<number>, edit: (line: string) => string): string {
  const lines = linesIn(text).map((line, index) => (numbers.has(index + 1) ? edit(line) : line))
  return `${BOM.exec(text)?.[0] ?? ''}${lines.join('')}`
}

/** Returns the lines with their ends, without the byte order mark. */
function linesIn(text: string): readonly string[] {
  return text.replace(BOM, '').split(/(?<=\n)/)
}

/** Returns the line end of the last line that has one; without any, LF. */
function lineEndOf(text: string): string {
  return /\r\n[^\n]*$/.test(text) ? '\r\n' : '\n'
}

function withoutEnd(text: string): string {
  const rest = text.replace(/\n$/, '')
  return lineEndOf(rest) === '\r\n' ? rest.replace(/\r$/, '') : rest
}
