import { figure } from '../row.ts'
import type { Fact, Row } from '../row.ts'

/** Returns a row of one figure that is compared with nothing. */
export function plainRow(measure: string, value: number, unit: string, fact?: Fact): Row {
  return { measure, ours: figure(value, unit), theirs: undefined, ...(fact === undefined ? {} : { fact }) }
}
