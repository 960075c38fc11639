import { complaintsOf, wellText } from './complaints.ts'
import { promptOf } from './dialog.ts'
import { cell, clean, fit, folded, widthOf } from './glyphs.ts'
import { GUTTER, MARK, columnsOf, layoutOf } from './layout.ts'
import type { Band, Box, Layout } from './layout.ts'
import { overlayLines } from './overlay.ts'
import { COLUMNS_MAX, ROWS_MAX } from './paint.ts'
import type { Picture, Row, Size, Span, Style } from './paint.ts'
import { grouped, paneOf } from './pane.ts'
import type { Pane, PaneRow } from './pane.ts'
import { pickedIndex } from './pick.ts'
import { isStale } from './state.ts'
import type { Moment, PaneName, WatchState } from './state.ts'
import { clockText, graphRow, titleRow } from './title.ts'

const NAMES: Readonly<Record<PaneName, string>> = {
  open: 'Open',
  doors: 'Doors',
  attempts: 'Attempts',
  ignored: 'Ignored',
  events: 'Events',
}
const KEYS = 'o open  e extend  c close  f forgive  / filter  p pause  ! all  ? help  q quit'

/** The columns of names in front of texts: the keys, and the fields of a row. */
const NAME_COLUMNS = 18

/** Draws the whole screen. */
export function pictureOf(state: WatchState, given: Size, now: Moment): Picture {
  const size = { columns: Math.min(given.columns, COLUMNS_MAX), rows: Math.min(given.rows, ROWS_MAX) }
  if (size.columns < 1 || size.rows < 1) return { rows: [] }
  const layout = layoutOf(size, state.seen?.inAll.doors ?? 1)
  const rows: Row[] = [
    ...(layout.hasTitle ? [titleRow(state, size.columns, now)] : []),
    ...(layout.hasGraph ? [graphRow(state, size.columns)] : []),
    ...complaintRows(state, layout.complaints, size.columns),
    ...(state.overlay === undefined ? bodyRows(state, layout, now) : overlayRows(state, layout, size.columns, now)),
  ]
  const footer = footerOf(state, layout, size.columns)
  // A screen of one row shows what is typed or said, or else the title.
  const isSaid = state.dialog !== undefined || state.message !== undefined
  const above = layout.hasMessage ? rows : isSaid ? [] : [titleRow(state, size.columns, now)]
  const cursor = footer.column === undefined ? undefined : { row: above.length, column: footer.column }
  return { rows: [...above, ...footer.rows].slice(0, size.rows), cursor }
}

function complaintRows(state: WatchState, rows: number, columns: number): readonly Row[] {
  const { seen, link, isUtf8 } = state
  const text = (words: string, style: Style): Row => [{ text: fit(clean(words, isUtf8), columns, isUtf8), style }]
  const filled = (some: readonly Row[]): readonly Row[] => [...some, ...blank(rows)].slice(0, rows)
  if (link.kind === 'down') {
    const since = clockText(link.sinceMs)
    return filled([text(`${link.reason} since ${since}: ${link.hint}; trying again`, 'bad')])
  }
  if (seen === undefined) return filled([text('waiting for knockd', 'note')])
  const complaints = complaintsOf(state)
  if (complaints.length === 0) return filled([text(wellText(seen.status), 'dim')])
  const shown = complaints.slice(0, rows)
  const more = complaints.length - shown.length
  return filled(
    shown.map(({ state: judged, text: words }, index) => {
      const rest = more > 0 && index === rows - 1 ? ` (${more} more: press !)` : ''
      const room = columns - widthOf(rest)
      const line = fit(clean(`${judged.toUpperCase()} ${words}`, isUtf8), Math.max(1, room), isUtf8)
      return [{ text: line + rest, style: judged === 'critical' ? 'bad' : 'warn' }]
    }),
  )
}

function bodyRows(state: WatchState, { bands, body }: Layout, now: Moment): readonly Row[] {
  const rows = bands.flatMap((band) => bandRows(state, band, now))
  return [...rows, ...blank(body)].slice(0, body)
}

function bandRows(state: WatchState, band: Band, now: Moment): readonly Row[] {
  const stacks = band.map((boxes) => boxes.flatMap((box) => boxRows(state, box, now)))
  const [first = [], second] = stacks
  if (second === undefined) return first
  const gutter: Row = [{ text: ' '.repeat(GUTTER), style: 'plain' }]
  return first.map((row, index) => row.concat(gutter, second[index] ?? []))
}

/** Draws a list: every row is as wide as its box, and there are as many as it has. */
function boxRows(state: WatchState, box: Box, now: Moment): readonly Row[] {
  const { columns: width, rows: count, below } = box
  const pane = paneOf(box.pane, state, now)
  const { first, shown, rest } = windowOf(state, box, pane)
  const lines = shown.map((row, index) => rowSpans(state, box, row, first + index === pickedIn(state, box.pane, pane)))
  const note = pane.rows.length === 0 ? pane.empty : rest
  const said: readonly Row[] =
    note === '' ? [] : [[{ text: cell(`${' '.repeat(MARK)}${note}`, width, state.isUtf8), style: 'dim' }]]
  const drawn = [heading(state, box, pane), ...lines, ...said].slice(0, count)
  const empty: Row = [{ text: ' '.repeat(width), style: 'plain' }]
  return [...drawn, ...Array.from({ length: count - drawn.length + below }, () => empty)]
}

