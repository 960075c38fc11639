import { parseOneTime } from '../../config/one-time.ts'

const MARK = 0x23

/**
 * Marks the lines of a new one-time list that the list in force has as used. The ledger knows them, too; with the marks a
 * used sequence stays used if the ledger is lost.
 *
 * @param fresh a list without an error
 * @param present the list in force, with the marks of this host
 */
export function withMarksOf(fresh: Buffer, present: Buffer): Buffer {
  const used = countsOf(present, true)
  // A line that begins with another byte may have the same rest. Then nobody knows which of them was used.
  const candidates = countsOf(fresh, false)
  const marked = Buffer.from(fresh)
  for (const { offset, rest } of linesIn(fresh, false)) {
    const uses = used.get(rest)
    if (uses !== undefined && uses >= candidates.get(rest)!) marked[offset] = MARK
  }
  return marked
}

function countsOf(list: Buffer, marked: boolean): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const { rest } of linesIn(list, marked)) counts.set(rest, (counts.get(rest) ?? 0) + 1)
  return counts
}

/** Yields the lines with or without a mark: the place of the first byte, which the mark replaces, and the rest. */
function* linesIn(list: Buffer, marked: boolean): Generator<{ readonly offset: number; readonly rest: string }> {
  const text = list.toString('latin1')
  for (const line of parseOneTime(text).lines) {
    if (line.marked !== marked) continue
    const { offset, length } = line
    yield { offset, rest: text.slice(offset + 1, offset + length) }
  }
}
