import type { Knock } from '../../../config/config.ts'
import type { SequenceList } from './list.ts'

/** A position in a list. */
export interface Place {
  readonly list: SequenceList
  /** The number of used sequences in the list. */
  readonly used: number
}

/** Returns the sequence at a position, or `undefined` at the end of the list. */
export function nextAt({ list, used }: Place): readonly Knock[] | undefined {
  return list.sequences[used]
}

/** Returns the number of sequences that are left. */
export function leftAt({ list, used }: Place): number {
  return Math.max(0, list.left - used)
}