function pickedIn(state: WatchState, name: PaneName, pane: Pane): number | undefined {
  return state.picked?.pane === name ? pickedIndex(state.picked, pane.rows) : undefined
}

/** Chooses the rows that are shown: the first ones, or those around the picked one; of events the last ones. */
function windowOf(
  state: WatchState,
  { pane: name, rows: count }: Box,
  pane: Pane,
): { readonly first: number; readonly shown: readonly PaneRow[]; readonly rest: string } {
  const { rows, unlisted } = pane
  const room = Math.max(0, count - 1)
  const picked = pickedIn(state, name, pane)
  const cut = (first: number, length: number): readonly PaneRow[] => rows.slice(first, first + length)
  if (name === 'events') {
    const last = Math.max(0, rows.length - room)
    const first = Math.min(last, picked ?? last)
    return { first, shown: cut(first, room), rest: '' }
  }
  if (rows.length <= room && unlisted <= 0) return { first: 0, shown: rows, rest: '' }
  const length = Math.max(0, room - 1)
  const first = picked === undefined ? 0 : Math.max(0, Math.min(picked - length + 1, rows.length - length))
  const more = rows.length + Math.max(0, unlisted) - length
  const shown = cut(first, length)
  return { first, shown, rest: more > 0 ? `and ${grouped(more)} more` : '' }
}

function heading(state: WatchState, { pane: name, columns: width }: Box, { count }: Pane): Row {
  const title = cell(`${NAMES[name]} ${count}`.trimEnd(), width, state.isUtf8).trimEnd()
  const { columns, gap } = columnsOf(name, width, hasUsers(state))
  const titles = columns.map(({ title: text, width: own, isRight }, index) =>
    cell(index === 0 ? '' : text, own, state.isUtf8, isRight),
  )
  const line = `${' '.repeat(MARK)}${titles.join(' '.repeat(gap))}`
  const rest = cell(line, width, state.isUtf8).slice(title.length)
  const style: Style = state.pane === name && state.picked !== undefined ? 'note' : 'head'
  return [
    { text: title, style },
    { text: rest, style: 'dim' },
  ]
}

function rowSpans(state: WatchState, { pane: name, columns: width }: Box, row: PaneRow, isPicked: boolean): Row {
  const { isUtf8 } = state
  const { columns, gap } = columnsOf(name, width, hasUsers(state))
  const texts = columns.map(({ cell: at, width: own, isRight }) =>
    cell(clean(row.cells[at] ?? '', isUtf8), own, isUtf8, isRight),
  )
  const line = cell(`${isPicked ? '> ' : '  '}${texts.join(' '.repeat(gap))}`, width, isUtf8)
  if (isPicked) return [{ text: line, style: 'picked' }]
  if (isStale(state) && name !== 'events') return [{ text: line, style: 'dim' }]
  return [{ text: line, style: row.style }]
}

function overlayRows(state: WatchState, { body }: Layout, columns: number, now: Moment): readonly Row[] {
  const { isUtf8 } = state
  const lines = overlayLines(state, now).flatMap(({ name, text, style }): readonly Row[] => {
    const first = name === undefined ? '' : cell(clean(name, isUtf8), Math.min(NAME_COLUMNS, columns), isUtf8)
    const parts = folded(clean(text, isUtf8), Math.max(2, columns - first.length))
    const next = ' '.repeat(first.length)
    return parts.map((part, index) => [{ text: `${index === 0 ? first : next}${part}`, style }])
  })
  const from = Math.max(0, Math.min(state.overlay?.from ?? 0, lines.length - body))
  const shown = lines.slice(from, from + body)
  return [...shown, ...blank(body)].slice(0, body)
}

/** Draws the message, or the line that is typed, and the keys; and says where the cursor is. */
function footerOf(
  state: WatchState,
  { hasMessage, hasKeys }: Layout,
  columns: number,
): { readonly rows: readonly Row[]; readonly column?: number } {
  const { dialog, message, isUtf8, overlay } = state
  if (dialog !== undefined) {
    const { line, column, hint, isFault } = promptOf(state, dialog, columns)
    const below: Span = { text: fit(hint, columns, isUtf8), style: isFault ? 'bad' : 'dim' }
    return { rows: [[{ text: line, style: 'head' }], ...(hasKeys ? [[below]] : [])], column }
  }
  const keys = overlay === undefined ? KEYS : 'up and down scroll, any other key goes back'
  const below: Row = [{ text: fit(keys, columns, isUtf8), style: 'dim' }]
  if (message === undefined) return { rows: [...(hasMessage ? [[]] : []), ...(hasKeys ? [below] : [])] }
  // A message that is too long for its row takes that of the keys, until the next key.
  const room = hasKeys ? 2 : 1
  const parts = folded(clean(message.text, isUtf8), Math.max(2, columns))
  const shown =
    parts.length <= room ? parts : [...parts.slice(0, room - 1), fit(parts.slice(room - 1).join(' '), columns, isUtf8)]
  const rows = shown.map((text): Row => [{ text, style: message.tone }])
  return { rows: [...rows, ...(hasKeys ? [below] : [])].slice(0, room) }
}

function hasUsers({ seen }: WatchState): boolean {
  return seen?.status.doors.some(({ users }) => users !== undefined) === true
}

function blank(count: number): readonly Row[] {
  return Array.from({ length: Math.max(0, count) }, () => [])
}
