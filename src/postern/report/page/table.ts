import { Markup, markup } from '../../../publish/page/markup.ts'

/** The markup of a cell, or a text that is escaped. */
export type Cell = string | Markup

/** A column of a table. */
export interface Column {
  readonly name: string
  /** True for numbers, which stand at the right. */
  readonly isNumber?: true
  /** True for times, which stay on one line. */
  readonly isTime?: true
}

/** Joins markup. */
export function joined(parts: readonly Markup[], between = ''): Markup {
  return new Markup(parts.map(({ text }) => text).join(between))
}

/** Returns a name that somebody chose: its direction of writing does not change what is beside it. */
export function nameOf(name: string): Markup {
  return markup`<bdi>${name}</bdi>`
}

/**
 * Returns a table. On narrow screens a row becomes a block, and each cell has its column's name in front. Roles are given, as
 * browsers drop them with the display of a table.
 */
export function tableOf(caption: string, columns: readonly Column[], rows: readonly (readonly Cell[])[]): Markup {
  const head = columns.map(
    (column) => markup`<th scope="col" role="columnheader"${classOf(column)}>${column.name}</th>`,
  )
  const body = rows.map(
    (row) => markup`<tr role="row">${joined(row.map((cell, index) => cellOf(cell, columns[index]!, index)))}</tr>`,
  )
  return markup`<table role="table"><caption>${caption}</caption>
<thead role="rowgroup"><tr role="row">${joined(head)}</tr></thead>
<tbody role="rowgroup">
${joined(body, '\n')}
</tbody></table>`
}

function cellOf(cell: Cell, column: Column, index: number): Markup {
  if (index === 0) return markup`<th scope="row" role="rowheader">${cell}</th>`
  return markup`<td role="cell" data-of="${column.name}"${classOf(column)}><div>${cell}</div></td>`
}

function classOf({ isNumber, isTime }: Column): Markup {
  return new Markup(isNumber === true ? ' class="number"' : isTime === true ? ' class="time"' : '')
}

/** Returns a table whose further rows are folded up. */
export function foldedTable(caption: string, columns: readonly Column[], rows: readonly (readonly Cell[])[]): Markup {
  const first = tableOf(caption, columns, rows.slice(0, UNFOLDED_MAX))
  const more = rows.slice(UNFOLDED_MAX)
  if (more.length === 0) return first
  const summary = `${more.length} more`
  return markup`${first}<details><summary>${summary}</summary>${tableOf(`${caption}: ${summary}`, columns, more)}</details>`
}

/** The most rows that are not folded up. */
const UNFOLDED_MAX = 12
