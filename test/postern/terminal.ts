// A terminal that knows the sequences that the watch may write, and refuses all others.
import { columnsOf } from '../../src/postern/watch/glyphs.ts'
import type { Size } from '../../src/postern/watch/paint.ts'

const ESC = '\u001B'
/** Move, erase the screen and the line, styles, and the cursor. */
const SEQUENCE = new RegExp(
  `^${ESC}\\[(?:(?<row>\\d+);(?<column>\\d+)H|(?<erase>2J|K)|(?<style>[0-9;]*)m|\\?25(?<cursor>[hl]))`,
)

/** The screen of a terminal: characters with their styles. A character of two columns is followed by ''. */
export class FakeTerminal {
  readonly size: Size
  readonly cells: string[][]
  readonly #empty: readonly string[]
  #row = 0
  #column = 0
  #style = ''
  hasCursor = false

  constructor(size: Size) {
    this.size = size
    this.#empty = Array.from({ length: size.columns }, () => '| ')
    this.cells = Array.from({ length: size.rows }, () => this.#blank())
  }

  /** Takes what was written. Fails if anything is no known sequence, or does not fit on the screen. */
  write(text: string): void {
    for (let rest = text; rest !== '';) {
      const sequence = SEQUENCE.exec(rest)
      if (sequence !== null) {
        this.#obey(sequence.groups!)
        rest = rest.slice(sequence[0].length)
        continue
      }
      const character = String.fromCodePoint(rest.codePointAt(0)!)
      if (character === ESC) throw new Error(`not a known sequence: ${JSON.stringify(rest.slice(0, 20))}`)
      this.#put(character)
      rest = rest.slice(character.length)
    }
  }

  /** The rows as text, without styles and without spaces at the ends. */
  get text(): readonly string[] {
    return this.cells.map((row) =>
      row
        .map((each) => each.replace(/^.*\|/s, ''))
        .join('')
        .trimEnd(),
    )
  }

  #obey({ row, column, erase, style, cursor }: Readonly<Record<string, string | undefined>>): void {
    if (row !== undefined) {
      ;[this.#row, this.#column] = [Number(row) - 1, Number(column) - 1]
      if (this.#row >= this.size.rows || this.#column >= this.size.columns)
        throw new Error(`off the screen: ${row};${column}`)
    } else if (erase === '2J')
      this.cells.splice(0, Infinity, ...Array.from({ length: this.size.rows }, () => this.#blank()))
    else if (erase === 'K') this.cells[this.#row]!.splice(this.#column, Infinity, ...this.#blank().slice(this.#column))
    else if (style !== undefined) this.#style = style.replace(/^0;/, '')
    else this.hasCursor = cursor === 'h'
  }

  #put(character: string): void {
    const width = columnsOf(character)
    if (width === 0) throw new Error(`must not reach a terminal: ${JSON.stringify(character)}`)
    if (this.#column + width > this.size.columns) throw new Error(`wider than the screen: ${character}`)
    // A space looks the same in all styles but reversed.
    const style = character === ' ' && this.#style !== '7' ? '' : this.#style
    this.cells[this.#row]!.splice(
      this.#column,
      width,
      `${style}|${character}`,
      ...(width === 2 ? [`${this.#style}|`] : []),
    )
    this.#column += width
  }

  #blank(): string[] {
    return [...this.#empty]
  }
}
