import type { Size } from './paint.ts'
import type { PaneName } from './state.ts'

/** The columns between two lists side by side. */
export const GUTTER = 2
/** From this size on, the lists form two columns. */
const WIDE_COLUMNS = 130
const WIDE_ROWS = 30
/** From this width on, attempts and who is ignored stand side by side. */
const SIDE_BY_SIDE_COLUMNS = 72
/** From this height on, empty rows part the lists, and complaints have several rows. */
const TALL_ROWS = 36
const COMPLAINTS_TALL = 3

/** A list, and its rows with the heading. */
export interface Box {
  readonly pane: PaneName
  readonly columns: number
  readonly rows: number
  /** The empty rows below it. */
  readonly below: number
}

/** The lists that stand side by side, from the left; each column has its lists from the top. */
export type Band = readonly (readonly Box[])[]

/** The places of everything. They depend on the size and on the number of doors, and not on what happens. */
export interface Layout {
  readonly hasTitle: boolean
  readonly hasGraph: boolean
  readonly complaints: number
  readonly body: number
  readonly bands: readonly Band[]
  readonly hasMessage: boolean
  readonly hasKeys: boolean
}

/** Decides what stands where. */
export function layoutOf({ columns, rows }: Size, doors: number): Layout {
  const hasTitle = rows >= 3
  const hasGraph = rows >= 9
  const hasMessage = rows >= 2
  const hasKeys = rows >= 6
  const complaints = rows < 5 ? 0 : rows >= TALL_ROWS ? COMPLAINTS_TALL : 1
  const body = !hasMessage
    ? 0
    : rows - Number(hasTitle) - Number(hasGraph) - Number(hasMessage) - Number(hasKeys) - complaints
  const isWide = columns >= WIDE_COLUMNS && rows >= WIDE_ROWS
  const bands = isWide ? wideBands(body, columns) : narrowBands(body, columns, doors, rows >= TALL_ROWS)
  return { hasTitle, hasGraph, complaints, body: Math.max(0, body), bands, hasMessage, hasKeys }
}

/** A part of the body: the least rows, its share of the others, and the most rows. */
interface Share {
  readonly least: number
  readonly weight: number
  readonly most: number
}

/** Shares rows. A part that does not get its least gets none; the first parts come first. */
function shared(rows: number, parts: readonly Share[]): readonly number[] {
  let left = rows
  const given = parts.map(({ least }) => {
    const got = left >= least ? least : 0
    left -= got
    return got
  })
  for (let isMore = true; isMore && left > 0;) {
    isMore = false
    for (const [index, { weight, most }] of parts.entries()) {
      const more = given[index] === 0 ? 0 : Math.min(weight, left, most - given[index]!)
      if (more <= 0) continue
      given[index]! += more
      left -= more
      isMore = true
    }
  }
  return given
}

function boxOf(pane: PaneName, rows: number, columns: number, below: number): Box {
  const own = Math.max(0, rows - below)
  return { pane, columns, rows: own, below: rows - own }
}

function narrowBands(body: number, columns: number, doors: number, isTall: boolean): readonly Band[] {
  const gap = Number(isTall)
  const open = { least: 2 + gap, weight: 2, most: 16 }
  const events = { least: 2, weight: 2, most: Infinity }
  const doorRows = { least: 2 + gap, weight: 3, most: Math.min(12, 1 + Math.max(1, doors)) + gap }
  const sources = { least: 2 + gap, weight: 1, most: 12 }
  const [openRows, eventRows, doorsRows, sourceRows] = shared(body, [open, events, doorRows, sources]) as [
    number,
    number,
    number,
    number,
  ]
  const bands: readonly Band[] = [
    openRows === 0 ? [] : [[boxOf('open', openRows, columns, gap)]],
    doorsRows === 0 ? [] : [[boxOf('doors', doorsRows, columns, gap)]],
    sourceRows === 0 ? [] : sourcesBand(sourceRows, columns, gap),
    eventRows === 0 ? [] : [[boxOf('events', eventRows, columns, 0)]],
  ]
  return bands.filter((band) => band.length > 0)
}

