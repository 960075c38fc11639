import * as fc from 'fast-check'

/** Halves of pairs (U+D800 to U+DFFF), which are no characters. */
const HALVES = { first: 0xd8_00, count: 0x8_00 }
const LAST = 0x10_ff_ff

/**
 * Any character. That of fast-check, `binary`, makes a table of all million characters, which takes a second and a hundred
 * megabytes.
 */
const CHARACTER = fc.integer({ min: 0, max: LAST - HALVES.count }).map(
  (at) => String.fromCodePoint(at < HALVES.first ? at : at + HALVES.count),
  (text) => {
    const point = typeof text === 'string' ? text.codePointAt(0) : undefined
    if (point === undefined || String.fromCodePoint(point) !== text) throw new Error('not one character')
    return point < HALVES.first ? point : point - HALVES.count
  },
)

/** Returns texts of any characters. */
export function anyText(
  limits: { readonly minLength?: number; readonly maxLength?: number } = {},
): fc.Arbitrary<string> {
  return fc.string({ unit: CHARACTER, ...limits })
}
