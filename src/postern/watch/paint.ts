import { columnsOf } from './glyphs.ts'

/** The way in which text is shown. A word always says the same as a colour. */
export type Style = 'plain' | 'dim' | 'head' | 'good' | 'warn' | 'bad' | 'note' | 'picked'

/** A piece of a row in one style. */
export interface Span {
  readonly text: string
  readonly style: Style
}
export type Row = readonly Span[]

/** The columns and rows of a terminal. */
export interface Size {
  readonly columns: number
  readonly rows: number
}

/** The largest screen that is drawn. What a terminal has beyond stays empty. */
export const COLUMNS_MAX = 500
export const ROWS_MAX = 200

/** A whole screen of text. */
export interface Picture {
  readonly rows: readonly Row[]
  /** The place of the cursor from 0; absent: it is hidden. */
  readonly cursor?: { readonly row: number; readonly column: number } | undefined
}

/** Parameters of SGR (ECMA-48, 8.3.117), with colours and without (no-color.org). */
const COLOURS: Readonly<Record<Style, string>> = {
  plain: '',
  dim: '2',
  head: '1',
  good: '32',
  warn: '33',
  bad: '1;31',
  note: '36',
  picked: '7',
}
const PICKED = COLOURS.picked
const NO_COLOURS: Readonly<Record<Style, string>> = { ...COLOURS, good: '', warn: '1', bad: '1', note: '' }

/** So many unchanged columns between two changes are written again: moving the cursor takes as many bytes. */
const GAP_MAX = 5
const ESC = '\u001B['
const ERASE_LINE = `${ESC}K`
const HIDE_CURSOR = `${ESC}?25l`

/** A row in columns. A character of two columns is followed by an empty text. */
interface Cells {
  readonly key: string
  readonly glyphs: readonly string[]
  readonly styles: readonly Style[]
}

/** Writes pictures to a terminal: of each one, what differs from the one before. */
export class Painter {
  readonly #codes: Readonly<Record<Style, string>>
  #before: readonly Cells[] | undefined
  #columns = 0
  #cursor = ''

  /** @param colours false: nothing is coloured */
  constructor(colours: boolean) {
    this.#codes = colours ? COLOURS : NO_COLOURS
  }

  /** Forgets what is on the screen, so that the next picture is written whole. */
  forget(): void {
    this.#before = undefined
    this.#cursor = ''
  }

  /** Returns the bytes that turn the screen into the picture. Nothing is wider or higher than the screen. */
  paint({ rows, cursor }: Picture, size: Size): string {
    const columns = Math.min(size.columns, COLUMNS_MAX)
    const count = Math.min(size.rows, ROWS_MAX)
    const isWhole = this.#before === undefined || this.#columns !== columns || this.#before.length !== count
    const before = isWhole ? undefined : this.#before
    const after = Array.from({ length: count }, (_, index) => cellsOf(rows[index] ?? [], columns, before?.[index]))
    this.#before = after
    this.#columns = columns
    let text = isWhole ? `${ESC}m${ESC}2J` : ''
    const blank = cellsOf([], columns)
    for (const [index, cells] of after.entries()) text += this.#row(index, before?.[index] ?? blank, cells)
    const place = cursorText(cursor, columns, count)
    if (text === '' && place === this.#cursor) return ''
    const wasHidden = this.#cursor === HIDE_CURSOR
    this.#cursor = place
    return cursor === undefined && wasHidden ? text : text + place
  }

  #row(index: number, before: Cells, after: Cells): string {
    if (before === after || before.key === after.key) return ''
    const width = after.glyphs.length
    const isSame = (at: number): boolean =>
      before.glyphs[at] === after.glyphs[at] && before.styles[at] === after.styles[at]
    const filled = lastFilled(after) + 1
    const endBefore = lastFilled(before) + 1
    let text = ''
    for (let at = 0; at < filled; at++) {
      if (isSame(at)) continue
      let from = at
      while (from > 0 && after.glyphs[from] === '') from--
      let to = at + 1
      for (let next = to; next < filled && next - to < GAP_MAX; next++) if (!isSame(next)) to = next + 1
      while (to < width && after.glyphs[to] === '') to++
      text += `${ESC}${index + 1};${from + 1}H${this.#cells(after, from, to)}`
      at = to - 1
    }
    return endBefore > filled ? `${text}${ESC}${index + 1};${filled + 1}H${ERASE_LINE}` : text
  }

  #cells({ glyphs, styles }: Cells, from: number, to: number): string {
    let text = ''
    let code = ''
    for (let at = from; at < to; at++) {
      const style = styles[at]!
      // A space looks the same in all styles but that of a picked row.
      const own = glyphs[at] === ' ' && style !== 'picked' && code !== PICKED ? code : this.#codes[style]
      if (own !== code) text += own === '' ? `${ESC}m` : `${ESC}0;${own}m`
      code = own
      text += glyphs[at]!
    }
    return code === '' ? text : `${text}${ESC}m`
  }
}

/** Shows the cursor at its place, or hides it. */
function cursorText(cursor: Picture['cursor'], columns: number, rows: number): string {
  if (cursor === undefined) return HIDE_CURSOR
  return `${ESC}${Math.min(cursor.row, rows - 1) + 1};${Math.min(cursor.column, columns - 1) + 1}H${ESC}?25h`
}

/** Puts a row into columns. A character that must not reach the terminal becomes a question mark. */
function cellsOf(row: Row, columns: number, same?: Cells): Cells {
  const key = row.map(({ text, style }) => `${style} ${text}`).join('\n')
  if (same?.key === key) return same
  const glyphs: string[] = []
  const styles: Style[] = []
  for (const { text, style } of row) {
    for (const character of text) {
      const width = columnsOf(character)
      if (glyphs.length + Math.max(1, width) > columns) break
      glyphs.push(width === 0 ? '?' : character, ...(width === 2 ? [''] : []))
      const shown = character === ' ' && style !== 'picked' ? 'plain' : style
      styles.push(shown, ...(width === 2 ? [style] : []))
    }
  }
  while (glyphs.length < columns) {
    glyphs.push(' ')
    styles.push('plain')
  }
  return { key, glyphs, styles }
}

function lastFilled({ glyphs, styles }: Cells): number {
  for (let at = glyphs.length - 1; at >= 0; at--) if (glyphs[at] !== ' ' || styles[at] === 'picked') return at
  return -1
}
