/** A line of the table. */
export interface Row {
  readonly measure: string
  /** What was measured of each, with its unit; `undefined`: not measured, `note` says why. */
  readonly ours: string | undefined
  readonly theirs: string | undefined
  /** Theirs to ours, or what else there is to compare. */
  readonly ratio?: string
  readonly aim?: string
  readonly met?: boolean
  readonly note?: string
}

/** How thorough a run is. */
export interface Terms {
  readonly quick: boolean
  /** Says what is done at the moment. */
  readonly say: (text: string) => void
}

/** A measure makes worlds, measures, and gives lines of the table. */
export type Measure = (terms: Terms) => Promise<readonly Row[]>

/** Middle, smallest and largest of some figures. @throws Error if there is none */
export function spread(values: readonly number[]): {
  readonly median: number
  readonly min: number
  readonly max: number
} {
  const sorted = values.toSorted((one, other) => one - other)
  const median = sorted[Math.floor(sorted.length / 2)]
  if (median === undefined) throw new Error('nothing was measured')
  return { median, min: sorted[0]!, max: sorted.at(-1)! }
}

/** A number with as many digits as mean something. */
export function figure(value: number, unit: string): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2
  return `${value.toFixed(digits)} ${unit}`
}

/** How many times one is the other: `12.3`. */
export function times(more: number, less: number): string {
  return less > 0 ? (more / less).toFixed(more / less >= 100 ? 0 : 1) : '-'
}

/** The table for people. */
export function tableText(rows: readonly Row[]): string {
  const heads = ['measure', 'ours', 'theirs', 'ratio', 'aim', 'met']
  const cells = rows.map((row) => [
    row.measure,
    row.ours ?? '-',
    row.theirs ?? '-',
    row.ratio ?? '',
    row.aim ?? '',
    row.met === undefined ? '' : row.met ? 'yes' : 'NO',
  ])
  const widths = heads.map((head, at) => Math.max(head.length, ...cells.map((line) => line[at]!.length)))
  const line = (words: readonly string[]): string =>
    words
      .map((word, at) => word.padEnd(widths[at]!))
      .join('  ')
      .trimEnd()
  const notes = rows.flatMap(({ measure, note }) => (note === undefined ? [] : [`${measure}: ${note}`]))
  return `${[line(heads), line(widths.map((width) => '-'.repeat(width))), ...cells.map(line)].join('\n')}\n${notes.length > 0 ? `\n${notes.join('\n')}\n` : ''}`
}
