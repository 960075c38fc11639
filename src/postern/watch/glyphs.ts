import { codePoint } from '../../text/code-point.ts'

/** The longest text that is looked at, in UTF-16 units: more than any screen shows. */
const TEXT_MAX_CHARS = 4_096

const ASCII = /^[\x20-\x7E]*$/
/**
 * Characters that all terminals show in one column and from left to right: letters of alphabets without combining marks,
 * punctuation, and the blocks of the graphs. Anything that joins, turns round or has no fixed width is missing.
 */
const NARROW =
  /^(?:[\x20-\x7E\u00A1-\u00AC\u00AE-\u00FF\u2013\u2014\u2018-\u201D\u2026\u20AC\u2500-\u259F]|(?=\p{L})(?:\p{Script=Latin}|\p{Script=Greek}|\p{Script=Cyrillic}))$/u
/** Characters of two columns in all terminals (Unicode Standard Annex 11, W and F). */
const WIDE =
  /^(?:(?=[\p{Lo}\p{Lm}\p{Nl}])(?:\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana})|[\u3001-\u3003\u3008-\u3011\u30FC\uAC00-\uD7A3\uFF01-\uFF60])$/u
/** Katakana of one column (Annex 11, H). Terminals differ in the marks among them. */
const HALF_WIDTH = /^[\uFF61-\uFFDC]$/

/** Returns the columns of a character: 1 or 2, or 0 if it must not reach a terminal. */
export function columnsOf(character: string): 0 | 1 | 2 {
  if (ASCII.test(character)) return 1
  if (HALF_WIDTH.test(character)) return 0
  if (WIDE.test(character)) return 2
  return NARROW.test(character) ? 1 : 0
}

/**
 * Returns the text with all characters that a terminal may obey, or show in another width, as code points: `<U+202E>`.
 *
 * @param isUtf8 false: the terminal has ASCII alone
 */
export function clean(text: string, isUtf8: boolean): string {
  const cut = text.length > TEXT_MAX_CHARS ? text.slice(0, TEXT_MAX_CHARS) : text
  if (ASCII.test(cut)) return cut
  let cleaned = ''
  for (const character of cut) {
    const isShown = isUtf8 ? columnsOf(character) > 0 : ASCII.test(character)
    cleaned += isShown ? character : codePoint(character)
  }
  return cleaned
}

/** Returns the columns of a text that is {@link clean}. */
export function widthOf(text: string): number {
  if (ASCII.test(text)) return text.length
  let width = 0
  for (const character of text) width += columnsOf(character)
  return width
}

/** Returns the beginning of a clean text that fits into some columns, with a mark at the end if it was cut. */
export function fit(text: string, width: number, isUtf8: boolean): string {
  if (widthOf(text) <= width) return text
  if (width <= 0) return ''
  let [taken, used] = ['', 0]
  for (const character of text) {
    const columns = columnsOf(character)
    if (used + columns > width - 1) break
    taken += character
    used += columns
  }
  return `${taken}${isUtf8 ? '…' : '~'}`
}

/** Returns a clean text in exactly so many columns, cut or filled with spaces. */
export function cell(text: string, width: number, isUtf8: boolean, isRight = false): string {
  const shown = fit(text, width, isUtf8)
  const space = ' '.repeat(Math.max(0, width - widthOf(shown)))
  return isRight ? space + shown : shown + space
}

/** Breaks a clean text into lines of so many columns, at spaces where there are any. */
export function folded(text: string, width: number): readonly string[] {
  const lines: string[] = []
  let [line, used] = ['', 0]
  const end = (): void => {
    lines.push(line.trimEnd())
    line = ''
    used = 0
  }
  for (const word of text.split(/(?<= )/)) {
    if (used > 0 && used + widthOf(word.trimEnd()) > width) end()
    for (const character of word) {
      const columns = columnsOf(character)
      if (used + columns > width) {
        if (character === ' ') continue
        end()
      }
      line += character
      used += columns
    }
  }
  end()
  return lines
}
