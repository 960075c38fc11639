import type { MergedRow } from './row.ts'

/** Returns a table for a terminal: columns, and remarks below. */
export function tableText(rows: readonly MergedRow[]): string {
  const cells = [HEADS, ...rows.map(cellsOf)]
  const widths = widthsOf(cells)
  const line = (words: readonly string[]): string =>
    words
      .map((word, at) => word.padEnd(widths[at]!))
      .join('  ')
      .trimEnd()
  const [heads, ...body] = cells.map(line)
  const notes = notesOf(rows)
  const table = [heads, line(widths.map((width) => '-'.repeat(width))), ...body].join('\n')
  return `${table}\n${notes.length > 0 ? `\n${notes.join('\n')}\n` : ''}`
}

/** Returns the same table in Markdown. */
export function tableMarkdown(rows: readonly MergedRow[]): string {
  const cells = rows.map((row) => cellsOf(row).map((cell) => cell.replace(/^ {2}/, '… ')))
  return `${markdown([HEADS, ...cells])}${notesOf(rows)
    .map((note) => `\n- ${note}`)
    .join('')}\n`
}

/** Returns a table in Markdown. The first row is its head. */
export function markdown(cells: readonly (readonly string[])[]): string {
  const widths = widthsOf(cells)
  const line = (words: readonly string[]): string =>
    `| ${words.map((word, at) => word.padEnd(widths[at]!)).join(' | ')} |\n`
  const [heads, ...body] = cells.map(line)
  return `${heads}${line(widths.map((width) => '-'.repeat(width)))}${body.join('')}`
}

const HEADS = ['measure', 'Postern', 'compared with', 'ratio', 'aim', 'met']

function cellsOf({ measure, ours, theirs, peer, ratio, aim, met }: MergedRow): readonly string[] {
  const runs = met === undefined ? '' : met.all === 1 ? '' : ` (${String(met)} runs)`
  const verdict = met === undefined ? '' : `${2 * met.good > met.all ? 'yes' : 'NO'}${runs}`
  return [measure, text(ours), withPeer(theirs, peer), ratio === undefined ? '' : text(ratio), aim ?? '', verdict]
}

/** Returns `knockd 24.1 ms`. */
export function withPeer(theirs: MergedRow['theirs'], peer: string | undefined): string {
  if (theirs === undefined) return '-'
  return peer === undefined ? text(theirs) : `${peer} ${text(theirs)}`
}

function text(cell: MergedRow['ours']): string {
  return cell === undefined ? '-' : cell.toString()
}

function notesOf(rows: readonly MergedRow[]): readonly string[] {
  return rows.flatMap(({ measure, note }) => (note === undefined ? [] : [`${measure.trim()}: ${note}`]))
}

function widthsOf(cells: readonly (readonly string[])[]): readonly number[] {
  return cells[0]!.map((_, at) => Math.max(3, ...cells.map((line) => line[at]!.length)))
}
