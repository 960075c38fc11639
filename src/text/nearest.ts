/** Longest word that is compared, in UTF-16 units. */
const WORD_MAX_CHARS = 32

/**
 * Finds the word that was probably meant: the candidate with the fewest edits (change, insert, omit or swap a letter).
 * The edits are at most a third of the candidate's length. Case, `_`, `-` and blanks do not count. `undefined`: there
 * is no near candidate.
 */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  if (word.length > WORD_MAX_CHARS) return undefined
  const plain = plainly(word)
  let best: string | undefined
  let bestDistance = Number.POSITIVE_INFINITY
  for (const candidate of candidates) {
    const other = plainly(candidate)
    const distance = editDistance(plain, other)
    const closer =
      distance < bestDistance ||
      (distance === bestDistance && !sharesFrame(plain, best) && sharesFrame(plain, candidate))
    if (closer && distance <= Math.max(1, Math.floor(other.length / 3)) && distance < other.length) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

/** Returns true if the first and last letters are the same. People rarely mistype those. */
function sharesFrame(plain: string, candidate: string | undefined): boolean {
  const other = plainly(candidate ?? '')
  return plain[0] === other[0] && plain.at(-1) === other.at(-1)
}

function plainly(word: string): string {
  return word.toLowerCase().replaceAll(/[_\- ]/g, '')
}

/** Counts the edits between two words, with a swap of neighbours as one (optimal string alignment). */
export function editDistance(one: string, other: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: other.length + 1 }, (_, index) => index)
  for (let row = 1; row <= one.length; row++) {
    const current = [row]
    for (let column = 1; column <= other.length; column++) {
      const change = one[row - 1] === other[column - 1] ? 0 : 1
      let cost = Math.min(last[column]! + 1, current[column - 1]! + 1, last[column - 1]! + change)
      if (row > 1 && column > 1 && one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1]) {
        cost = Math.min(cost, beforeLast[column - 2]! + 1)
      }
      current.push(cost)
    }
    beforeLast = last
    last = current
  }
  return last[other.length]!
}
