import { decryptList } from './decryption.ts'
import type { Secret } from './decryption.ts'
import { isSame, parseList } from './list.ts'
import type { SequenceList } from './list.ts'
import { fetchList } from './list-file.ts'
import type { Place } from './list-place.ts'

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
