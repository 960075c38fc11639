/** The width of a terminal. */
export const COLUMNS = 80
/** The most characters of a cell of a table: the first with which it fits is taken. An IPv6 address has 39. */
const CELL_CHARS = [45, 32, 24, 18, 12]
const GAP = '  '
const NEXT_INDENT = 10

/**
 * Formats rows below each other. Cells are cut as far as the columns need, and the last cell of a row that is too wide
 * stands on a line of its own.
 *
 * @param right the columns of numbers
 */
export function table(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  right: readonly number[] = [],
): string[] {
  const all = [header, ...rows]
  const widthsAt = (max: number): readonly number[] =>
    header.map((_, column) => Math.max(...all.map((row) => Math.min(max, row[column]!.length))))
  const max = CELL_CHARS.find((each) => isNarrow(widthsAt(each))) ?? CELL_CHARS.at(-1)!
  const widths = widthsAt(max)
  return all.flatMap((row) => {
    const cells = row.map((cell, column) =>
      right.includes(column) ? cut(cell, max).padStart(widths[column]!) : cut(cell, max).padEnd(widths[column]!),
    )
    const line = cells.join(GAP).trimEnd()
    if (line.length <= COLUMNS) return [line]
    return [
      cells.slice(0, -1).join(GAP).trimEnd(),
      `${' '.repeat(NEXT_INDENT)}${cut(row.at(-1)!, COLUMNS - NEXT_INDENT)}`,
    ]
  })
}

/** Returns true if all columns but the last one fit. */
function isNarrow(widths: readonly number[]): boolean {
  return widths.slice(0, -1).reduce((sum, width) => sum + width + GAP.length, 0) <= COLUMNS
}

function cut(cell: string, max: number): string {
  return cell.length <= max ? cell : `${cell.slice(0, max - 1)}…`
}

/** Formats a text as an item of a list. */
export function bullet(text: string): readonly string[] {
  return wrapped(`- ${text}`, 2)
}

/** Breaks a text at blanks. Further lines are indented. */
export function wrapped(text: string, indent = 0): string[] {
  const [blanks] = /^ */.exec(text) ?? ['']
  const lines: string[] = []
  let line = blanks
  for (const word of text.slice(blanks.length).split(' ')) {
    if (line.trim() !== '' && line.length + 1 + word.length > COLUMNS) {
      lines.push(line)
      line = ' '.repeat(indent) + word
    } else line = line.trim() === '' ? line + word : `${line} ${word}`
  }
  return [...lines, line]
}
