/** The most rows that a table shows; the others are counted. */
export const ROWS_MAX = 50
/** The widest line of a table. */
export const COLUMNS = 80
const INDENT = '  '
const FURTHER = '    '
const PART = new RegExp(`.{1,${COLUMNS - FURTHER.length}}`, 'gsu')

export type Row = readonly (string | number)[]

/** Formats a table with a title, or that there is nothing to show. */
export function table(title: string, head: Row, body: readonly Row[]): readonly string[] {
  if (body.length === 0) return [`${title}: none`, '']
  const more = body.length - ROWS_MAX
  return [
    `${title}:`,
    ...rows([head, ...body.slice(0, ROWS_MAX)]),
    ...(more > 0 ? [`  and ${more} more (--json lists them all)`] : []),
    '',
  ]
}

/** Formats rows with their cells in columns. Cells that do not fit go on in a further line. */
export function rows(all: readonly Row[]): readonly string[] {
  const widths = (all[0] ?? []).map((_, column) => Math.max(...all.map((row) => String(row[column]).length)))
  const padded = all.map((row) => row.map((cell, column) => String(cell).padEnd(widths[column] ?? 0)))
  const lines = padded.map((cells) => `${INDENT}${cells.join('  ')}`.trimEnd())
  // In one that is narrow enough, columns stay columns.
  return lines.flatMap((line, index) => (line.length <= COLUMNS ? [line] : folded(padded[index]!)))
}

/** Puts the cells of a row into lines, and breaks a cell that is longer than a line. */
function folded(cells: readonly string[]): readonly string[] {
  const lines = ['']
  for (const cell of cells.map((each) => each.trimEnd()).filter((each) => each !== '')) {
    for (const part of cell.match(PART) ?? []) {
      const last = lines.at(-1)!
      const indent = lines.length === 1 ? INDENT : FURTHER
      const joined = last === '' ? `${indent}${part}` : `${last}  ${part}`
      if (joined.length <= COLUMNS) lines[lines.length - 1] = joined
      else lines.push(`${FURTHER}${part}`)
    }
  }
  return lines
}

/** Formats a time in its two largest units: `1h 5m`, `12s`. */
export function timeText(ms: number): string {
  const seconds = Math.ceil(ms / 1000)
  const units = [
    ['d', Math.floor(seconds / 86_400)],
    ['h', Math.floor(seconds / 3_600) % 24],
    ['m', Math.floor(seconds / 60) % 60],
    ['s', seconds % 60],
  ] as const
  const first = units.findIndex(([, count]) => count > 0)
  if (first < 0) return '0s'
  const shown = units.slice(first, first + 2).filter(([, count]) => count > 0)
  return shown.map(([unit, count]) => `${count}${unit}`).join(' ')
}