/** Two lists side by side, or one below the other where the screen is narrow. */
function sourcesBand(rows: number, columns: number, below: number): Band {
  if (columns < SIDE_BY_SIDE_COLUMNS) {
    const first = Math.ceil(rows / 2)
    return [[boxOf('attempts', first, columns, below), boxOf('ignored', rows - first, columns, below)]]
  }
  const left = Math.floor((columns - GUTTER) / 2)
  return [[boxOf('attempts', rows, left, below)], [boxOf('ignored', rows, columns - GUTTER - left, below)]]
}

function wideBands(body: number, columns: number): readonly Band[] {
  const left = Math.floor((columns - GUTTER) / 2)
  const right = columns - GUTTER - left
  const upper = Math.floor(body / 2)
  const first = Math.ceil(upper / 2)
  return [
    [
      [boxOf('open', first, left, 1), boxOf('doors', upper - first, left, 1)],
      [boxOf('attempts', first, right, 1), boxOf('ignored', upper - first, right, 1)],
    ],
    [[boxOf('events', body - upper, columns, 0)]],
  ]
}

/** A column of a list: the heading, and its least and most width. */
interface ColumnSpec {
  readonly title: string
  readonly least: number
  readonly most: number
  readonly isRight?: boolean
  /** The width of the list from which on the column is shown. */
  readonly from?: number
  /** The share of the room that is left; default: 1. */
  readonly weight?: number
}

const COLUMNS: Readonly<Record<PaneName, readonly ColumnSpec[]>> = {
  open: [
    { title: 'door', least: 8, most: 40 },
    { title: 'source', least: 15, most: 39, weight: 3 },
    { title: 'user', least: 8, most: 20, from: 60 },
    { title: 'opens', least: 8, most: 30, from: 44 },
    { title: 'left', least: 8, most: 8, isRight: true },
  ],
  doors: [
    { title: 'door', least: 8, most: 40 },
    { title: 'opens', least: 8, most: 24 },
    { title: 'for', least: 6, most: 6, from: 40 },
    { title: 'open', least: 5, most: 6, isRight: true },
    { title: 'waits for', least: 10, most: Infinity, from: 50 },
  ],
  attempts: [
    { title: 'source', least: 15, most: 39, weight: 3 },
    { title: 'door', least: 8, most: 40 },
    { title: 'stage', least: 5, most: 5, isRight: true },
    { title: 'left', least: 4, most: 7, isRight: true },
  ],
  ignored: [
    { title: 'source', least: 15, most: 39, weight: 3 },
    { title: 'why', least: 11, most: 29 },
    { title: 'left', least: 7, most: 7, isRight: true },
    { title: 'by', least: 8, most: 40, from: 70 },
  ],
  events: [
    { title: '', least: 14, most: 14 },
    { title: '', least: 1, most: Infinity },
  ],
}

/** A column of a list of a certain width. */
export interface Column {
  readonly title: string
  readonly width: number
  readonly isRight: boolean
  /** The place of its text in {@link PaneRow.cells}. */
  readonly cell: number
}

/** The columns of the mark in front of a picked row. */
export const MARK = 2

/**
 * Returns the columns of a list, and the spaces between them. They depend on its width, and on whether doors have users.
 */
export function columnsOf(
  pane: PaneName,
  width: number,
  hasUsers: boolean,
): { readonly columns: readonly Column[]; readonly gap: number } {
  const gap = width < 60 ? 1 : 2
  const all = COLUMNS[pane]
  const specs = all.filter(({ from = 0, title }) => width >= from && (hasUsers || title !== 'user'))
  const widths = specs.map(({ least }) => least)
  let left = width - MARK - gap * (specs.length - 1) - widths.reduce((sum, each) => sum + each, 0)
  for (let isMore = true; isMore && left > 0;) {
    isMore = false
    for (const [index, { most, weight = 1 }] of specs.entries()) {
      const more = Math.min(weight, left, most - widths[index]!)
      if (more <= 0) continue
      widths[index]! += more
      left -= more
      isMore = true
    }
  }
  const columns = specs.map((spec, index) => {
    const { title, isRight = false } = spec
    return { title, isRight, cell: all.indexOf(spec), width: widths[index]! }
  })
  return { columns, gap }
}
