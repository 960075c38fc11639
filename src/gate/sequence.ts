import type { Knock } from '../config/config.ts'
import type { Terms } from './terms.ts'

/** A sequence that opens a door, with the terms of its knocks. Sequences are compared by identity. */
export interface GateSequence {
  /** The name of the door that the sequence opens. */
  readonly door: string
  readonly knocks: readonly Knock[]
  readonly terms: Terms
  /** The user of the sequence, where a door has several users. */
  readonly user?: string | undefined
  /** True if the sequence can be used once. The gate removes it when it opens the door. */
  readonly once: boolean
  /** True if a port scan could complete the sequence. Such a sequence ignores scanners. */
  readonly scannable: boolean
  /** The number of knocks before those of a time-based code; `undefined` if there is no code. */
  readonly code?: number | undefined
}
