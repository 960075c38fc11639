/** The IP version of an address. */
export type Family = 4 | 6
export const FAMILIES: readonly Family[] = [4, 6]

/**
 * An IPv4 or IPv6 address as 32-bit words in network order. The words are signed (`| 0`), so that the engine keeps them
 * as small integers. IPv4 uses only `a`, and the other words are 0.
 */
export interface Address {
  readonly family: Family
  readonly a: number
  readonly b: number
  readonly c: number
  readonly d: number
}

/** The maximum length of an address as text, in characters: that of IPv6 with an embedded dotted quad. */
const ADDRESS_TEXT_MAX = 45

/** Returns an address as text: a dotted quad, or RFC 5952 (lower case, the longest run of zeros as `::`). */
export function formatAddress(address: Address): string {
  if (address.family === 4) return formatQuad(address.a)
  const { a, b, c, d } = address
  if (a === 0 && b === 0 && c === 0xffff) return `::ffff:${formatQuad(d)}`
  const groups = [a >>> 16, a & 0xffff, b >>> 16, b & 0xffff, c >>> 16, c & 0xffff, d >>> 16, d & 0xffff]
  const [start, length] = longestZeroRun(groups)
  const text = groups.map((group) => group.toString(16))
  if (length < 2) return text.join(':')
  return `${text.slice(0, start).join(':')}::${text.slice(start + length).join(':')}`
}

function formatQuad(word: number): string {
  // `join` makes one string; a template would keep its parts as well, three times the memory.
  return [word >>> 24, (word >>> 16) & 255, (word >>> 8) & 255, word & 255].join('.')
}

function longestZeroRun(groups: readonly number[]): readonly [start: number, length: number] {
  let best = 0
  let bestLength = 0
  let length = 0
  for (const [index, group] of groups.entries()) {
    length = group === 0 ? length + 1 : 0
    if (length > bestLength) {
      bestLength = length
      best = index - length + 1
    }
  }
  return [best, bestLength]
}

/**
 * Parses an address: a dotted quad of decimal numbers without leading zeros, or IPv6 text (RFC 4291, 2.2). Zones
 * (`%eth0`) are not allowed. Returns `undefined` for any other text.
 */
export function parseAddress(text: string): Address | undefined {
  if (text.length > ADDRESS_TEXT_MAX) return undefined
  if (!text.includes(':')) {
    const word = parseQuad(text)
    return word === undefined ? undefined : { family: 4, a: word, b: 0, c: 0, d: 0 }
  }
  const groups = parseGroups(text)
  if (groups === undefined) return undefined
  const word = (index: number): number => (groups[index]! << 16) | groups[index + 1]! | 0
  return { family: 6, a: word(0), b: word(2), c: word(4), d: word(6) }
}

function parseQuad(text: string): number | undefined {
  const parts = text.split('.')
  if (parts.length !== 4) return undefined
  let word = 0
  for (const part of parts) {
    if (!/^(0|[1-9][0-9]{0,2})$/.test(part) || Number(part) > 255) return undefined
    word = (word << 8) | Number(part)
  }
  return word | 0
}

function parseGroups(text: string): readonly number[] | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const head = parseHalf(halves[0]!, halves.length === 1)
  const tail = halves.length === 2 ? parseHalf(halves[1]!, true) : []
  if (head === undefined || tail === undefined) return undefined
  const missing = 8 - head.length - tail.length
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined
  return [...head, ...Array<number>(missing).fill(0), ...tail]
}

function parseHalf(text: string, quadMayEnd: boolean): readonly number[] | undefined {
  if (text === '') return []
  const groups: number[] = []
  const parts = text.split(':')
  for (const [index, part] of parts.entries()) {
    if (part.includes('.')) {
      const word = quadMayEnd && index === parts.length - 1 ? parseQuad(part) : undefined
      if (word === undefined) return undefined
      groups.push(word >>> 16, word & 0xffff)
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      groups.push(Number.parseInt(part, 16))
    } else {
      return undefined
    }
  }
  return groups
}

/** Returns true if two addresses are equal. */
export function sameAddress(one: Address, other: Address): boolean {
  return one.family === other.family && one.a === other.a && one.b === other.b && one.c === other.c && one.d === other.d
}
