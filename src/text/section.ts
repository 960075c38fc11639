import { codePoint } from './code-point.ts'
import type { Entry } from './directive.ts'
import { quote, refuseLarge } from './fault.ts'
import type { FaultList } from './fault.ts'
import { strayIn } from './lines.ts'

/** Longest line of a file, in UTF-16 units. The shell gets a command as one argument, which Linux limits to 128 KiB. */
export const LINE_MAX_CHARS = 16_384

/** A `[name]` and the lines under it. */
export interface Section {
  readonly name: string
  readonly line: number
  /** Column of the `[`. */
  readonly column: number
  readonly entries: readonly Entry[]
  /** False if a line was left out because of a fault. */
  readonly complete: boolean
}

/** The limits of a file with sections. */
export interface SectionLimits {
  /** Largest file, in UTF-16 units. */
  readonly maxChars: number
  /** Longest name of a section, in UTF-16 units. */
  readonly nameMaxChars: number
  /** True if odd line ends are errors, and odd blanks around a value are removed. knockd keeps both. */
  readonly strict: boolean
}

const COMMENT_HINT = 'comments start with # and need a line of their own'

/**
 * Splits a file into sections and their lines. Lines end with LF or CRLF. A byte order mark at the beginning is
 * skipped. `#` begins a comment only at the beginning of a line, or after blanks there. Every fault goes to `faults`,
 * and lines that cannot be read are left out. Each section is yielded when complete, so that a large file is never
 * held as lines and doors at once.
 */
export function* readSections(text: string, limits: SectionLimits, faults: FaultList): Generator<Section, void> {
  if (refuseLarge(text, limits.maxChars, faults)) return
  const scan = new Scan(isPlain(text), limits, faults)
  let start = text.startsWith('\uFEFF') ? 1 : 0
  // The position of the next `*/`. It is searched for again only once passed, or an unclosed comment would cost a
  // search a line.
  let close = 0
  let skipTo = 0
  for (let line = 1; start < text.length; line++) {
    const newline = text.indexOf('\n', start)
    const next = newline < 0 ? text.length : newline
    const end = next > start && text[next - 1] === '\r' ? next - 1 : next
    if (start >= skipTo) {
      const first = skipBlanks(text, start, end)
      if (text.startsWith('/*', first)) {
        if (close >= 0 && close <= first) close = text.indexOf('*/', first + 2)
        if (close >= 0) skipTo = close + 1
        faults.error(line, first - start + 1, 'this is not a comment', COMMENT_HINT)
      } else if (first < end && text[first] !== '#') {
        const done = scan.line(text.slice(start, end), first - start, line)
        if (done !== undefined) yield done
      } else if (first < end) scan.hasStray(text.slice(start, end), line)
    }
    start = next + 1
  }
  if (scan.section !== undefined) yield scan.section
}

/** Returns true if the text is printable ASCII, tabs and line ends, as in nearly all configs. */
function isPlain(text: string): boolean {
  return !/[^\t\n\r -~]|\r(?!\n)/.test(text)
}

function skipBlanks(text: string, from: number, end: number): number {
  let at = from
  while (at < end && (text[at] === ' ' || text[at] === '\t')) at++
  return at
}

class Scan {
  /** The section whose lines are being read. */
  section: (Section & { readonly entries: Entry[]; complete: boolean }) | undefined
  readonly #plain: boolean
  readonly #limits: SectionLimits
  readonly #faults: FaultList

  constructor(plain: boolean, limits: SectionLimits, faults: FaultList) {
    this.#plain = plain
    this.#limits = limits
    this.#faults = faults
  }

