/** Lines around a change that are shown with it. */
const CONTEXT_LINES = 2
/** Most pairs of lines that are compared with each other; beyond, everything between the first and last change is shown. */
const PAIRS_MAX = 4_000_000

interface Line {
  readonly sign: ' ' | '-' | '+'
  readonly text: string
}

/** What changes in a file, line by line, in the manner of diff(1): unchanged lines only around changes, gaps as `…`. */
export function differing(path: string, before: string | undefined, after: string): string {
  const lines = compare(before === undefined ? [] : linesOf(before), linesOf(after))
  const shown = new Set<number>()
  for (const [index, { sign }] of lines.entries()) {
    if (sign === ' ') continue
    for (let near = index - CONTEXT_LINES; near <= index + CONTEXT_LINES; near++) shown.add(near)
  }
  const text = [`--- ${before === undefined ? '/dev/null' : path}`, `+++ ${path}`]
  for (const [index, line] of lines.entries()) {
    if (shown.has(index)) text.push(`${line.sign}${line.text}`)
    else if (index > 0 && shown.has(index - 1)) text.push('…')
  }
  return `${text.join('\n')}\n`
}

function linesOf(text: string): readonly string[] {
  return (text.endsWith('\n') ? text.slice(0, -1) : text).split('\n')
}

function compare(old: readonly string[], fresh: readonly string[]): readonly Line[] {
  let head = 0
  while (head < old.length && head < fresh.length && old[head] === fresh[head]) head++
  let tail = 0
  while (tail < old.length - head && tail < fresh.length - head && old.at(-1 - tail) === fresh.at(-1 - tail)) tail++
  return [
    ...old.slice(0, head).map(same),
    ...align(old.slice(head, old.length - tail), fresh.slice(head, fresh.length - tail)),
    ...old.slice(old.length - tail).map(same),
  ]
}

function same(text: string): Line {
  return { sign: ' ', text }
}

/** Lines of both in one order, as many of them common to both as can be. */
function align(old: readonly string[], fresh: readonly string[]): readonly Line[] {
  const gone = old.map((text): Line => ({ sign: '-', text }))
  const come = fresh.map((text): Line => ({ sign: '+', text }))
  const width = fresh.length + 1
  if ((old.length + 1) * width > PAIRS_MAX) return [...gone, ...come]
  // Common lines from each pair of places to the end.
  const common = new Uint32Array((old.length + 1) * width)
  for (let one = old.length - 1; one >= 0; one--) {
    for (let other = fresh.length - 1; other >= 0; other--) {
      const at = one * width + other
      common[at] =
        old[one] === fresh[other] ? common[at + width + 1]! + 1 : Math.max(common[at + width]!, common[at + 1]!)
    }
  }
  const lines: Line[] = []
  let one = 0
  let other = 0
  while (one < old.length && other < fresh.length) {
    const at = one * width + other
    if (old[one] === fresh[other]) {
      lines.push({ sign: ' ', text: old[one]! })
      one++
      other++
    } else if (common[at + width]! >= common[at + 1]!) lines.push(gone[one++]!)
    else lines.push(come[other++]!)
  }
  return [...lines, ...gone.slice(one), ...come.slice(other)]
}
