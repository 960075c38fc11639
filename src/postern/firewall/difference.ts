/** The most pairs of lines that are compared; beyond, everything from the first to the last change is shown. */
const PAIRS_MAX = 4_000_000

interface Line {
  readonly sign: ' ' | '-' | '+'
  readonly text: string
}

/**
 * Formats the changes of a file line by line, as diff(1) does. Unchanged lines are shown only if they enclose a
 * change, which their indentation tells. Gaps are shown as `…`.
 */
export function differing(path: string, before: string | undefined, after: string): string {
  const lines = compare(before === undefined ? [] : linesOf(before), linesOf(after))
  const shown = new Set<number>()
  for (const [index, { sign, text }] of lines.entries()) {
    if (sign === ' ') continue
    shown.add(index)
    let indent = indentOf(text)
    for (let above = index - 1; above >= 0 && indent > 0; above--) {
      if (lines[above]!.text === '' || indentOf(lines[above]!.text) >= indent) continue
      indent = indentOf(lines[above]!.text)
      shown.add(above)
    }
  }
  const told = [`--- ${before === undefined ? '/dev/null' : path}`, `+++ ${path}`]
  let last = -1
  for (const index of [...shown].toSorted((one, other) => one - other)) {
    if (index > last + 1 && last >= 0) told.push('…')
    told.push(`${lines[index]!.sign}${lines[index]!.text}`)
    last = index
  }
  return `${told.join('\n')}\n`
}

function indentOf(text: string): number {
  return text.length - text.trimStart().length
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

/** Merges the lines of both texts in order, with as many common lines as possible. */
function align(old: readonly string[], fresh: readonly string[]): readonly Line[] {
  const gone = old.map((text): Line => ({ sign: '-', text }))
  const come = fresh.map((text): Line => ({ sign: '+', text }))
  const width = fresh.length + 1
  if ((old.length + 1) * width > PAIRS_MAX) return [...gone, ...come]
  // Each cell is the number of common lines from a pair of places to the end.
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
