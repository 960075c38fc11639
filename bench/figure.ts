/** The content of a cell of the table: measured values, or a text if nothing was measured. */
export type Cell = Figure | string

/** Values of one kind with their unit, from one run or from several. It is shown as their median and spread. */
export class Figure {
  readonly values: readonly number[]
  readonly unit: string

  /** @throws Error if there is no value */
  constructor(values: readonly number[], unit = '') {
    if (values.length === 0) throw new Error('nothing was measured')
    this.values = values
    this.unit = unit
  }

  get median(): number {
    return spread(this.values).median
  }

  /** Returns `4.62 ms` for one value, and `4.62 ms (4.10..5.33)` for several. */
  toString(): string {
    const { median, min, max } = spread(this.values)
    const middle = `${digits(median)}${this.unit === '' ? '' : ` ${this.unit}`}`
    return this.values.length === 1 ? middle : `${middle} (${digits(min)}..${digits(max)})`
  }
}

/** The number of attempts that succeeded, as `29 of 30`. Several runs are added up. */
export class Share {
  readonly good: number
  readonly all: number

  constructor(good: number, all: number) {
    this.good = good
    this.all = all
  }

  toString(): string {
    return `${this.good} of ${this.all}`
  }
}

/** Returns one value as a figure. */
export function figure(value: number, unit: string): Figure {
  return new Figure([value], unit)
}

/** Returns how many times the one is the other, or `-` if one of them is 0. */
export function times(more: number, less: number): Cell {
  return more > 0 && less > 0 ? new Figure([more / less]) : '-'
}

/** Returns the median, the smallest and the largest of some values. @throws Error if the list is empty */
export function spread(values: readonly number[]): {
  readonly median: number
  readonly min: number
  readonly max: number
} {
  const sorted = values.toSorted((one, other) => one - other)
  const half = sorted.length >> 1
  const upper = sorted[half]
  if (upper === undefined) throw new Error('nothing was measured')
  const median = sorted.length % 2 === 1 ? upper : (sorted[half - 1]! + upper) / 2
  return { median, min: sorted[0]!, max: sorted.at(-1)! }
}

/** Returns a number with as many digits as mean something. */
function digits(value: number): string {
  return value.toFixed(Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2)
}

/**
 * Returns the smallest value that a share of all values do not exceed (nearest rank), such as 0.99.
 *
 * @throws Error if the list is empty
 */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other)
  const value = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]
  if (value === undefined) throw new Error('nothing was measured')
  return value
}
