import { decryptList } from './decryption.ts'
import type { Secret } from './decryption.ts'
import { isSame, parseList } from './list.ts'
import type { SequenceList } from './list.ts'
import { fetchList } from './list-file.ts'
import type { Knock } from '../../../config/config.ts'

/** Where in a list somebody is. */
export interface Place {
  readonly list: SequenceList
  /** Sequences of the list that are known to be used. */
  readonly used: number
}

/** The sequence to use at a place. `undefined`: the list has no more. */
export function nextAt({ list, used }: Place): readonly Knock[] | undefined {
  return list.sequences[used]
}

/** How many sequences are left at a place. */
export function leftAt({ list, used }: Place): number {
  return Math.max(0, list.left - used)
}

/** Fetches and decrypts the list; its first line is the next one. Throws as both do. */
export async function openList(url: string, secret: Secret, onProgress: (done: number) => void): Promise<Place> {
  const list = parseList(await decryptList(await fetchList(url), secret, onProgress))
  return { list, used: 0 }
}

/**
 * Where to go on when the sequence at a place was used: the published list's beginning if that is another by now, else
 * a line further down, because whoever publishes may be slow.
 */
export function placeAfter(before: Place, published: SequenceList): Place {
  const isNew = !isSame(before.list.sequences[0], published.sequences[0])
  return { list: published, used: isNew ? 0 : before.used + 1 }
}
