import { decryptList } from './decryption.js'
import { isSame, parseList } from './list.js'
import { fetchList } from './list-file.js'
/** The sequence to use at a place. `undefined`: the list has no more. */
export function nextAt({ list, used }) {
  return list.sequences[used]
}
/** How many sequences are left at a place. */
export function leftAt({ list, used }) {
  return Math.max(0, list.left - used)
}
/** Fetches and decrypts the list; its first line is the next one. Throws as both do. */
export async function openList(url, secret, onProgress) {
  const list = parseList(await decryptList(await fetchList(url), secret, onProgress))
  return { list, used: 0 }
}
/**
 * Where to go on when the sequence at a place was used: the published list's beginning if that is another by now, else
 * a line further down, because whoever publishes may be slow.
 */
export function placeAfter(before, published) {
  const isNew = !isSame(before.list.sequences[0], published.sequences[0])
  return { list: published, used: isNew ? 0 : before.used + 1 }
}
