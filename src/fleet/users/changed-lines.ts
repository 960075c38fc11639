const NEWLINE = 0x0a
/** Bytes that are compared at once. */
const STEP = 4_096

/**
 * Leaves out the lines at the beginning and the end that two files have in common. So an edit of a large file costs as much
 * as that of a small one.
 */
export function changedLines(one: Buffer, other: Buffer): readonly [one: Buffer, other: Buffer] {
  const start = lineStart(one, commonStart(one, other))
  const most = Math.min(one.length, other.length) - start
  const end = commonEnd(one, other, most)
  // The first of the common lines may be a part of a line.
  const newline = one.indexOf(NEWLINE, one.length - end)
  const kept = end === 0 || newline < 0 ? 0 : one.length - newline - 1
  return [one.subarray(start, one.length - kept), other.subarray(start, other.length - kept)]
}

function commonStart(one: Buffer, other: Buffer): number {
  const most = Math.min(one.length, other.length)
  let at = 0
  while (at + STEP <= most && one.compare(other, at, at + STEP, at, at + STEP) === 0) at += STEP
  while (at < most && one[at] === other[at]) at++
  return at
}

function commonEnd(one: Buffer, other: Buffer, most: number): number {
  const equals = (end: number, size: number): boolean => {
    const [a, b] = [one.length - end, other.length - end]
    return one.compare(other, b - size, b, a - size, a) === 0
  }
  let end = 0
  while (end + STEP <= most && equals(end, STEP)) end += STEP
  while (end < most && one[one.length - end - 1] === other[other.length - end - 1]) end++
  return end
}

/** Returns the place of the first byte of a line. */
function lineStart(content: Buffer, at: number): number {
  return at === 0 ? 0 : content.lastIndexOf(NEWLINE, at - 1) + 1
}
