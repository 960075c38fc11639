import { decryptList } from './decryption.ts'
import type { Secret } from './decryption.ts'
import { isSame, parseList } from './list.ts'
import type { SequenceList } from './list.ts'
import { fetchList } from './list-file.ts'
import type { Knock } from '../../../config/config.ts'

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

/** Fetches and decrypts the list, whose first line is the next sequence. Throws like both functions. */
export async function openList(url: string, secret: Secret, onProgress: (done: number) => void): Promise<Place> {
  const list = parseList(await decryptList(await fetchList(url), secret, onProgress))
  return { list, used: 0 }
}

/**
 * Returns the position after the sequence there was used. It is the beginning of the published list if that has
 * changed. Otherwise it is one line further, because publishing may be slow.
 */
export function placeAfter(before: Place, published: SequenceList): Place {
  const isNew = !isSame(before.list.sequences[0], published.sequences[0])
  return { list: published, used: isNew ? 0 : before.used + 1 }
}
