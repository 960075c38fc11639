import { Figure, Share, figure, percentile, spread, times } from './figure.ts'
import type { Cell } from './figure.ts'

export { Figure, Share, figure, percentile, spread, times }
export type { Cell }

/** A row of the README's table. */
export type Brief = 'command' | 'native' | 'packet' | 'flood'

/**
 * A row of the table in doc/fleet.md. From each but `shown`, something is calculated: see `bench/fleet/demand.ts`. The
 * unit is that of the row.
 */
export type Fact = 'shown' | CalculatedFact
export type CalculatedFact =
  | 'claimsPerS'
  | 'connections'
  | 'restBytes'
  | 'restCpuMs'
  | 'memoryKiB'
  | 'signBytes'
  | 'claimCpuMs'
  | 'toldBytes'
  | 'toldCpuMs'
  | 'pushMiB'
  | 'userBytes'
  | 'claimBytes'

/** A row of the table. */
export interface Row {
  /** The name of the measure. Rows that begin with two spaces belong to the row above. */
  readonly measure: string
  /** The figure of each side; `undefined`: not measured. */
  readonly ours: Cell | Share | undefined
  readonly theirs: Cell | Share | undefined
  /** The program of `theirs`, and how it differs: `knockd, by command`. Default: the peer of the measure. */
  readonly peer?: string
  /** Theirs to ours in the same run, or the other way round where more is better: above 1, ours is better. */
  readonly ratio?: Cell
  readonly aim?: string
  readonly met?: boolean
  /** A remark below the table. */
  readonly note?: string
  /** The row's place in the README's table, if it is in there. */
  readonly brief?: Brief
  /** The row's part in doc/fleet.md, if it has one. */
  readonly fact?: Fact
}

/** The options that decide how long a run takes. */
export interface Terms {
  readonly quick: boolean
  /** Says what is done at the moment. */
  readonly say: (text: string) => void
}

/** A measure makes worlds, measures, and gives rows of the table: the same ones in each run. */
export type Measure = (terms: Terms) => Promise<readonly Row[]>

/** A row of the table after one or more runs. */
export interface MergedRow extends Omit<Row, 'met'> {
  /** The runs that met the aim; `undefined`: there is no aim. The median meets it if most of the runs do. */
  readonly met?: Share
}

/**
 * Merges the rows of several runs: figures become median and spread, shares are added up, and texts that differ are
 * listed.
 *
 * @throws Error if the runs have different rows
 */
export function mergeRuns(runs: readonly (readonly Row[])[]): readonly MergedRow[] {
  const [first = []] = runs
  if (runs.some((rows) => rows.length !== first.length)) throw new Error('the runs have different rows')
  const merged: MergedRow[] = []
  for (const [at, row] of first.entries()) {
    const all = runs.map((rows) => rows[at]!)
    const { met: _met, ratio: _ratio, ...rest } = row
    const judged = all.flatMap(({ met }) => (met === undefined ? [] : [met]))
    const ratio = mergeCells(all.map((each) => each.ratio))
    merged.push({
      ...rest,
      ours: mergeCells(all.map(({ ours }) => ours)),
      theirs: mergeCells(all.map(({ theirs }) => theirs)),
      ...(ratio === undefined || ratio instanceof Share ? {} : { ratio }),
      ...(judged.length === 0 ? {} : { met: new Share(judged.filter(Boolean).length, judged.length) }),
    })
  }
  return merged
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((one, other) => one + other, 0)
}

function mergeCells(cells: readonly (Cell | Share | undefined)[]): Cell | Share | undefined {
  const there = cells.filter((cell) => cell !== undefined)
  const [first] = there
  if (first instanceof Figure && there.every((cell) => cell instanceof Figure)) {
    return new Figure(
      there.flatMap(({ values }) => values),
      first.unit,
    )
  }
  if (first instanceof Share && there.every((cell) => cell instanceof Share)) {
    return new Share(sum(there.map(({ good }) => good)), sum(there.map(({ all }) => all)))
  }
  return first === undefined ? undefined : [...new Set(there.map(String))].join('; ')
}
