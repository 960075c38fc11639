import type { Size } from '../watch/paint.ts'
import { folded } from '../watch/glyphs.ts'
import type { Card } from './card.ts'
import { QUIET_MODULES, coloured, drawModules, qrModules } from './qr-code.ts'

/** The least columns of the words beside a QR code, and the gap between both. */
const WORDS_MIN_COLUMNS = 26
const GAP_COLUMNS = 2
/** The narrowest border of a QR code in a window that is too small for more. */
const QUIET_LEAST = 1
/** Automatic wrap on and off (xterm's control sequences): a long secret is copied as one line. */
const WRAP = ['\u001B[?7h', '\u001B[?7l'] as const
const BOLD = ['\u001B[1m', '\u001B[22m'] as const

/** The content of a window. */
export interface View {
  readonly card: Card
  /** True: the secret as text in place of the QR code. */
  readonly isText: boolean
  /** The lines above the keys: where the picture is, what was wrong. */
  readonly notes: readonly string[]
  /** The question with what is typed; absent: Enter alone goes on. */
  readonly prompt?: string
}

/** Returns the rows of a window, with their control sequences. */
export async function rowsOf(view: View, size: Size): Promise<readonly string[]> {
  const { code } = view.card
  if (code === undefined || view.isText) return textRows(view, size)
  for (let quiet = QUIET_MODULES; quiet >= QUIET_LEAST; quiet--) {
    const drawing = drawModules(await qrModules(code, 'low', quiet))
    const rows = beside(view, drawing, size) ?? above(view, drawing, size)
    if (rows !== undefined) return rows
  }
  return tooSmallRows(view, drawModules(await qrModules(code, 'low', QUIET_LEAST)), size)
}

function beside(view: View, drawing: readonly string[], { columns, rows }: Size): readonly string[] | undefined {
  const width = drawing[0]!.length
  const room = columns - width - GAP_COLUMNS
  if (room < WORDS_MIN_COLUMNS || drawing.length > rows) return undefined
  const words = wordsOf(view, room)
  if (words.length > rows) return undefined
  const gap = ' '.repeat(GAP_COLUMNS)
  return Array.from({ length: Math.max(drawing.length, words.length) }, (_, row) => {
    const line = drawing[row]
    return `${line === undefined ? ' '.repeat(width) : coloured(line)}${gap}${words[row] ?? ''}`.trimEnd()
  })
}

function above(view: View, drawing: readonly string[], { columns, rows }: Size): readonly string[] | undefined {
  const words = wordsOf(view, columns)
  if (drawing[0]!.length > columns || drawing.length + words.length > rows) return undefined
  return [...words, ...drawing.map(coloured)]
}

/** Returns the heading, the notes, the question and the keys. */
function wordsOf(view: View, columns: number): readonly string[] {
  const head = folded(view.card.heading, columns).map((line) => `${BOLD[0]}${line}${BOLD[1]}`)
  return [...head, '', ...underOf(view, columns)]
}

function underOf(view: View, columns: number): readonly string[] {
  const { notes, prompt } = view
  const fold = (text: string): readonly string[] => folded(text, columns)
  return [
    ...notes.flatMap((note) => fold(note).concat('')),
    ...(prompt === undefined ? [] : fold(prompt).concat('')),
    ...keysOf(view).flatMap(fold),
  ]
}

function keysOf({ card, isText, prompt }: View): readonly string[] {
  return [
    prompt === undefined ? 'Enter: go on' : 'Enter alone: no check',
    ...(card.code !== undefined ? [isText ? 't: as a QR code' : 't: as text'] : []),
    'Ctrl-C: stop, nothing is written',
  ]
}

function textRows(view: View, { columns, rows }: Size): readonly string[] {
  const { heading, lines } = view.card
  const head = folded(`${heading}:`, columns).map((line) => `${BOLD[0]}${line}${BOLD[1]}`)
  const secret = lines.map((line) => `${WRAP[0]}${line}${WRAP[1]}`)
  return [...head, '', ...secret, '', ...underOf(view, columns)].slice(0, rows)
}

function tooSmallRows(view: View, drawing: readonly string[], { columns, rows }: Size): readonly string[] {
  const width = drawing[0]!.length
  const wide = width + GAP_COLUMNS + WORDS_MIN_COLUMNS
  const need = { columns: wide, rows: Math.max(drawing.length, wordsOf(view, WORDS_MIN_COLUMNS).length) }
  const note = `this QR code needs a window of ${need.columns} x ${need.rows} characters, and this one has ${columns} x ${rows}: make it larger or its letters smaller, or begin again with --image FILE`
  return wordsOf({ ...view, notes: [note, ...view.notes] }, columns).slice(0, rows)
}