  /**
   * Reads a line that is neither blank nor a comment. `first` is the index of its first character that is not a blank.
   *
   * @returns the section that ends because this line begins another
   */
  line(text: string, first: number, line: number): Section | undefined {
    if (text.length > LINE_MAX_CHARS) {
      this.#refuse(line, LINE_MAX_CHARS + 1, 'the line is too long', `at most ${LINE_MAX_CHARS} characters`)
      return undefined
    }
    // oxlint-disable-next-line no-control-regex
    const control = this.#plain ? null : /[\0-\x08\x0B-\x1F\x7F]/.exec(text)
    if (control !== null) {
      this.#refuse(line, control.index + 1, `control character ${codePoint(control[0])}`, 'take it out')
      return undefined
    }
    if (this.hasStray(text, line) && this.#limits.strict) return undefined
    if (text[first] === '[') {
      const done = this.section
      this.#header(text, first, line)
      return done
    }
    this.#entry(text, first, line)
    return undefined
  }

  /**
   * Reports a character that only looks like a line end: to knockd, the second "line" may be part of a comment.
   */
  hasStray(text: string, line: number): boolean {
    const stray = this.#plain ? undefined : strayIn(text)
    if (stray !== undefined)
      this.#faults[this.#limits.strict ? 'error' : 'warning'](line, stray.column, stray.message, stray.hint)
    return stray !== undefined
  }

  #header(text: string, first: number, line: number): void {
    const column = first + 1
    const trimmed = text.slice(first).trimEnd()
    const close = trimmed.lastIndexOf(']')
    const name = (close < 0 ? trimmed.slice(1) : trimmed.slice(1, close)).trim()
    if (close < 0) {
      this.#faults.error(line, first + trimmed.length + 1, 'the `]` of the section is missing', 'write `[name]`')
    } else if (close !== trimmed.length - 1) {
      const at = first + close + 1 + (/\S/.exec(trimmed.slice(close + 1))?.index ?? 0)
      this.#faults.error(line, at + 1, 'something follows the `]` of the section', COMMENT_HINT)
    }
    if (name === '') this.#faults.error(line, column, 'the section has no name', 'write `[name]`')
    else if (name.length > this.#limits.nameMaxChars) {
      const hint = `at most ${this.#limits.nameMaxChars} characters`
      this.#faults.error(line, column, 'the name of the section is too long', hint)
    }
    // A faulty header still begins a section, or each line under it would be reported too.
    this.section = { name, line, column, entries: [], complete: true }
  }

  /** Reports a line that is left out. */
  #refuse(line: number, column: number, message: string, hint: string): void {
    this.#faults.error(line, column, message, hint)
    if (this.section !== undefined) this.section.complete = false
  }

  #entry(text: string, first: number, line: number): void {
    const equals = text.indexOf('=', first)
    const key = trim(equals < 0 ? text.slice(first) : text.slice(first, equals))
    const alien = alienComment(text, first)
    if (alien !== undefined) {
      this.#faults.error(line, first + 1, alien, COMMENT_HINT)
      return
    }
    const blank = this.#plain ? null : /[^\S \t]|[\u200B-\u200D\u2060\uFEFF]/.exec(key)
    if (blank !== null) {
      const message = `the blank ${codePoint(blank[0])} is not allowed in a config`
      this.#refuse(line, first + blank.index + 1, message, 'write an ordinary blank, or none')
      return
    }
    const { section } = this
    if (section === undefined) {
      const known = /^[a-z][a-z_0-9]*$/i.test(key) ? `${quote(key)} is` : 'this line is'
      this.#faults.error(line, first + 1, `${known} before the first section`, 'a section begins with `[name]`')
      return
    }
    const valueStart = equals < 0 ? text.length : skipBlanks(text, equals + 1, text.length)
    section.entries.push({
      key,
      value:
        equals < 0 ? undefined : this.#limits.strict ? text.slice(valueStart).trim() : trim(text.slice(valueStart)),
      line,
      keyColumn: first + 1,
      valueColumn: valueStart + 1,
    })
  }
}

/** Removes blanks and tabs at both ends. A no-break space stays, so that its fault is reported. */
function trim(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isBlank(text, start)) start++
  while (end > start && isBlank(text, end - 1)) end--
  return text.slice(start, end)
}

function isBlank(text: string, at: number): boolean {
  return text[at] === ' ' || text[at] === '\t'
}

/** The beginnings of comments in other languages. */
const ALIEN = ['//', '*/', '* ', '<!--', '-- ']

function alienComment(text: string, first: number): string | undefined {
  if (text[first] === ';') return 'a line cannot begin with `;`'
  return '/*<-'.includes(text[first]!) && ALIEN.some((mark) => text.startsWith(mark, first))
    ? 'this is not a comment'
    : undefined
}
